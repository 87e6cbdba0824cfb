internal import Bytes
internal import Host
internal import Synchronization

/// How far an index is.
struct IndexMark: Hashable, Sendable {
    /// The entries that it has: the first of the log.
    let count: UInt64
    /// The identity of the last of them: an index of another log has another.
    let lastIdentity: Digest
}

/// What the index is told of an entry.
struct IndexAddition: Sendable {
    let identityPrefix: UInt64
    /// That of the leaf hash, where it is not the identity.
    var leafPrefix: UInt64?
    let index: UInt64
    let keys: [UInt64]
}

/// What finds entries by identity and by key: sorted runs, each of neighbouring entries, which are merged as they come.
///
/// It is made from the log, can be made anew from it, and may lag behind: the log finds the entries that it lacks in
/// memory. It holds eight bytes of each identity and key; the log compares the rest with the entry.
final class LogIndex: Sendable {
    private struct State {
        /// In order, without gaps, from entry 0 on.
        var runs: [IndexRun] = []
    }

    private let storage: any LogStorage
    /// Guards the list of runs alone, which one thread changes.
    private let state: Mutex<State>

    /// Opens the runs that are whole, as far as they go without a gap, and removes every other file.
    init(_ storage: any LogStorage) throws {
        self.storage = storage
        let names = try storage.list("")
        // What found entries before runs did.
        for name in names where name.hasPrefix("index.sqlite") { try storage.remove(name) }
        var found: [IndexRun] = []
        if names.contains(IndexRun.directory) {
            for name in try storage.list(IndexRun.directory) {
                let path = "\(IndexRun.directory)/\(name)"
                if let file = try storage.open(path), let run = try IndexRun(reading: file), run.name == path {
                    found.append(run)
                } else {
                    try storage.remove(path)
                }
            }
        } else {
            try storage.makeDirectory(IndexRun.directory)
            try storage.synchronizeNames(in: "")
        }
        var runs: [IndexRun] = []
        // A run that a merge has replaced lies within the one that replaces it.
        for run in found.sorted(by: { ($0.first, $1.end) < ($1.first, $0.end) }) {
            if run.first == runs.last?.end ?? 0, run.end > run.first {
                runs.append(run)
            } else {
                try storage.remove(run.name)
            }
        }
        state = Mutex(State(runs: runs))
    }

    private var runs: [IndexRun] { state.withLock { $0.runs } }

    /// How far it is; `nil` when it is empty.
    var mark: IndexMark? { runs.last?.mark }

    /// The entries whose identity or leaf hash begins with these eight bytes, in order.
    func entries(identityPrefix prefix: UInt64) throws -> [UInt64] {
        var found: [UInt64] = []
        for run in runs { found += try run.entries(identityPrefix: prefix) }
        return found
    }

    /// The entries with this shortened key from `start` on, in order, at most `limit`.
    func entries(key: UInt64, from start: UInt64, limit: Int) throws -> [UInt64] {
        var found: [UInt64] = []
        for run in runs where run.end > start && found.count < limit {
            found += try run.entries(key: key, from: start, limit: limit - found.count)
        }
        return found
    }

    /// Puts runs in the place of others.
    fileprivate func replace(_ old: [IndexRun], with new: IndexRun?) {
        state.withLock { state in
            let names = Set(old.map(\.name))
            let place = state.runs.firstIndex { names.contains($0.name) } ?? state.runs.count
            state.runs.removeAll { names.contains($0.name) }
            if let new { state.runs.insert(new, at: place) }
        }
    }

    /// Adds to an index. One thread's.
    final class Writer {
        private let index: LogIndex
        private let leastStep: Int
        private var merges: [IndexMerge] = []

        /// With `leastStep`, the least number of pairs that a merge goes on by.
        init(_ index: LogIndex, leastStep: Int) {
            self.index = index
            self.leastStep = leastStep
        }

        /// Adds what the entries up to the mark are found by. After an error nothing was added.
        func append(_ rows: [IndexAddition], mark: IndexMark) throws {
            guard let first = rows.first?.index else { return }
            var identities = rows.map { IndexPair(prefix: $0.identityPrefix, entry: $0.index) }
            identities += rows.compactMap { row in row.leafPrefix.map { IndexPair(prefix: $0, entry: row.index) } }
            identities.sort()
            let keys = rows.flatMap { row in
                (row.keys.count > 1 ? Array(Set(row.keys)) : row.keys).map { IndexPair(prefix: $0, entry: row.index) }
            }.sorted()
            var writer = try IndexRunWriter(index.storage, first: first, mark: mark, identityCount: identities.count)
            do {
                for pair in identities { try writer.append(identity: pair) }
                try writer.beginKeys()
                for pair in keys { try writer.append(key: pair) }
                index.replace([], with: try writer.finish())
            } catch {
                writer.abandon()
                throw error
            }
            try maintain(max(leastStep, Self.stepShare * (identities.count + keys.count)))
        }

        /// Removes everything.
        func clear() throws {
            let runs = index.runs
            abandonMerges()
            index.state.withLock { $0.runs = [] }
            for run in runs { try index.storage.remove(run.name) }
        }
    }
}

// MARK: - Merging

extension LogIndex.Writer {
    /// So many runs of about one size become one.
    private static let fanout = 4
    private static let greatestFanin = 32
    /// How many pairs a merge goes on by for each that comes. A merge of one size must end before the next of that size
    /// is due, so anything above 1 would do.
    private static let stepShare = 4

    /// Goes on with the merges that are due.
    private func maintain(_ count: Int) throws {
        do {
            while let inputs = due() { merges.append(try IndexMerge(index.storage, inputs)) }
            for place in merges.indices.reversed() {
                guard let run = try merges[place].step(count) else { continue }
                let inputs = merges.remove(at: place).inputs
                index.replace(inputs, with: run)
                for input in inputs { try index.storage.remove(input.name) }
            }
        } catch let error as HostError where error.code == .noSpace {
            // The runs are as good as before; there will be another time.
            abandonMerges()
        }
    }

    private func abandonMerges() {
        for merge in merges { merge.abandon() }
        merges = []
    }

    /// Neighbours that should become one, the smallest first.
    private func due() -> [IndexRun]? {
        let busy = Set(merges.flatMap(\.inputs).map(\.name))
        let stretches = index.runs.split { busy.contains($0.name) }
        let levels = Set(stretches.joined().map(Self.level)).sorted()
        for level in levels {
            for stretch in stretches {
                for part in stretch.split(whereSeparator: { Self.level($0) > level })
                where part.count(where: { Self.level($0) == level }) >= Self.fanout {
                    return Array(part.prefix(Self.greatestFanin))
                }
            }
        }
        return nil
    }

    /// Runs of one level are about as large: each level is four times the one before.
    private static func level(_ run: IndexRun) -> Int {
        (Int.bitWidth - (run.pairCount / 4096).leadingZeroBitCount + 1) / 2
    }
}
