/// Makes one run of neighbouring ones, a part at a time, so that nobody waits for the whole.
struct IndexMerge {
    let inputs: [IndexRun]
    private var writer: IndexRunWriter
    private var readers: [TableReader]
    private var isAtKeys = false

    init(_ storage: any LogStorage, _ inputs: [IndexRun]) throws {
        guard let first = inputs.first, let last = inputs.last else { preconditionFailure("a merge of nothing") }
        self.inputs = inputs
        writer = try IndexRunWriter(
            storage, first: first.first, mark: last.mark, identityCount: inputs.reduce(0) { $0 + $1.identities.count })
        readers = inputs.map { TableReader(run: $0, table: $0.identities) }
    }

    /// Goes on with about `count` pairs; gives the run when it is on the disk.
    mutating func step(_ count: Int) throws -> IndexRun? {
        for _ in 0..<count {
            if let pair = try next() {
                if isAtKeys { try writer.append(key: pair) } else { try writer.append(identity: pair) }
            } else if isAtKeys {
                return try writer.finish()
            } else {
                try writer.beginKeys()
                readers = inputs.map { TableReader(run: $0, table: $0.keys) }
                isAtKeys = true
            }
        }
        return nil
    }

    func abandon() { writer.abandon() }

    /// The least pair that no reader has given yet.
    private mutating func next() throws -> IndexPair? {
        var least: (pair: IndexPair, place: Int)?
        for place in readers.indices {
            guard let pair = try readers[place].peek() else { continue }
            if let known = least, known.pair < pair { continue }
            least = (pair, place)
        }
        guard let least else { return nil }
        readers[least.place].advance()
        return least.pair
    }

    /// Reads a table from its first pair to its last.
    private struct TableReader {
        let run: IndexRun
        let table: IndexTable
        private var page = 0
        private var pairs: [IndexPair] = []
        private var place = 0
        private static let pagesAtOnce = 16

        init(run: IndexRun, table: IndexTable) {
            self.run = run
            self.table = table
        }

        mutating func peek() throws -> IndexPair? {
            if place == pairs.count {
                guard page < table.fences.count else { return nil }
                pairs = try run.pairs(table, from: page, limit: Self.pagesAtOnce)
                page += Self.pagesAtOnce
                place = 0
            }
            return pairs[place]
        }

        mutating func advance() { place += 1 }
    }
}
