package import Bytes

/// A tree of some size, known by those of its tiles that a question needs.
///
/// Whoever asks fetches the tiles that `tiles(forLeaf:size:)` names, puts them in, and gets proofs; this does no I/O.
package struct TileTree: Sendable {
    /// The number of leaves.
    package let size: UInt64
    private var tiles: [Place: HashTile] = [:]
    /// The hash of what lies to the right of the last complete node of each level; `nil` where that is nothing.
    private var loose: [Digest?]?

    private struct Place: Hashable {
        let level: Int
        let index: UInt64
    }

    package init(size: UInt64) { self.size = size }

    /// The tiles that an inclusion proof for `leaf` needs, and a consistency proof from a tree of `leaf + 1` leaves.
    package static func tiles(forLeaf leaf: UInt64, size: UInt64) -> Set<TileCoordinate> {
        Set(TileCoordinate.above(leaf: leaf, inTreeOf: size) + TileCoordinate.edge(ofTreeOf: size))
    }

    /// Adds a tile; it may have more hashes than this tree has of it.
    package mutating func insert(_ tile: HashTile, level: Int, index: UInt64) {
        tiles[Place(level: level, index: index)] = tile
    }

    /// Computes what all proofs have in common. Call it when the tiles of the right edge are in.
    package mutating func complete() throws(LedgerError) {
        var loose: [Digest?] = [nil]
        var below: Digest?
        for level in 0..<63 {
            if size >> UInt64(level) & 1 == 1 {
                let left = try completeNode(level, size >> UInt64(level) - 1)
                below = below.map { MerkleTree.nodeHash(left, $0) } ?? left
            }
            loose.append(below)
        }
        self.loose = loose
    }

    /// The root of the tree.
    package func root() throws(LedgerError) -> Digest {
        guard size > 0 else { return MerkleTree.emptyRoot }
        guard let loose, let root = loose[63] else { throw Self.incomplete(0, 0) }
        return root
    }

    /// The audit path of the leaf at `index` (RFC 6962 section 2.1.1).
    package func inclusionProof(of index: UInt64) throws(LedgerError) -> [Digest] {
        guard index < size else { throw LedgerError(.malformed, "leaf \(index) of a tree of \(size) leaves") }
        return try siblings(from: 0, index)
    }

    /// The proof that this tree begins with that of `old` leaves (RFC 6962 section 2.1.2).
    package func consistencyProof(from old: UInt64) throws(LedgerError) -> [Digest] {
        guard old <= size else { throw LedgerError(.malformed, "a tree of \(size) leaves is older than \(old)") }
        guard old > 0, old < size else { return [] }
        let level = old.trailingZeroBitCount
        let index = old >> UInt64(level) - 1
        // The root of a tree that is one complete node is known to whoever asks.
        let start = index == 0 ? [] : [try completeNode(level, index)]
        return start + (try siblings(from: level, index))
    }

    private func siblings(from level: Int, _ index: UInt64) throws(LedgerError) -> [Digest] {
        guard let loose else { throw Self.incomplete(level, index) }
        var path: [Digest] = []
        path.reserveCapacity(64 - size.leadingZeroBitCount)
        var index = index
        for level in level..<63 where (size - 1) >> UInt64(level) > 0 {
            let sibling = index ^ 1
            let complete = size >> UInt64(level)
            if sibling < complete {
                path.append(try completeNode(level, sibling))
            } else if sibling == complete, let hash = loose[level] {
                path.append(hash)
            }
            index >>= 1
        }
        return path
    }

    private func completeNode(_ level: Int, _ index: UInt64) throws(LedgerError) -> Digest {
        let within = level % HashTile.height
        let width = UInt64(HashTile.height - within)
        let place = Place(level: level / HashTile.height, index: index >> width)
        guard let hash = tiles[place]?.node(level: within, index: Int(index & (1 << width - 1))) else {
            throw Self.incomplete(level, index)
        }
        return hash
    }

    private static func incomplete(_ level: Int, _ index: UInt64) -> LedgerError {
        LedgerError(.malformed, "the tile with node \(index) of level \(level) is not there, or too narrow")
    }
}
