package import Bytes

/// What finds entries by identity and by key. It is made from the log, can be made anew from it, and may lag behind: the
/// log finds the entries that it lacks in memory.
package protocol LogIndex: Sendable {
    /// For one thread that looks.
    func reader() throws -> any LogIndexReader
    /// For the one thread that adds.
    func writer() throws -> any LogIndexWriter
}

/// Looks into an index.
package protocol LogIndexReader {
    /// The entries whose identity begins with these eight bytes, in order.
    func entries(identityPrefix: UInt64) throws -> [UInt64]
    /// The entries with this shortened key from `start` on, in order, at most `limit`.
    func entries(key: UInt64, from start: UInt64, limit: Int) throws -> [UInt64]
}

/// How far an index is.
package struct IndexMark: Hashable, Sendable {
    /// The entries that it has: the first of the log.
    package let count: UInt64
    /// The identity of the last of them: an index of another log has another.
    package let lastIdentity: Digest
}

/// A row of the index.
package struct IndexAddition: Sendable {
    package let identityPrefix: UInt64
    package let index: UInt64
    package let keys: [UInt64]
}

/// Adds to an index.
package protocol LogIndexWriter {
    /// How far it is; `nil` when it is empty.
    func mark() throws -> IndexMark?
    /// Adds rows and moves the mark, both or neither.
    func append(_ rows: [IndexAddition], mark: IndexMark) throws
    /// Removes everything.
    func clear() throws
}
