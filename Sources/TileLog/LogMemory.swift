internal import Bytes
internal import Ledger
internal import Synchronization

/// What a log has in memory: the right edge of its tree, and all that is not yet in packs or not yet in the index.
///
/// The writer adds to it after each commit, the keeper takes away what it has put on the disk, readers look. The lock
/// guards the state alone, is held for moments and never across a call that blocks.
final class LogMemory: Sendable {
    private let guarded: Mutex<LogState>

    init(_ state: LogState) { guarded = Mutex(state) }

    func withState<Result>(_ body: (inout LogState) throws -> sending Result) rethrows -> sending Result {
        try guarded.withLock { try body(&$0) }
    }
}

/// See `LogMemory`.
struct LogState: Sendable {
    /// Which full tile.
    struct TilePlace: Hashable, Sendable {
        let level: Int
        let index: UInt64
    }

    /// What the index is told of one entry.
    struct IndexRow: Sendable {
        let index: UInt64
        let identity: Digest
        let keys: [UInt64]
    }

    /// The pack that is being written.
    struct OpenPack: Sendable {
        var number: UInt64
        var offsets: [UInt64] = []
        var roots: [Digest] = []
        var byteCount = 0
    }

    var edge: TreeEdge
    var checkpoint: SignedCheckpoint
    var isFrozen: Bool
    /// Entries by bundle, of every bundle that is not in a pack.
    var bundles: [UInt64: [LogEntry]] = [:]
    /// Full tiles that no pack has, and all of the third level and above.
    var tiles: [TilePlace: HashTile] = [:]
    var openPack: OpenPack
    /// The bundles that can be read from packs, and those that are on the disk for good.
    var packedBundleCount: UInt64
    var durableBundleCount: UInt64
    /// What the index does not have yet, in order, and the same by identity and by key.
    var unindexed: [[IndexRow]] = []
    var recentIdentities: [Digest: UInt64] = [:]
    var recentKeys: [UInt64: [UInt64]] = [:]
    /// The entries that the index has.
    var indexedCount: UInt64
    /// Why the log has stopped for good.
    var failure: TileLogError?

    var size: UInt64 { edge.size }
    /// The entries that are in memory alone.
    var unpackedCount: Int { Int(size - packedBundleCount * 256) }
    var unindexedCount: Int { Int(size - indexedCount) }

    /// Adds entries that follow the last one. `edge` is the tree with them, `full` the tiles that they filled.
    mutating func append(
        _ entries: [LogEntry], edge newEdge: TreeEdge, full: [TreeEdge.FullTile], indexing: Bool = true
    ) {
        let first = size
        for (offset, entry) in entries.enumerated() {
            bundles[(first + UInt64(offset)) / 256, default: []].append(entry)
        }
        for tile in full { tiles[TilePlace(level: tile.level, index: tile.index)] = tile.tile }
        edge = newEdge
        let rows = entries.enumerated().compactMap { offset, entry -> IndexRow? in
            let index = first + UInt64(offset)
            guard index >= indexedCount else { return nil }
            return IndexRow(index: index, identity: entry.identity ?? entry.leafHash, keys: entry.keys)
        }
        remember(rows)
    }

    /// Keeps rows for the index, and finds them until it has them.
    mutating func remember(_ rows: [IndexRow]) {
        guard !rows.isEmpty else { return }
        unindexed.append(rows)
        for row in rows {
            if recentIdentities[row.identity] == nil { recentIdentities[row.identity] = row.index }
            for key in row.keys.isEmpty ? [] : Set(row.keys) { recentKeys[key, default: []].append(row.index) }
        }
    }

    /// Forgets rows that the index has by now: the first `count` groups.
    mutating func forgetIndexed(groups count: Int) {
        var keys: Set<UInt64> = []
        for row in unindexed[..<count].joined() {
            if recentIdentities[row.identity] == row.index { recentIdentities[row.identity] = nil }
            keys.formUnion(row.keys)
            indexedCount = row.index + 1
        }
        unindexed.removeFirst(count)
        // One pass for each key: a key of every entry would cost the square of their number otherwise.
        for key in keys {
            recentKeys[key]?.removeAll { $0 < indexedCount }
            if recentKeys[key]?.isEmpty == true { recentKeys[key] = nil }
        }
    }

    /// Forgets a bundle that a pack has by now.
    mutating func forgetPacked(_ bundle: UInt64) {
        bundles[bundle] = nil
        tiles[TilePlace(level: 0, index: bundle)] = nil
        packedBundleCount = bundle + 1
        // A tile of the second level is read from the footers of its packs.
    }

    /// The tile `index` of `level`, when it is in memory; it may be wider than asked for.
    func tile(level: Int, index: UInt64) -> HashTile? {
        if let tile = tiles[TilePlace(level: level, index: index)] { return tile }
        guard edge.tiles.indices.contains(level), size >> UInt64(8 * (level + 1)) == index else { return nil }
        return edge.tiles[level]
    }
}
