package import Bytes

/// What a log says of itself at one moment: who it is, how many leaves it has, and their root (C2SP tlog-checkpoint).
package struct Checkpoint: Hashable, Sendable {
    /// The name of the log.
    package let origin: String
    /// The number of leaves.
    package let size: UInt64
    package let root: Digest
    /// Further lines, which mean what the log says they mean.
    package let extensions: [String]

    package init(origin: String, size: UInt64, root: Digest, extensions: [String] = []) {
        self.origin = origin
        self.size = size
        self.root = root
        self.extensions = extensions
    }

    /// Reads the text of a note. The note's signature must have been checked before anything here counts.
    package init(parsing text: String) throws(LedgerError) {
        let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { String(Substring($0)) }
        guard lines.count >= 4, lines.last?.isEmpty == true else {
            throw LedgerError(.malformed, "a checkpoint has at least three lines: origin, size and root")
        }
        guard !lines[0].isEmpty else { throw LedgerError(.malformed, "the checkpoint names no origin") }
        // One number has one spelling.
        guard let size = UInt64(lines[1]), String(size).hasSameBytes(as: lines[1]), size <= 1 << 63 else {
            throw LedgerError(.malformed, "the checkpoint's size is \(lines[1].safeForTerminal), which is no number")
        }
        guard let bytes = try? Base64.decode(lines[2]), let root = Digest(bytes: bytes) else {
            throw LedgerError(.malformed, "the checkpoint's root is not the base64 of 32 bytes")
        }
        self.init(origin: lines[0], size: size, root: root, extensions: Array(lines[3...].dropLast()))
    }

    /// The text to sign.
    package var text: String {
        ([origin, String(size), Base64.encode(root.bytes)] + extensions).map { $0 + "\n" }.joined()
    }
}
