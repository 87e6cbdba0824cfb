package import Bytes
internal import Synchronization
package import SystemPackage

/// Remembers the hashes of files by their status, so that a file that did not change is not read again.
///
/// A hint, never the truth: an index that is absent, damaged or of another version is an empty one, and losing it costs
/// time only. git's rule against races holds in a stricter form: a file that was changed when, or shortly before, the
/// run began that hashed it is hashed again by the next run, since it could change once more without a new time.
package final class StatIndex: Sendable {
    /// What is known of a file's content.
    package struct Hashes: Hashable, Sendable {
        package var digest: Digest
        /// The 32 bytes of HighwayHash-256, where somebody needed it.
        package var highway: [UInt8]?

        package init(digest: Digest, highway: [UInt8]? = nil) {
            self.digest = digest
            self.highway = highway
        }
    }

    /// The clock of file times ticks every 4 to 10 ms on Linux; in nanoseconds, with a margin.
    static let tick: Int64 = 20_000_000
    /// The most files that are remembered.
    package static let entryLimit = 4_000_000

    private let path: FilePath
    private let table: StatTable
    private let began: Int64
    private let isParanoid: Bool
    /// What was learned in this run. The lock guards it.
    private let fresh = Mutex<[StatTable.Named]>([])

    /// Reads the index `path` once. With `isParanoid` nothing is ever found, so that every file is hashed.
    ///
    /// To be made before the first status is read: that is what the rule against races counts from. `began` is that
    /// time, in nanoseconds since 1970, for tests.
    package init(_ path: FilePath, isParanoid: Bool = false, began: Int64 = Clocks.nowNanoseconds()) {
        self.path = path
        self.isParanoid = isParanoid
        self.began = began
        let bytes = try? Files.read(path, limit: 1 << 31)
        table = bytes.flatMap { try? StatTable(decoding: $0) } ?? .empty
    }

    /// The files that the index knew when it was read.
    package var count: Int { table.count }

    /// The hashes of the file `name`, a path relative to whatever the index is about, when its status is what it was.
    package func hashes(of name: String, _ status: FileStatus) -> Hashes? {
        guard !isParanoid, let record = table.record(of: name), record.matches(status),
            max(status.modified, status.changed) < table.written
        else { return nil }
        return record.hashes
    }

    /// Remembers what the file `name` contains. `status` must have been read before the content, in this run.
    package func remember(_ hashes: Hashes, of name: String, _ status: FileStatus) {
        // A file that changed this recently may change again within the same tick of the clock.
        let isSettled = max(status.modified, status.changed) < began - Self.tick
        guard status.kind == .regular, isSettled, name.utf8.count < 1 << 16 else { return }
        fresh.withLock { $0.append(StatTable.Named(name: name, record: StatTable.Record(status, hashes))) }
    }

    /// Writes the index when something was learned. Files that this run did not look at are kept, until there are too many.
    package func save() throws {
        let learned = fresh.withLock { $0 }
        guard isWorthWriting(learned) else { return }
        var records = learned
        if table.count > 0, learned.count + table.count <= Self.entryLimit {
            let names = Set(learned.map(\.name))
            records += table.records.filter { !names.contains($0.name) }
        }
        // The time is taken before the write: whatever changes from here on is not covered.
        let bytes = StatTable.encode(records, written: Clocks.nowNanoseconds())
        try Files.write(bytes, to: path)
    }

    /// A few small files are hashed again in less time than the whole index takes to write.
    private func isWorthWriting(_ learned: [StatTable.Named]) -> Bool {
        if learned.count * 64 > table.count { return true }
        return learned.reduce(0) { $0 + $1.record.size } > 1 << 20
    }
}
