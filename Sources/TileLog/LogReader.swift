internal import Bytes
internal import Ledger

/// Answers from memory and packs. One thread's; it waits for the disk.
final class LogReader {
    private let memory: LogMemory
    let packs: PackReader
    private let index: LogIndex
    private let settings: LogSettings
    /// Tiles of packs with their nodes, so that proofs of neighbours cost little.
    private var tiles: [LogState.TilePlace: HashTile] = [:]
    private static let greatestTileCount = 64

    init(_ memory: LogMemory, packs: PackReader, index: LogIndex, settings: LogSettings) {
        self.memory = memory
        self.packs = packs
        self.index = index
        self.settings = settings
    }

    /// A tile of the log as it is now; it may be wider than asked for.
    func tile(level: Int, index: UInt64) throws -> HashTile {
        if let tile = memory.withState({ $0.tile(level: level, index: index) }) { return tile }
        let place = LogState.TilePlace(level: level, index: index)
        if let tile = tiles[place] { return tile }
        let tile: HashTile
        switch level {
        case 0:
            tile = try HashTile(parsing: packs.tileBytes(index), width: HashTile.fullWidth)
            guard tile.root == (try packs.locate(index)).header.root else {
                throw PackBundle.damaged(index, "its tile has another root")
            }
        case 1: tile = try packs.upperTile(index)
        default: throw TileLogError(.damaged, "tile \(index) of level \(level) is not in memory")
        }
        if tiles.count >= Self.greatestTileCount { tiles.removeAll(keepingCapacity: true) }
        tiles[place] = tile
        return tile
    }

    /// The bytes of a tile, without making the nodes above its hashes.
    func tileBytes(_ tile: TileCoordinate) throws -> [UInt8] {
        if let known = memory.withState({ $0.tile(level: tile.level, index: tile.index) }) {
            return known.bytes(width: tile.width)
        }
        guard tile.level == 0 else {
            return try self.tile(level: tile.level, index: tile.index).bytes(width: tile.width)
        }
        return Array(try packs.tileBytes(tile.index).prefix(tile.width * Digest.byteCount))
    }

    /// The first `width` entries of a bundle.
    func entries(bundle: UInt64, width: Int) throws -> [[UInt8]] {
        if let entries = memory.withState({ $0.bundles[bundle] }) { return entries.prefix(width).map(\.bytes) }
        return Array(try packs.entries(bundle).prefix(width))
    }

    /// A full bundle as a zstd frame; `nil` while it is in memory.
    func packedEntries(bundle: UInt64) throws -> [UInt8]? {
        guard bundle < memory.withState({ $0.packedBundleCount }) else { return nil }
        return try packs.packedEntries(bundle)
    }

    func entry(_ index: UInt64) throws -> StoredEntry {
        let (bundle, place) = (index / 256, Int(index % 256))
        if let entries = memory.withState({ $0.bundles[bundle] }) {
            guard entries.indices.contains(place) else {
                throw TileLogError(.absent, "the log does not have entry \(index)")
            }
            let entry = entries[place]
            return StoredEntry(
                index: index, bytes: entry.bytes, leafHash: entry.leafHash, identity: entry.identity ?? entry.leafHash,
                time: entry.time)
        }
        let bytes = try packs.entries(bundle)[place]
        let facts = try packs.facts(bundle)[place]
        let leafHash = try settings.leafHash(bytes)
        guard leafHash == Digest(try packs.tileBytes(bundle), at: place * Digest.byteCount) else {
            throw PackBundle.damaged(bundle, "entry \(index) has another hash than the tile says")
        }
        return StoredEntry(
            index: index, bytes: bytes, leafHash: leafHash, identity: facts.identity ?? leafHash, time: facts.time)
    }

    /// What a proof for `leaf` in the tree of `size` leaves needs.
    func tree(forLeaf leaf: UInt64, size: UInt64) throws -> TileTree {
        var tree = TileTree(size: size)
        for tile in TileTree.tiles(forLeaf: leaf, size: size) {
            tree.insert(try self.tile(level: tile.level, index: tile.index), level: tile.level, index: tile.index)
        }
        try tree.complete()
        return tree
    }

    /// The root of the log when it had `size` entries.
    func root(size: UInt64) throws -> Digest {
        size == 0 ? MerkleTree.emptyRoot : try tree(forLeaf: size - 1, size: size).root()
    }

    /// The entry with this identity or leaf hash.
    func index(of hash: Digest) throws -> UInt64? {
        let recent = memory.withState { $0.unindexed.index(of: hash) ?? $0.unindexed.index(ofLeafHash: hash) }
        if let recent { return recent }
        for candidate in try index.entries(identityPrefix: hash.prefix) {
            let entry = try entry(candidate)
            if entry.identity == hash || entry.leafHash == hash { return candidate }
        }
        return nil
    }

    /// Whether the index finds an entry that it has by its leaf hash: one that was made before it did so does not.
    func indexKnowsLeaf(of index: UInt64) throws -> Bool {
        let entry = try entry(index)
        guard entry.identity != entry.leafHash else { return true }
        return try self.index.entries(identityPrefix: entry.leafHash.prefix).contains(index)
    }

    /// The entries with a shortened key from `start` on, in order.
    func search(_ key: UInt64, from start: UInt64, limit: Int) throws -> [UInt64] {
        // Memory first: what the index takes over meanwhile is then found twice, and never missed.
        let recent = memory.withState { $0.unindexed.indexes(key: key) }
        let indexed = try index.entries(key: key, from: start, limit: limit)
        let last = indexed.last ?? 0
        let more = recent.filter { $0 >= start && (indexed.isEmpty || $0 > last) }
        return Array((indexed + more).prefix(limit))
    }
}
