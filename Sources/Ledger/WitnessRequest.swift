package import Bytes

/// What somebody asks a witness (C2SP tlog-witness).
package struct WitnessRequest: Sendable {
    /// The request to cosign a checkpoint.
    package struct AddCheckpoint: Sendable {
        /// The size of the checkpoint that the client takes for the witness's latest.
        package let oldSize: UInt64
        package let proof: [Digest]
        package let note: Note
        package let checkpoint: Checkpoint

        package init(oldSize: UInt64, proof: [Digest], note: Note) throws(LedgerError) {
            self.oldSize = oldSize
            self.proof = proof
            self.note = note
            checkpoint = try Checkpoint(parsing: note.text)
        }

        /// Reads the body of a request.
        package init(parsing body: [UInt8]) throws(LedgerError) {
            var lines = WitnessLines(try WitnessLines.text(body))
            let oldSize = try lines.number(after: "old ")
            let proof = try lines.hashes()
            try self.init(oldSize: oldSize, proof: proof, note: try Note(parsing: lines.rest))
        }

        /// The body of a request.
        package var body: [UInt8] {
            Array(("old \(oldSize)\n" + WitnessLines.lines(proof) + "\n" + note.description).utf8)
        }
    }

    /// The request to sign a part of a tree.
    package struct SignSubtree: Sendable {
        package let start: UInt64
        package let end: UInt64
        package let hash: Digest
        package let proof: [Digest]
        package let note: Note
        package let checkpoint: Checkpoint

        /// Reads the body of a request.
        package init(parsing body: [UInt8]) throws(LedgerError) {
            var lines = WitnessLines(try WitnessLines.text(body))
            let range = try lines.numbers(after: "subtree ", count: 2)
            (start, end) = (range[0], range[1])
            hash = try lines.hash()
            proof = try lines.hashes()
            note = try Note(parsing: lines.rest)
            checkpoint = try Checkpoint(parsing: note.text)
            try MerkleProof.checkSubtree(start, end)
            guard end <= checkpoint.size else {
                throw LedgerError(
                    .malformed, "the subtree ends at \(end), and the checkpoint is of \(checkpoint.size) leaves")
            }
        }
    }

    /// The most bytes of a request.
    package static let greatestByteCount = Note.greatestByteCount + 8 << 10
    /// The most hashes of a proof: no tree has more levels.
    static let greatestHashCount = 63
}

/// The lines of a request before its note.
struct WitnessLines {
    private var remaining: Substring

    init(_ text: String) { remaining = text[...] }

    static func text(_ body: [UInt8]) throws(LedgerError) -> String {
        guard body.count <= WitnessRequest.greatestByteCount else {
            throw LedgerError(
                .limit, "the request has \(body.count) bytes; the limit is \(WitnessRequest.greatestByteCount)")
        }
        guard let text = String(validating: body, as: UTF8.self) else {
            throw LedgerError(.malformed, "the request is not UTF-8")
        }
        return text
    }

    /// What follows the last line that was read.
    var rest: String { String(remaining) }

    /// The next line without its line feed.
    mutating func line() throws(LedgerError) -> String {
        guard let end = remaining.utf8.firstIndex(of: 0x0A) else {
            throw LedgerError(.malformed, "a line does not end in a line feed, or there are too few lines")
        }
        let line = String(remaining[..<end])
        remaining = remaining[remaining.utf8.index(after: end)...]
        return line
    }

    mutating func number(after word: String) throws(LedgerError) -> UInt64 {
        try numbers(after: word, count: 1)[0]
    }

    /// Numbers between single spaces, each in its one spelling.
    mutating func numbers(after word: String, count: Int) throws(LedgerError) -> [UInt64] {
        let line = try line()
        guard line.hasPrefix(word) else {
            throw LedgerError(.malformed, "a line is \(line.safeForTerminal), and should begin with \(word)")
        }
        let parts = line.dropFirst(word.count).split(separator: " ", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in UInt64(part).flatMap { String($0) == part ? $0 : nil } }
        guard parts.count == count, numbers.count == count else {
            throw LedgerError(.malformed, "\(line.safeForTerminal) has no numbers in decimal without leading zeros")
        }
        return numbers
    }

    mutating func hash() throws(LedgerError) -> Digest { try Self.hash(line()) }

    /// The hashes up to the empty line, which is read too.
    mutating func hashes(limit: Int = WitnessRequest.greatestHashCount) throws(LedgerError) -> [Digest] {
        var hashes: [Digest] = []
        while true {
            let line = try line()
            if line.isEmpty { return hashes }
            guard hashes.count < limit else {
                throw LedgerError(.malformed, "the proof has more than \(limit) hashes")
            }
            hashes.append(try Self.hash(line))
        }
    }

    private static func hash(_ line: String) throws(LedgerError) -> Digest {
        guard let bytes = try? Base64.decode(line), let digest = Digest(bytes: bytes) else {
            throw LedgerError(.malformed, "\(line.safeForTerminal) is not the base64 of a hash")
        }
        return digest
    }

    static func lines(_ hashes: [Digest]) -> String { hashes.map { Base64.encode($0.bytes) + "\n" }.joined() }
}
