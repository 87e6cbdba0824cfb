internal import Bytes
internal import Host
package import Ledger
internal import Synchronization
package import SystemPackage

/// An append-only log of entries under signed checkpoints, in a directory of its own.
///
/// What `add` returns is on the disk and under a published checkpoint; it is never lost, and no checkpoint that was
/// ever signed contradicts another. Everything may be called from any number of tasks; no call blocks one.
package final class TransparencyLog: Sendable {
    let parts: LogParts
    private let queue: AddQueue
    private let keeper: KeeperLane
    let reader: ReaderLane
    /// The two loops, until `close` waits for their end.
    private let loops: Mutex<[Task<Void, Never>]>

    package var origin: String { parts.identity.origin }

    private init(_ parts: LogParts, queue: AddQueue, keeper: KeeperLane, reader: ReaderLane, loops: [Task<Void, Never>])
    {
        self.parts = parts
        self.queue = queue
        self.keeper = keeper
        self.reader = reader
        self.loops = Mutex(loops)
    }

    deinit {
        queue.close()
        keeper.finish()
    }

    /// Opens the log in `directory`, and makes it where there is none. A log's origin and layout never change.
    ///
    /// `clock` gives milliseconds since 1970. Refuses with `.unreachable` while another process has the log open, with
    /// `.damaged` when its files do not agree with its last checkpoint, and with `.rolledBack` when `knownCheckpoints`
    /// of `settings` say that the directory is an old copy.
    package static func open(
        _ directory: FilePath, origin: String, signers: [NoteSigner], settings: LogSettings = LogSettings(),
        clock: @escaping @Sendable () -> UInt64 = { UInt64(clamping: Clocks.nowNanoseconds() / 1_000_000) }
    ) async throws -> TransparencyLog {
        try await open(
            { try DirectoryStorage(directory) }, origin: origin, signers: signers, settings: settings, clock: clock)
    }

    /// Opens a log on any storage.
    static func open(
        _ storage: @escaping @Sendable () throws -> any LogStorage,
        origin: String, signers: [NoteSigner], settings: LogSettings, clock: @escaping @Sendable () -> UInt64
    ) async throws -> TransparencyLog {
        let opened = try await OpeningLane().open(
            storage, origin: origin, signers: signers, settings: settings, clock: clock)
        let parts = opened.parts
        let queue = AddQueue(settings)
        let keeper = KeeperLane(parts)
        let writer = WriterLane(parts, log: opened.log, keeper: keeper, queue: queue)
        let reader = ReaderLane(parts)
        try await keeper.start()
        try await reader.start()
        try await writer.start(isNew: opened.isNew)
        let loops = [Task { await writer.run() }, Task { await keeper.run() }]
        keeper.signal()
        return TransparencyLog(parts, queue: queue, keeper: keeper, reader: reader, loops: loops)
    }

    /// The latest checkpoint. It is on the disk.
    package var checkpoint: SignedCheckpoint { parts.memory.withState { $0.checkpoint } }

    /// The number of entries.
    package var size: UInt64 { checkpoint.checkpoint.size }

    /// Whether the log takes no more entries, for ever.
    package var isFrozen: Bool { parts.memory.withState { $0.isFrozen } }

    /// Why the log has stopped; `nil` while it works.
    package var failure: TileLogError? { parts.memory.withState { $0.failure } }

    /// Waits until all that is committed by now is in packs, on the disk, and in the index. `.full` where the disk has no
    /// room for that; nothing is lost then.
    package func settle() async throws { try await keeper.keepUp(isForced: true) }

    /// Stops taking entries, and waits until all that was taken is committed, packed and indexed. Further calls that add
    /// throw `.stopped`.
    package func close() async {
        queue.close()
        let loops = loops.withLock { loops in
            defer { loops = [] }
            return loops
        }
        await loops.first?.value
        keeper.finish()
        await loops.last?.value
        parts.storage.unlock()
    }
}

// MARK: - Adding

extension TransparencyLog {
    /// Adds entries, in order, and waits until they are on the disk and under a checkpoint.
    ///
    /// An entry that the log has already keeps its index. A long list is committed in parts, so that after an error some
    /// of them may be in the log; adding the same again finds them. With `proofs` off, no audit path is made.
    package func add(_ entries: [NewEntry], proofs: Bool = true) async throws -> [AddedEntry] {
        var added: [AddedEntry] = []
        added.reserveCapacity(entries.count)
        for part in try parts(of: entries) {
            added += try await commit(part.entries, byteCount: part.byteCount, proofs: proofs)
        }
        return added
    }

    private func commit(_ entries: [HashedEntry], byteCount: Int, proofs: Bool) async throws -> [AddedEntry] {
        let committed = try await queue.submit(.add, entries, byteCount: byteCount)
        let checkpoint = committed.checkpoint
        var added: [AddedEntry] = []
        added.reserveCapacity(entries.count)
        for (entry, placement) in zip(entries, committed.placements) {
            switch placement {
            case .new(let index):
                // The leaf of an entry that was made is known to the log alone.
                let leafHash =
                    if case .leaf = entry.entry.content { entry.identity } else {
                        try await self.entry(at: index).leafHash
                    }
                let proof = proofs ? try committed.tree.inclusionProof(of: index) : []
                added.append(
                    AddedEntry(
                        index: index, leafHash: leafHash, time: checkpoint.time, isDuplicate: false,
                        checkpoint: checkpoint, inclusionProof: proof))
            case .known(let index):
                let size = checkpoint.checkpoint.size
                added.append(
                    try await reader.read { reader in
                        let stored = try reader.entry(index)
                        let proof = proofs ? try reader.tree(forLeaf: index, size: size).inclusionProof(of: index) : []
                        return AddedEntry(
                            index: index, leafHash: stored.leafHash, time: stored.time, isDuplicate: true,
                            checkpoint: checkpoint, inclusionProof: proof)
                    })
            }
        }
        return added
    }

    /// Adds entries as `add` does, and gives nothing but their places: a few times quicker where many come at once.
    package func place(_ entries: [NewEntry]) async throws -> PlacedEntries {
        var indexes: [UInt64] = []
        indexes.reserveCapacity(entries.count)
        var newest = checkpoint
        for part in try parts(of: entries) {
            let committed = try await queue.submit(.add, part.entries, byteCount: part.byteCount)
            for placement in committed.placements { indexes.append(placement.index) }
            newest = committed.checkpoint
        }
        return PlacedEntries(indexes: indexes, checkpoint: newest)
    }

    /// Adds one entry, and calls `answer` once when it is on the disk and under a checkpoint, or refused: for servers
    /// that have no task for each request. `answer` runs on a thread of the log or of the caller, and must be quick.
    package func add(_ entry: NewEntry, answer: @escaping @Sendable (Result<CommittedEntry, TileLogError>) -> Void) {
        let hashed: HashedEntry
        do {
            hashed = try HashedEntry(entry, parts.settings, limit: parts.entryLimit)
        } catch {
            answer(.failure(error as? TileLogError ?? TileLogError(.malformed, "the entry has no hash: \(error)")))
            return
        }
        queue.submit(
            AddQueue.Request(
                kind: .add, entries: [hashed], byteCount: hashed.recordByteCount(limit: parts.entryLimit)
            ) { result in
                answer(
                    result.flatMap { committed in
                        guard let placement = committed.placements.first else {
                            return .failure(TileLogError(.unreachable, "the log gave the entry no place"))
                        }
                        return .success(
                            CommittedEntry(
                                placement, checkpoint: committed.checkpoint, tree: committed.tree))
                    })
            })
    }

    /// Entries as they are committed: no more at once than a record holds.
    private func parts(of entries: [NewEntry]) throws -> [(entries: [HashedEntry], byteCount: Int)] {
        let limit = parts.entryLimit
        var all: [(entries: [HashedEntry], byteCount: Int)] = []
        var part: [HashedEntry] = []
        part.reserveCapacity(min(entries.count, parts.settings.greatestBatchCount))
        var byteCount = 0
        for entry in entries {
            let hashed = try HashedEntry(entry, parts.settings, limit: limit)
            let more = hashed.recordByteCount(limit: limit)
            if part.count >= parts.settings.greatestBatchCount || byteCount + more > parts.greatestBatchByteCount {
                all.append((part, byteCount))
                part = []
                byteCount = 0
            }
            part.append(hashed)
            byteCount += more
        }
        if !part.isEmpty { all.append((part, byteCount)) }
        return all
    }

    /// Signs the same tree again, with the time of now.
    package func refreshCheckpoint() async throws -> SignedCheckpoint {
        try await queue.submit(.refresh, [], byteCount: 0).checkpoint
    }

    /// Takes no more entries, for ever; reads go on.
    package func freeze() async throws {
        _ = try await queue.submit(.freeze, [], byteCount: 0)
    }
}
