package import Bytes
internal import Ledger

/// The name of an entry in Rekor v1: the hash of its leaf, with the number of its tree before it or without (rekor,
/// `pkg/sharding`).
package struct EntryUUID: Hashable, Sendable, CustomStringConvertible {
    /// The number of the tree; `nil` where any tree will do.
    package let treeID: UInt64?
    package let leafHash: Digest

    package init(treeID: UInt64?, leafHash: Digest) {
        self.treeID = treeID
        self.leafHash = leafHash
    }

    /// The name of the entry with this body.
    package init(treeID: UInt64?, body: [UInt8]) {
        self.init(treeID: treeID, leafHash: MerkleTree.leafHash(body))
    }

    /// Reads 64 or 80 hexadecimal digits of either case; `nil` for anything else.
    package init?(_ text: String) {
        let digits = String(
            decoding: text.utf8.map { 0x41...0x46 ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
        guard let bytes = Hex.decode(digits), bytes.count == 32 || bytes.count == 40,
            let leafHash = Digest(bytes: bytes.suffix(32))
        else { return nil }
        self.leafHash = leafHash
        treeID = bytes.count == 40 ? bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } : nil
    }

    /// 80 digits, or 64 where no tree is named.
    package var description: String {
        guard let treeID else { return leafHash.hex }
        return Hex.encode((0..<8).map { UInt8(truncatingIfNeeded: treeID >> (56 - 8 * UInt64($0))) }) + leafHash.hex
    }

    /// Whether an entry of this name is what somebody asked for by `other`: the same leaf, and the same tree where both
    /// name one.
    package func answers(_ other: EntryUUID) -> Bool {
        guard leafHash == other.leafHash else { return false }
        guard let treeID, let wanted = other.treeID else { return true }
        return treeID == wanted
    }
}
