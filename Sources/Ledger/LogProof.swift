package import Bytes

/// What proves offline that an entry is in a log, as a file (C2SP tlog-proof, `.tlog-proof`).
package struct LogProof: Hashable, Sendable {
    /// The place of the entry.
    package let index: UInt64
    /// From the leaf's sibling up.
    package let path: [Digest]
    /// The checkpoint, with cosignatures.
    package let note: Note
    /// What an application put beside it. Nobody has signed it.
    package let extra: [UInt8]?

    package init(index: UInt64, path: [Digest], note: Note, extra: [UInt8]? = nil) {
        self.index = index
        self.path = path
        self.note = note
        self.extra = extra
    }

    private static let header = "c2sp.org/tlog-proof@v1"

    /// The most bytes of a file.
    package static let greatestByteCount = 1 << 20

    package init(parsing bytes: [UInt8]) throws(LedgerError) {
        guard bytes.count <= Self.greatestByteCount else {
            throw LedgerError(.limit, "the proof has \(bytes.count) bytes; the limit is \(Self.greatestByteCount)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw LedgerError(.malformed, "the proof is not UTF-8")
        }
        var lines = WitnessLines(text)
        guard try lines.line() == Self.header else {
            throw LedgerError(.malformed, "the first line of a proof is \(Self.header)")
        }
        var ahead = lines
        let second = try ahead.line()
        if second.hasPrefix("extra ") {
            guard let decoded = try? Base64.decode(String(second.dropFirst(6))) else {
                throw LedgerError(.malformed, "the extra line of the proof is not base64")
            }
            extra = decoded
            lines = ahead
        } else {
            extra = nil
        }
        index = try lines.number(after: "index ")
        path = try lines.hashes()
        note = try Note(parsing: lines.rest)
    }

    /// The text of the file.
    package var text: String {
        let extra = extra.map { "extra \(Base64.encode($0))\n" } ?? ""
        return "\(Self.header)\n\(extra)index \(index)\n\(WitnessLines.lines(path))\n\(note.description)"
    }

    /// Checks that the leaf is in the tree of a checkpoint that `policy` believes.
    package func verify(leaf: Digest, policy: LogPolicy) throws(LedgerError) -> Checkpoint {
        let checkpoint = try policy.verify(note)
        try MerkleProof.verifyInclusion(
            of: leaf, at: index, inTreeOf: checkpoint.size, root: checkpoint.root, path: path)
        return checkpoint
    }
}
