internal import Bytes
internal import Host
internal import SystemPackage

/// A file of documents as they were received, packed with zstd; docs/formats/lineage.md describes it.
struct Segment {
    private static let magic = Array("martlet statements 1\n".utf8)
    /// The bytes of one segment, unpacked.
    static let byteLimit = 1 << 36

    /// The bytes of the documents, ready to be written.
    static func encode(_ submissions: some Sequence<Submission>) throws -> [UInt8] {
        var out: [UInt8] = []
        var compressor = try Compressor(.zstd) { out += $0 }
        try compressor.write(magic)
        for submission in submissions {
            var head: [UInt8] = [submission.standing.rawValue]
            append(submission.source, to: &head)
            append(UInt32(submission.identities.count), to: &head)
            for identity in submission.identities { append(identity, to: &head) }
            append(UInt32(submission.document.count), to: &head)
            try compressor.write(head)
            try compressor.write(submission.document)
        }
        try compressor.finish()
        return out
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt32(text.utf8.count), to: &bytes)
        bytes += text.utf8
    }

    /// Gives each document of a segment to `body`.
    static func forEach(in source: ByteReader, _ body: (Submission) async throws -> Void) async throws {
        let reader = try Decompressor(source, limit: byteLimit).reader
        guard try reader.read(magic.count) == magic else { throw damage("it does not begin as one") }
        while true {
            let first = try reader.read(1)
            guard let byte = first.first else { return }
            guard let standing = Standing(rawValue: byte) else { throw damage("a standing is not known") }
            let name = try text(reader)
            let count = try number(reader)
            guard count <= 100 else { throw damage("there are too many identities") }
            var identities: [String] = []
            for _ in 0..<count { identities.append(try text(reader)) }
            let document = try bytes(reader, limit: Submission.byteLimit)
            try await body(Submission(document: document, standing: standing, identities: identities, source: name))
        }
    }

    private static func number(_ reader: ByteReader) throws -> Int {
        let bytes = try reader.read(4)
        guard bytes.count == 4 else { throw damage("it ends early") }
        return bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func bytes(_ reader: ByteReader, limit: Int) throws -> [UInt8] {
        let count = try number(reader)
        guard count <= limit else { throw damage("a part is too large") }
        let bytes = try reader.read(count)
        guard bytes.count == count else { throw damage("it ends early") }
        return bytes
    }

    private static func text(_ reader: ByteReader) throws -> String {
        String(decoding: try bytes(reader, limit: 1 << 20), as: UTF8.self)
    }

    private static func damage(_ what: String) -> LineageError {
        LineageError(.damaged, "a file of statements is damaged: \(what); import the statements again")
    }
}
