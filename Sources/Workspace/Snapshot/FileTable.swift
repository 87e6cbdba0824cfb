internal import Bytes
internal import Host

/// The sources of a whole workspace in one block of bytes, by number: what a snapshot keeps of them, and what packages
/// that came from one look their sources up in.
///
/// Little-endian records of 89 bytes (SHA-256, Leeway's hash, size 8, whether it is executable 1, where its path is in
/// the text 4 and its length 4, the same for a link's target, whose length is 0xFFFFFFFF when there is none), then the
/// text.
struct FileTable: Sendable {
    static let recordSize = 89
    /// A length that says that there is no text.
    private static let none = 0xFFFF_FFFF

    private(set) var bytes: [UInt8]
    let count: Int

    private var textStart: Int { count * Self.recordSize }

    /// The files that are encoded at a time.
    private static let chunk = 1024

    /// What is known of each source, made on all cores; `nil` when one could not be read.
    static func make(_ sources: SourceTable) async throws -> FileTable? {
        /// A part of the records, and where their texts begin in all texts.
        struct Part {
            var numbers: Range<Int>
            var text: Int
        }
        var parts: [Part] = []
        var text = 0
        for start in stride(from: 0, to: sources.all.count, by: chunk) {
            let numbers = start..<min(start + chunk, sources.all.count)
            parts.append(Part(numbers: numbers, text: text))
            for number in numbers {
                guard case .facts(let facts) = sources.facts[number] else { return nil }
                text += sources.all[number].path.utf8.count + (facts.linkTarget?.utf8.count ?? 0)
            }
        }
        let encoded = try await concurrentMap(parts, chunk: 1) { part in
            var chunk = Encoding(textStart: part.text)
            for number in part.numbers {
                if case .facts(let facts) = sources.facts[number] { chunk.add(SourceFile(sources.all[number], facts)) }
            }
            return chunk
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sources.all.count * recordSize + text)
        for part in encoded { bytes += part.records.bytes }
        for part in encoded { bytes += part.text }
        return FileTable(bytes: bytes, count: sources.all.count)
    }

    /// Records, and the texts that they name.
    private struct Encoding: Sendable {
        var records = PackedWriter()
        var text: [UInt8] = []
        /// Where `text` begins in all texts.
        let textStart: Int

        init(textStart: Int) { self.textStart = textStart }

        mutating func add(_ file: SourceFile) {
            add(contentOf: file)
            for part in [file.path, file.linkTarget] {
                records.add(fixed: UInt32(textStart + text.count))
                records.add(fixed: UInt32(part?.utf8.count ?? FileTable.none))
                if let part { text += part.utf8 }
            }
        }

        mutating func add(contentOf file: SourceFile) {
            records.bytes += file.digest.bytes
            records.bytes += file.leewayHash.bytes
            records.add(fixed: UInt64(file.size))
            records.bytes.append(file.isExecutable ? 1 : 0)
        }
    }

    private init(bytes: [UInt8], count: Int) {
        self.bytes = bytes
        self.count = count
    }

    init(decoding bytes: [UInt8], count: Int) throws(ParseError) {
        guard count >= 0, count <= bytes.count / Self.recordSize else { throw ParseError("a cut-off table", at: 0) }
        self.bytes = bytes
        self.count = count
        let limit = bytes.count - textStart
        for number in 0..<count {
            for part in [73, 81] {
                let place = number * Self.recordSize + part
                let (start, length) = (half(place), half(place + 4))
                guard length == Self.none && part == 81 || start <= limit && length <= limit - start else {
                    throw ParseError("a file's text is outside the table", at: place)
                }
            }
        }
    }

    private func half(_ offset: Int) -> Int {
        Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2]) << 16 | Int(bytes[offset + 3]) << 24
    }

    private func text(_ place: Int) -> String? {
        let (start, length) = (textStart + half(place), half(place + 4))
        return length == Self.none ? nil : String(decoding: bytes[start..<(start + length)], as: UTF8.self)
    }

    /// The file with a number, which must be below `count`.
    subscript(number: Int) -> SourceFile? {
        let record = number * Self.recordSize
        guard number >= 0, number < count, let digest = Digest(bytes, at: record), let path = text(record + 73) else {
            return nil
        }
        var size: UInt64 = 0
        for byte in 0..<8 { size |= UInt64(bytes[record + 64 + byte]) << UInt64(8 * byte) }
        return SourceFile(
            path: path, digest: digest, size: Int(clamping: size), isExecutable: bytes[record + 72] != 0,
            linkTarget: text(record + 81), leewayHash: LeewayHash(bytes, at: record + 32))
    }

    /// The bytes of what is known of a file, which must have a number below `count`.
    func record(_ number: Int) -> ArraySlice<UInt8> {
        bytes[(number * Self.recordSize)..<((number + 1) * Self.recordSize)]
    }

    /// Takes over the content of a file that changed.
    mutating func update(_ number: Int, with file: SourceFile) {
        guard number >= 0, number < count else { return }
        var new = Encoding(textStart: 0)
        new.add(contentOf: file)
        let record = number * Self.recordSize
        bytes.replaceSubrange(record..<(record + new.records.bytes.count), with: new.records.bytes)
    }
}

/// The sources of a package: read, or to be looked up in the table of all.
enum SourceList: Sendable {
    case read([SourceFile])
    /// Numbers in the table; the highest bit says that the source is implicit.
    case kept(FileTable, [UInt32])

    static let implicit: UInt32 = 1 << 31

    var all: [SourceFile] {
        switch self {
        case .read(let files): return files
        case .kept(let table, let numbers):
            return numbers.compactMap { number in
                var file = table[Int(number & ~Self.implicit)]
                file?.isImplicit = number & Self.implicit != 0
                return file
            }
        }
    }

    /// Whether a source from the table has one of these numbers.
    func holds(any wanted: Set<Int>) -> Bool {
        switch self {
        case .read: false
        case .kept(_, let numbers): numbers.contains { wanted.contains(Int($0 & ~Self.implicit)) }
        }
    }

    var count: Int {
        switch self {
        case .read(let files): files.count
        case .kept(_, let numbers): numbers.count
        }
    }
}
