package import Bytes

/// The right edge of a tree that grows: one tile of each level, none of them full.
package struct TreeEdge: Hashable, Sendable {
    /// A tile that became full.
    package struct FullTile: Sendable {
        package let level: Int
        package let index: UInt64
        package let tile: HashTile

        package init(level: Int, index: UInt64, tile: HashTile) {
            self.level = level
            self.index = index
            self.tile = tile
        }
    }

    /// The number of leaves.
    package private(set) var size: UInt64 = 0
    /// The tiles by level; those above the last hash are absent.
    package private(set) var tiles: [HashTile] = []

    package init() {}

    /// Adds a leaf by its hash; gives the tiles that became full, the lowest first.
    package mutating func append(_ leaf: Digest) -> [FullTile] {
        size += 1
        return append(leaf, level: 0)
    }

    /// Adds 256 leaves by the root over them; only when no tile of leaves has begun.
    package mutating func append(tileRoot root: Digest) -> [FullTile] {
        precondition(size % 256 == 0, "a tile of leaves has begun")
        size += 256
        return append(root, level: 1)
    }

    /// Adds 65,536 leaves by the root over them; only when no tile of the two lowest levels has begun.
    package mutating func append(upperRoot root: Digest) -> [FullTile] {
        precondition(size % 65_536 == 0, "a lower tile has begun")
        size += 65_536
        return append(root, level: 2)
    }

    private mutating func append(_ hash: Digest, level: Int) -> [FullTile] {
        var full: [FullTile] = []
        var hash = hash
        for level in level... {
            while tiles.count <= level { tiles.append(HashTile()) }
            tiles[level].append(hash)
            guard let root = tiles[level].root else { break }
            let index = size >> UInt64(8 * (level + 1)) - 1
            full.append(FullTile(level: level, index: index, tile: tiles[level]))
            tiles[level] = HashTile()
            hash = root
        }
        return full
    }

    /// The tree by its edge alone, without what proofs of older leaves need.
    package func tree() throws(LedgerError) -> TileTree {
        var tree = TileTree(size: size)
        for (level, tile) in tiles.enumerated() where tile.width > 0 {
            tree.insert(tile, level: level, index: size >> UInt64(8 * (level + 1)))
        }
        try tree.complete()
        return tree
    }
}
