package import Bytes

/// The hashes of an append-only tree (RFC 6962 section 2.1).
///
/// Leaves and inner nodes are hashed with different first bytes, or a node could be passed off as a leaf.
package enum MerkleTree {
    /// The root of the tree without leaves.
    package static let emptyRoot = Digest.of([UInt8]())

    /// The hash of a leaf around `data`.
    package static func leafHash(_ data: [UInt8]) -> Digest { Digest.of(0x00, then: data) }

    /// The hash of the node over two others.
    package static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
        Digest.of(0x01, then: left, right)
    }

    /// The root over leaves by their hashes.
    package static func root(_ leaves: ArraySlice<Digest>) -> Digest {
        guard let first = leaves.first else { return emptyRoot }
        guard leaves.count > 1 else { return first }
        let middle = leaves.startIndex + Int(split(UInt64(leaves.count)))
        return nodeHash(root(leaves[..<middle]), root(leaves[middle...]))
    }

    /// The audit path of the leaf at `index` of `leaves`, from the leaf up (RFC 6962 section 2.1.1).
    package static func path(ofLeaf index: Int, in leaves: ArraySlice<Digest>) -> [Digest] {
        precondition(leaves.indices.contains(leaves.startIndex + index), "there is no leaf \(index)")
        guard leaves.count > 1 else { return [] }
        let split = Int(split(UInt64(leaves.count)))
        let middle = leaves.startIndex + split
        return index < split
            ? path(ofLeaf: index, in: leaves[..<middle]) + [root(leaves[middle...])]
            : path(ofLeaf: index - split, in: leaves[middle...]) + [root(leaves[..<middle])]
    }

    /// The greatest power of two below `size`, which is at least 2: where a tree divides.
    static func split(_ size: UInt64) -> UInt64 { 1 << UInt64(63 - (size - 1).leadingZeroBitCount) }
}
