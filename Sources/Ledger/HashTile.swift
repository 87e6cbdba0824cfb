package import Bytes

/// Up to 256 neighbouring hashes of a tree, and the nodes above them (C2SP tlog-tiles).
///
/// Nodes are computed when the second of their children comes, so that proofs look them up.
package struct HashTile: Hashable, Sendable {
    /// The number of hashes in a full tile.
    package static let fullWidth = 256
    /// The number of levels of a tree that one level of tiles holds.
    package static let height = 8

    /// The complete nodes of each of the eight levels, the tile's own hashes first.
    private var levels: [[Digest]] = Array(repeating: [], count: height)

    package init() {}

    /// A tile of these hashes, at most 256.
    package init(_ hashes: some Sequence<Digest>) {
        for hash in hashes { append(hash) }
    }

    /// Reads a tile as it is served: `width` hashes of 32 bytes, one after the other.
    package init(parsing bytes: [UInt8], width: Int) throws(LedgerError) {
        guard width > 0, width <= Self.fullWidth, bytes.count == width * Digest.byteCount else {
            throw LedgerError(.malformed, "a tile of \(width) hashes has \(bytes.count) bytes")
        }
        for offset in stride(from: 0, to: bytes.count, by: Digest.byteCount) {
            guard let hash = Digest(bytes, at: offset) else { continue }
            append(hash)
        }
    }

    /// The number of hashes.
    package var width: Int { levels[0].count }

    /// The hashes, without the nodes above them.
    package var hashes: [Digest] { levels[0] }

    /// The tile as it is served to who knows a tree in which it has `width` hashes.
    package func bytes(width: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(width * Digest.byteCount)
        for hash in levels[0].prefix(width) { bytes += hash.bytes }
        return bytes
    }

    /// Adds a hash at the end; the tile must not be full.
    package mutating func append(_ hash: Digest) {
        precondition(width < Self.fullWidth, "the tile is full")
        var hash = hash
        for level in 0..<Self.height {
            levels[level].append(hash)
            let count = levels[level].count
            guard count % 2 == 0 else { return }
            hash = MerkleTree.nodeHash(levels[level][count - 2], hash)
        }
    }

    /// The node at `level` above the tile's hashes, 0 to 7; `nil` where leaves are missing below it.
    package func node(level: Int, index: Int) -> Digest? {
        levels[level].indices.contains(index) ? levels[level][index] : nil
    }

    /// The node over all 256 hashes; `nil` as long as the tile is not full.
    package var root: Digest? {
        guard width == Self.fullWidth, let top = levels.last, top.count == 2 else { return nil }
        return MerkleTree.nodeHash(top[0], top[1])
    }
}
