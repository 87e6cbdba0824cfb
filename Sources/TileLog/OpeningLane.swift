internal import Bytes
internal import Host
internal import Ledger

/// The thread on which a log is opened: everything that is read before it can answer.
actor OpeningLane {
    private let lane = BlockingLane(name: "martlet.log.open")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    func open(
        _ storage: @Sendable () throws -> any LogStorage, origin: String, signers: [NoteSigner], settings: LogSettings,
        clock: @escaping @Sendable () -> UInt64
    ) throws -> LogOpening {
        guard !signers.isEmpty else { throw TileLogError(.malformed, "a log needs a key to sign its checkpoints with") }
        return try LogOpening(
            storage(), origin: origin, signers: signers, settings: settings, clock: clock)
    }
}

/// A log that was read from its files, or just made.
struct LogOpening: Sendable {
    let parts: LogParts
    let log: WriteAheadLog
    /// Whether nothing was ever signed.
    let isNew: Bool

    init(
        _ storage: any LogStorage, origin: String, signers: [NoteSigner],
        settings: LogSettings, clock: @escaping @Sendable () -> UInt64
    ) throws {
        guard !origin.isEmpty, origin.utf8.count <= 255, origin.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw TileLogError(
                .malformed, "an origin is a name of 1 to 255 bytes without spaces, such as log.example.org")
        }
        let identity = try Self.identity(storage, origin: origin, settings.layout)
        let recovered = try LogRecovery(storage, identity, settings).run()
        let state = recovered.state ?? .empty(origin: origin)
        let memory = LogMemory(state)
        let index = try LogIndex(storage)
        parts = LogParts(
            storage: storage, memory: memory, settings: settings, identity: identity, index: index,
            signers: signers, clock: clock)
        log = recovered.log
        isNew = recovered.state == nil
        guard parts.entryLimit > 0 else {
            throw TileLogError(.malformed, "the log was made too small for checkpoints with so many signatures")
        }
        let reader = LogReader(
            memory, packs: PackReader(storage, memory, identity.layout), index: index, settings: settings)
        try RollbackGuard.check(settings.knownCheckpoints, origin: origin, size: state.size, reader.root)
        let indexWriter = LogIndex.Writer(index, leastStep: settings.indexMergeCount)
        if settings.rebuildsIndex { try indexWriter.clear() }
        try IndexRecovery.run(memory, reader, index, indexWriter, batch: settings.indexBatchCount)
    }

    private static func identity(
        _ storage: any LogStorage, origin: String, _ layout: LogSettings.Layout
    ) throws -> LogIdentity {
        if let file = try storage.open(LogIdentity.fileName) {
            let identity = try LogIdentity(parsing: try file.read(4096, at: 0))
            guard identity.origin.utf8.elementsEqual(origin.utf8) else {
                throw TileLogError(
                    .malformed,
                    "the directory holds the log \(identity.origin.safeForTerminal), not \(origin); one log has one origin for ever"
                )
            }
            return identity
        }
        guard layout.isValid else { throw TileLogError(.malformed, "the log's files can't have these sizes") }
        var random = SystemRandomNumberGenerator()
        var salt: [UInt8] = []
        for _ in 0..<2 { salt.append(number: random.next()) }
        let identity = LogIdentity(origin: origin, layout: layout, salt: salt)
        try WriteAheadLog.create(storage, layout)
        // From here on the directory is a log.
        try storage.replace(LogIdentity.fileName, with: identity.encoded)
        return identity
    }
}

extension LogState {
    /// A log without entries that has not signed anything.
    static func empty(origin: String) -> LogState {
        let checkpoint = Checkpoint(origin: origin, size: 0, root: MerkleTree.emptyRoot)
        return LogState(
            edge: TreeEdge(), checkpoint: SignedCheckpoint(checkpoint: checkpoint, note: "", time: 0), isFrozen: false,
            openPack: OpenPack(number: 0), packedBundleCount: 0, durableBundleCount: 0, indexedCount: 0)
    }
}

/// Makes the index know what the log has.
enum IndexRecovery {
    /// Takes the index as far as it belongs to this log, and adds what it lacks; what is still in memory it gets later.
    static func run(
        _ memory: LogMemory, _ reader: LogReader, _ index: LogIndex, _ writer: LogIndex.Writer, batch: Int
    ) throws {
        let size = memory.withState { $0.size }
        var count: UInt64 = 0
        if let mark = index.mark {
            if mark.count > 0, mark.count <= size, try reader.entry(mark.count - 1).identity == mark.lastIdentity,
                // A damaged entry is for whoever asks for it to hear of, and keeps no log from starting.
                (try? reader.indexKnowsLeaf(of: 0)) != false
            {
                count = mark.count
            } else {
                try writer.clear()
            }
        }
        let packed = memory.withState { $0.packedBundleCount * 256 }
        while count < packed {
            var rows: [IndexAddition] = []
            var lastIdentity = MerkleTree.emptyRoot
            while count < packed, rows.count < batch {
                let end = min(packed, count / 256 * 256 + 256)
                for row in try reader.rows(bundle: count / 256, from: Int(count % 256)) {
                    rows.append(row.addition)
                    lastIdentity = row.identity
                }
                count = end
            }
            try writer.append(rows, mark: IndexMark(count: count, lastIdentity: lastIdentity))
        }
        memory.withState { $0.restart(indexedCount: count) }
    }
}

extension LogReader {
    /// What the index is told of the entries of a packed bundle.
    func rows(bundle: UInt64, from start: Int) throws -> [IndexRow] {
        let facts = try packs.facts(bundle)
        let tile = try packs.tileBytes(bundle)
        return (start..<HashTile.fullWidth).compactMap { place in
            guard let leafHash = Digest(tile, at: place * Digest.byteCount) else { return nil }
            return IndexRow(
                index: bundle * 256 + UInt64(place), identity: facts[place].identity ?? leafHash,
                leafHash: facts[place].identity == nil ? nil : leafHash, keys: facts[place].keys)
        }
    }
}
