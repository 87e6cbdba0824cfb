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
    /// What the index does not have yet.
    var unindexed = UnindexedEntries()
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
        var place = 0
        while place < entries.count {
            let bundle = (first + UInt64(place)) / 256
            let end = min(entries.count, Int(bundle * 256 + 256 - first))
            bundles[bundle, default: []] += entries[place..<end]
            place = end
        }
        for tile in full { tiles[TilePlace(level: tile.level, index: tile.index)] = tile.tile }
        edge = newEdge
        let rows = entries.enumerated().compactMap { offset, entry -> IndexRow? in
            let index = first + UInt64(offset)
            guard index >= indexedCount else { return nil }
            return IndexRow(
                index: index, identity: entry.identity ?? entry.leafHash,
                leafHash: entry.identity == nil ? nil : entry.leafHash, keys: entry.keys)
        }
        unindexed.add(rows)
    }

    /// Forgets the first `count` parts of what the index did not have.
    mutating func forgetIndexed(parts count: Int) {
        if let last = unindexed.forget(parts: count) { indexedCount = last + 1 }
    }

    /// Forgets that there is anything to tell an index of `count` entries, but those that follow.
    mutating func restart(indexedCount count: UInt64) {
        let known = unindexed.rows.filter { $0.index >= count }
        unindexed = UnindexedEntries()
        unindexed.add(known)
        indexedCount = count
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
