internal import Bytes
internal import Ledger

/// Brings a log back from its files.
///
/// The write-ahead log is the truth: its last whole record says what the log is. Packs count only as far as the
/// write-ahead log has given up its own copy; what stands in them beyond is written again.
struct LogRecovery {
    private let storage: any LogStorage
    private let identity: LogIdentity
    private let settings: LogSettings

    init(_ storage: any LogStorage, _ identity: LogIdentity, _ settings: LogSettings) {
        self.storage = storage
        self.identity = identity
        self.settings = settings
    }

    /// A log after a start.
    struct Recovered {
        let log: WriteAheadLog
        /// `nil` for a log that has not signed anything yet.
        let state: LogState?
    }

    func run() throws -> Recovered {
        let recovered = try WriteAheadLog.recover(storage, identity.layout, leafHash: settings.leafHash)
        guard let first = recovered.records.first, let last = recovered.records.last else {
            guard try !storage.list("").contains(Packs.directory) else {
                throw TileLogError(
                    .damaged,
                    "the log has packs, but its write-ahead log is empty; restore the directory \(WriteAheadLog.directory)"
                )
            }
            return Recovered(log: recovered.log, state: nil)
        }
        // The bundle that the oldest record begins within is on the disk, or the room before it would not have been
        // given up.
        let trusted = (first.firstIndex + 255) / 256
        var state = try packed(bundleCount: trusted, last)
        for record in recovered.records where record.endIndex > state.size {
            let known = state.size > record.firstIndex ? Int(state.size - record.firstIndex) : 0
            let entries = Array(record.entries[known...])
            var edge = state.edge
            let full = entries.flatMap { edge.append($0.leafHash) }
            state.append(entries, edge: edge, full: full)
        }
        let root = try state.edge.tree().root()
        guard state.size == state.checkpoint.checkpoint.size, root == state.checkpoint.checkpoint.root else {
            throw TileLogError(
                .damaged,
                "the log's \(state.size) entries have the root \(root.hex), but the last signed checkpoint says \(state.checkpoint.checkpoint.size) and \(state.checkpoint.checkpoint.root.hex); restore the log from a mirror"
            )
        }
        try recovered.log.persistNewest(last)
        return Recovered(log: recovered.log, state: state)
    }

    /// The state with the first `bundleCount` bundles, which packs must have.
    private func packed(bundleCount: UInt64, _ last: LogRecord) throws -> LogState {
        let perPack = UInt64(identity.layout.packBundleCount)
        var edge = TreeEdge()
        var tiles: [LogState.TilePlace: HashTile] = [:]
        func keep(_ full: [TreeEdge.FullTile], from level: Int) {
            for tile in full where tile.level >= level {
                tiles[LogState.TilePlace(level: tile.level, index: tile.index)] = tile.tile
            }
        }
        // A pack without an end is the open one, even when it has all of its bundles.
        var packCount = bundleCount / perPack
        if packCount > 0, try footer(packCount - 1) == nil { packCount -= 1 }
        let upperCount = packCount * perPack / 256
        for start in stride(from: UInt64(0), to: upperCount, by: 256) {
            let end = min(start + 256, upperCount)
            guard let footer = try footer(end * 256 / perPack - 1), footer.upper.count == Int(end - start) else {
                throw PackBundle.damaged(end * 256 - 1, "its pack has no end, or a wrong one")
            }
            for root in footer.upper { keep(edge.append(upperRoot: root), from: 2) }
        }
        for pack in (upperCount * 256 / perPack)..<packCount {
            guard let footer = try footer(pack), footer.roots.count == Int(perPack) else {
                throw PackBundle.damaged(pack * perPack, "its pack has no end, or a wrong one")
            }
            for root in footer.roots { keep(edge.append(tileRoot: root), from: 2) }
        }
        var open = LogState.OpenPack(number: packCount)
        if bundleCount > packCount * perPack {
            guard let file = try storage.open(Packs.fileName(packCount)) else {
                throw PackBundle.damaged(packCount * perPack, "the file \(Packs.fileName(packCount)) is absent")
            }
            file.dropCached()
            for bundle in (packCount * perPack)..<bundleCount {
                let bytes = try file.read(PackBundle.headerByteCount, at: open.byteCount)
                let header = try PackBundle.header(bytes, index: bundle)
                open.offsets.append(UInt64(open.byteCount))
                open.roots.append(header.root)
                open.byteCount += header.byteCount
                keep(edge.append(tileRoot: header.root), from: 1)
            }
        }
        let text = try Note(parsing: last.note).text
        return LogState(
            edge: edge,
            checkpoint: SignedCheckpoint(checkpoint: try Checkpoint(parsing: text), note: last.note, time: last.time),
            isFrozen: last.isFrozen, tiles: tiles, openPack: open, packedBundleCount: bundleCount,
            durableBundleCount: bundleCount, indexedCount: 0)
    }

    /// The footer of a pack; `nil` where it has none.
    private func footer(_ pack: UInt64) throws -> PackFooter? {
        guard let file = try storage.open(Packs.fileName(pack)) else { return nil }
        do {
            return try PackFooter(reading: file, pack: pack)
        } catch let error as TileLogError where error.code == .damaged {
            return nil
        }
    }
}
