internal import Bytes

/// Writes a run: pairs of identities in order, then pairs of keys in order, then `finish`.
struct IndexRunWriter {
    private let storage: any LogStorage
    private let first: UInt64
    private let mark: IndexMark
    private let file: any LogFile
    private var filter: PrefixFilter
    private var identities: IndexTable?
    private var offset = 0
    /// The table that is being written.
    private var tableOffset = 0
    private var count = 0
    private var fences: [IndexPair] = []
    private var page: [IndexPair] = []
    /// Pages that are not in the file yet.
    private var waiting: [UInt8] = []
    private static let writeByteCount = 256 << 10

    /// Makes the file of a run of entries `first..<mark.count` with at most `identityCount` identities.
    init(_ storage: any LogStorage, first: UInt64, mark: IndexMark, identityCount: Int) throws {
        self.storage = storage
        self.first = first
        self.mark = mark
        let name = IndexRun.name(first, mark.count)
        // What a crash or a full disk left of the same run.
        if try storage.open(name) != nil { try storage.remove(name) }
        file = try storage.create(name)
        filter = PrefixFilter(count: identityCount)
        page.reserveCapacity(IndexTable.pairsPerPage)
    }

    mutating func append(identity pair: IndexPair) throws {
        filter.insert(pair.prefix)
        try append(pair)
    }

    /// Ends the identities; keys follow.
    mutating func beginKeys() throws { identities = try endTable() }

    mutating func append(key pair: IndexPair) throws { try append(pair) }

    private mutating func append(_ pair: IndexPair) throws {
        if page.isEmpty { fences.append(pair) }
        page.append(pair)
        count += 1
        if page.count == IndexTable.pairsPerPage { try endPage() }
    }

    private mutating func endPage() throws {
        waiting += IndexTable.encodePage(page[...])
        page.removeAll(keepingCapacity: true)
        if waiting.count >= Self.writeByteCount { try flush() }
    }

    private mutating func flush() throws {
        guard !waiting.isEmpty else { return }
        try file.write(waiting, at: offset)
        offset += waiting.count
        waiting.removeAll(keepingCapacity: true)
    }

    private mutating func endTable() throws -> IndexTable {
        if !page.isEmpty { try endPage() }
        try flush()
        let table = IndexTable(offset: tableOffset, count: count, fences: fences)
        (tableOffset, count, fences) = (offset, 0, [])
        return table
    }

    /// Waits until the run is on the disk. Its end is written last, so a run that has one is whole.
    mutating func finish() throws -> IndexRun {
        let keys = try endTable()
        guard let identities else { preconditionFailure("a run has keys behind its identities") }
        try file.synchronize()
        let run = IndexRun(
            first: first, mark: mark, identities: identities, keys: keys, filter: filter, file: file)
        try file.write(run.footer, at: offset)
        try file.synchronize()
        try storage.synchronizeNames(in: IndexRun.directory)
        return run
    }

    /// Removes the file of a run that can't be finished.
    func abandon() { try? storage.remove(IndexRun.name(first, mark.count)) }
}
