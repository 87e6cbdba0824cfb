package import Bytes

/// Checks proofs about trees.
///
/// Each function follows the definition of the proof down to the leaf and takes hashes from the list on the way back,
/// so that a list of any other length fails. A tree of 2^63 leaves is 63 steps deep.
package enum MerkleProof {
    /// The root that a leaf and its audit path lead to (RFC 6962 section 2.1.1).
    package static func root(
        ofLeaf leaf: Digest, at index: UInt64, inTreeOf size: UInt64, path: [Digest]
    ) throws(LedgerError) -> Digest {
        guard index < size else {
            throw LedgerError(.malformed, "a proof for leaf \(index) of a tree of \(size) leaves")
        }
        var hashes = ProofHashes(path)
        let root = try climb(leaf, index, size, &hashes)
        try hashes.end()
        return root
    }

    /// Checks that `leaf` is the one at `index` of the tree of `size` leaves under `root`.
    package static func verifyInclusion(
        of leaf: Digest, at index: UInt64, inTreeOf size: UInt64, root: Digest, path: [Digest]
    ) throws(LedgerError) {
        let computed = try self.root(ofLeaf: leaf, at: index, inTreeOf: size, path: path)
        guard computed == root else {
            throw LedgerError(.wrongRoot, "the inclusion proof leads to the root \(computed.hex), not \(root.hex)")
        }
    }

    /// Checks that the tree of `newSize` leaves begins with that of `oldSize` (RFC 6962 section 2.1.2).
    package static func verifyConsistency(
        oldSize: UInt64, oldRoot: Digest, newSize: UInt64, newRoot: Digest, proof: [Digest]
    ) throws(LedgerError) {
        guard oldSize > 0 || newSize == 0 else {
            throw LedgerError(.malformed, "every tree begins with the empty one; there is nothing to prove")
        }
        if oldSize == 0, oldRoot != newRoot {
            throw LedgerError(.wrongRoot, "one empty tree has two roots, \(oldRoot.hex) and \(newRoot.hex)")
        }
        try verifySubtreeConsistency(
            start: 0, end: oldSize, subtreeRoot: oldRoot, size: newSize, root: newRoot, proof: proof)
    }

    /// Checks that `leaf` at `index` belongs to the subtree of leaves `start..<end` under `root`
    /// (draft-ietf-plants-merkle-tree-certs, subtree inclusion proofs).
    package static func verifySubtreeInclusion(
        of leaf: Digest, at index: UInt64, start: UInt64, end: UInt64, root: Digest, path: [Digest]
    ) throws(LedgerError) {
        try checkSubtree(start, end)
        guard index >= start, index < end else {
            throw LedgerError(.malformed, "leaf \(index) is outside the subtree \(start)..<\(end)")
        }
        try verifyInclusion(of: leaf, at: index - start, inTreeOf: end - start, root: root, path: path)
    }

    /// Checks that the leaves `start..<end` of the tree of `size` leaves under `root` have the root `subtreeRoot`
    /// (draft-ietf-plants-merkle-tree-certs, subtree consistency proofs).
    package static func verifySubtreeConsistency(
        start: UInt64, end: UInt64, subtreeRoot: Digest, size: UInt64, root: Digest, proof: [Digest]
    ) throws(LedgerError) {
        if start == end, start <= size {
            guard subtreeRoot == MerkleTree.emptyRoot, proof.isEmpty else {
                throw LedgerError(
                    .wrongRoot, "a subtree without leaves has the root \(MerkleTree.emptyRoot.hex) and no proof")
            }
            return
        }
        try checkSubtree(start, end)
        guard end <= size else {
            throw LedgerError(
                .malformed, "the tree has \(size) leaves, fewer than the \(end) that it should begin with")
        }
        var hashes = ProofHashes(proof)
        let roots = try descend(start, end, size, known: subtreeRoot, &hashes)
        try hashes.end()
        guard roots.part == subtreeRoot else {
            throw LedgerError(
                .wrongRoot, "the proof leads to the earlier root \(roots.part.hex), not \(subtreeRoot.hex)")
        }
        guard roots.whole == root else {
            throw LedgerError(.wrongRoot, "the proof leads to the later root \(roots.whole.hex), not \(root.hex)")
        }
    }

    /// A subtree is a range that is not empty and begins at a multiple of the power of two that holds it.
    static func checkSubtree(_ start: UInt64, _ end: UInt64) throws(LedgerError) {
        guard start < end, end <= 1 << 63 else {
            throw LedgerError(.malformed, "\(start)..<\(end) is no range of leaves")
        }
        let size = end - start
        let block: UInt64 = size == 1 ? 1 : MerkleTree.split(size) << 1
        guard start % block == 0 else {
            throw LedgerError(.malformed, "the leaves \(start)..<\(end) are no subtree of any tree")
        }
    }

    private static func climb(
        _ leaf: Digest, _ index: UInt64, _ size: UInt64, _ hashes: inout ProofHashes
    ) throws(LedgerError) -> Digest {
        guard size > 1 else { return leaf }
        let split = MerkleTree.split(size)
        if index < split {
            let below = try climb(leaf, index, split, &hashes)
            return MerkleTree.nodeHash(below, try hashes.next())
        }
        let below = try climb(leaf, index - split, size - split, &hashes)
        return MerkleTree.nodeHash(try hashes.next(), below)
    }

    /// The roots that the proof gives for the subtree and the whole tree. `known` is the subtree's root as long as the
    /// subtree is still in one piece.
    private static func descend(
        _ start: UInt64, _ end: UInt64, _ size: UInt64, known: Digest?, _ hashes: inout ProofHashes
    ) throws(LedgerError) -> (part: Digest, whole: Digest) {
        if start == 0, end == size {
            let root = if let known { known } else { try hashes.next() }
            return (root, root)
        }
        let split = MerkleTree.split(size)
        if end <= split {
            let below = try descend(start, end, split, known: known, &hashes)
            return (below.part, MerkleTree.nodeHash(below.whole, try hashes.next()))
        }
        if start >= split {
            let below = try descend(start - split, end - split, size - split, known: known, &hashes)
            return (below.part, MerkleTree.nodeHash(try hashes.next(), below.whole))
        }
        // A valid subtree that reaches over the middle begins at 0.
        let below = try descend(0, end - split, size - split, known: nil, &hashes)
        let left = try hashes.next()
        return (MerkleTree.nodeHash(left, below.part), MerkleTree.nodeHash(left, below.whole))
    }
}

/// The hashes of a proof, in order.
private struct ProofHashes {
    private var rest: ArraySlice<Digest>

    init(_ hashes: [Digest]) { rest = hashes[...] }

    mutating func next() throws(LedgerError) -> Digest {
        guard let first = rest.popFirst() else { throw LedgerError(.malformed, "the proof has too few hashes") }
        return first
    }

    func end() throws(LedgerError) {
        guard rest.isEmpty else { throw LedgerError(.malformed, "the proof has \(rest.count) hashes too many") }
    }
}
