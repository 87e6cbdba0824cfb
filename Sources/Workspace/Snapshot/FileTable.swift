internal import Bytes

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

    /// What is known of each file, in the order of their numbers.
    init(_ files: [SourceFile]) {
        count = files.count
        var writer = PackedWriter()
        var text: [UInt8] = []
        for file in files {
            writer.bytes += file.digest.bytes
            writer.bytes += file.leewayHash.bytes
            writer.add(fixed: UInt64(file.size))
            writer.bytes.append(file.isExecutable ? 1 : 0)
            for part in [file.path, file.linkTarget] {
                writer.add(fixed: UInt32(text.count))
                writer.add(fixed: UInt32(part?.utf8.count ?? Self.none))
                text += part?.utf8.map { $0 } ?? []
            }
        }
        bytes = writer.bytes + text
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

    /// Takes over the content of a file that changed.
    mutating func update(_ number: Int, with file: SourceFile) {
        guard number >= 0, number < count else { return }
        var writer = PackedWriter()
        writer.bytes += file.digest.bytes
        writer.bytes += file.leewayHash.bytes
        writer.add(fixed: UInt64(file.size))
        writer.bytes.append(file.isExecutable ? 1 : 0)
        let record = number * Self.recordSize
        bytes.replaceSubrange(record..<(record + writer.bytes.count), with: writer.bytes)
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
