internal import Bytes
internal import Ledger

/// A file of the index: what entries `first..<end` are found by, sorted. It never changes.
final class IndexRun: Sendable {
    static let directory = "index"
    static let magic: UInt64 = 0x4D4C_4952_554E_3031  // MLIRUN01
    /// Length, magic word and digest.
    static let trailerByteCount = 48

    let first: UInt64
    let mark: IndexMark
    let identities: IndexTable
    let keys: IndexTable
    private let filter: PrefixFilter
    private let file: any LogFile

    /// One past the last entry.
    var end: UInt64 { mark.count }
    var name: String { Self.name(first, end) }
    /// What merging it costs.
    var pairCount: Int { identities.count + keys.count }

    init(
        first: UInt64, mark: IndexMark, identities: IndexTable, keys: IndexTable, filter: PrefixFilter,
        file: any LogFile
    ) {
        self.first = first
        self.mark = mark
        self.identities = identities
        self.keys = keys
        self.filter = filter
        self.file = file
    }

    static func name(_ first: UInt64, _ end: UInt64) -> String {
        func padded(_ number: UInt64) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        }
        return "\(directory)/\(padded(first))-\(padded(end))"
    }

    /// What stands behind the pages.
    var footer: [UInt8] {
        var words = [first, end]
        words += (0..<4).map { mark.lastIdentity.bytes.bigEndianWord(at: 8 * $0) }
        words += [UInt64(identities.count), UInt64(keys.count)]
        for fence in identities.fences + keys.fences { words += [fence.prefix, fence.entry] }
        words += filter.words
        words += [UInt64(8 * words.count), Self.magic]
        let bytes = [UInt8](bigEndian: words)
        return bytes + Digest.of(bytes).bytes
    }

    /// Opens a run by what its end says; `nil` where that is not what was written.
    init?(reading file: any LogFile) throws {
        let size = try file.size()
        guard size > Self.trailerByteCount,
            let trailer = try file.readExactly(Self.trailerByteCount, at: size - Self.trailerByteCount)
        else { return nil }
        let count = Int(clamping: trailer.bigEndianWord(at: 0))
        guard trailer.bigEndianWord(at: 8) == Self.magic, count >= 64, count % 8 == 0,
            count <= size - Self.trailerByteCount,
            let bytes = try file.readExactly(count + 16, at: size - Self.trailerByteCount - count),
            Digest.of(bytes) == Digest(trailer, at: 16)
        else { return nil }
        let (identityCount, keyCount) = (
            Int(clamping: bytes.bigEndianWord(at: 48)), Int(clamping: bytes.bigEndianWord(at: 56))
        )
        let (identityPages, keyPages) = (
            IndexTable.pageCount(pairs: identityCount), IndexTable.pageCount(pairs: keyCount)
        )
        let start = size - Self.trailerByteCount - count
        let filterOffset = 64 + 16 * (identityPages + keyPages)
        guard let lastIdentity = Digest(bytes, at: 16), start == (identityPages + keyPages) * IndexTable.pageByteCount,
            count == filterOffset + 8 * PrefixFilter.wordCount(prefixes: identityCount)
        else { return nil }
        func fences(_ pages: Range<Int>) -> [IndexPair] {
            pages.map {
                IndexPair(
                    prefix: bytes.bigEndianWord(at: 64 + 16 * $0), entry: bytes.bigEndianWord(at: 72 + 16 * $0))
            }
        }
        first = bytes.bigEndianWord(at: 0)
        mark = IndexMark(count: bytes.bigEndianWord(at: 8), lastIdentity: lastIdentity)
        identities = IndexTable(offset: 0, count: identityCount, fences: fences(0..<identityPages))
        keys = IndexTable(
            offset: identityPages * IndexTable.pageByteCount, count: keyCount,
            fences: fences(identityPages..<(identityPages + keyPages)))
        filter = PrefixFilter(
            words: stride(from: filterOffset, to: count, by: 8).map { bytes.bigEndianWord(at: $0) })
        self.file = file
    }

    /// The entries whose identity has this prefix, in order.
    func entries(identityPrefix prefix: UInt64) throws -> [UInt64] {
        guard filter.mayContain(prefix) else { return [] }
        guard let found = try identities.entries(prefix, from: 0, limit: .max, in: file) else { throw damaged }
        return found
    }

    /// The entries with this key from `start` on, in order, at most `limit`.
    func entries(key: UInt64, from start: UInt64, limit: Int) throws -> [UInt64] {
        guard let found = try keys.entries(key, from: start, limit: limit, in: file) else { throw damaged }
        return found
    }

    /// The pairs of some pages of one of its tables.
    func pairs(_ table: IndexTable, from page: Int, limit: Int) throws -> [IndexPair] {
        guard let pairs = try table.pairs(from: page, limit: limit, in: file) else { throw damaged }
        return pairs
    }

    /// Reads every page; gives the bytes of all.
    func check() throws -> Int {
        for table in [identities, keys] {
            for page in stride(from: 0, to: table.fences.count, by: 16) { _ = try pairs(table, from: page, limit: 16) }
        }
        return (identities.fences.count + keys.fences.count) * IndexTable.pageByteCount
    }

    private var damaged: TileLogError {
        TileLogError(
            .damaged, "the file \(name) of the log's index is damaged; remove it, and the next start makes it anew")
    }
}
