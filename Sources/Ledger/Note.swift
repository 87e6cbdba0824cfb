internal import Bytes
internal import Keys

/// A signed note: a text and lines with signatures over it (C2SP signed-note).
package struct Note: Hashable, Sendable {
    /// One signature line.
    package struct Signature: Hashable, Sendable {
        /// The name of the key, without spaces or plus signs.
        package let name: String
        /// The first four bytes, which say whose and of what type the signature is.
        package let keyID: [UInt8]
        /// What follows them.
        package let signature: [UInt8]

        package init(name: String, keyID: [UInt8], signature: [UInt8]) {
            self.name = name
            self.keyID = keyID
            self.signature = signature
        }

        /// The line as it stands in the note, without its end.
        package var line: String { "\u{2014} \(name) \(Base64.encode(keyID + signature))" }
    }

    /// The text that is signed; it ends in a line feed.
    package let text: String
    package private(set) var signatures: [Signature]

    /// The most bytes and signatures of a note that is read.
    package static let greatestByteCount = 64 << 10
    package static let greatestSignatureCount = 64

    package init(text: String, signatures: [Signature] = []) {
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note. It must hold exactly one empty line, that between text and signatures.
    package init(parsing note: String) throws(LedgerError) {
        guard note.utf8.count <= Self.greatestByteCount else {
            throw LedgerError(.limit, "the note has \(note.utf8.count) bytes; the limit is \(Self.greatestByteCount)")
        }
        let bytes = Array(note.utf8)
        guard bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else {
            throw LedgerError(.malformed, "the note has a control character")
        }
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.last?.isEmpty == true else { throw LedgerError(.malformed, "the note does not end in a line feed") }
        let empty = lines.indices.dropLast().filter { lines[$0].isEmpty }
        guard empty.count == 1, let middle = empty.first, middle > 0 else {
            throw LedgerError(.malformed, "the note has \(empty.count) empty lines; one must part text and signatures")
        }
        text = lines[..<middle].map { String(decoding: $0, as: UTF8.self) + "\n" }.joined()
        signatures = []
        for line in lines[(middle + 1)...].dropLast() {
            guard signatures.count < Self.greatestSignatureCount else {
                throw LedgerError(.limit, "the note has more than \(Self.greatestSignatureCount) signatures")
            }
            signatures.append(try Self.signature(String(decoding: line, as: UTF8.self)))
        }
        guard !signatures.isEmpty else { throw LedgerError(.malformed, "the note has no signature line") }
    }

    private static func signature(_ line: String) throws(LedgerError) -> Signature {
        let words = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map { String(Substring($0)) }
        guard words.count == 3, words[0].hasSameBytes(as: "\u{2014}"), !words[1].isEmpty,
            !words[1].utf8.contains(UInt8(ascii: "+"))
        else {
            throw LedgerError(.malformed, "a signature line of the note is not an em dash, a name and base64")
        }
        let bytes: [UInt8]
        do {
            bytes = try Base64.decode(words[2])
        } catch {
            throw LedgerError(.malformed, "the signature of \(words[1].safeForTerminal) is not base64: \(error)")
        }
        guard bytes.count > 4 else {
            throw LedgerError(.malformed, "the signature of \(words[1].safeForTerminal) has \(bytes.count) bytes")
        }
        return Signature(name: words[1], keyID: Array(bytes[..<4]), signature: Array(bytes[4...]))
    }

    /// The whole note.
    package var description: String { text + "\n" + signatures.map { $0.line + "\n" }.joined() }

    /// Adds a signature line at the end.
    package mutating func append(_ signature: Signature) { signatures.append(signature) }
}
