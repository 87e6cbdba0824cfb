internal import Synchronization
package import TileLog

/// An index in memory that remembers all that it ever was, since a crash may bring any of it back.
package final class MemoryIndex: LogIndex {
    struct Content: Sendable {
        var mark: IndexMark?
        var identities: [UInt64: [UInt64]] = [:]
        var keys: [UInt64: [UInt64]] = [:]
    }

    /// Guards itself; the last is the present.
    private let history: Mutex<[Content]>

    package init() { history = Mutex([Content()]) }

    private init(_ content: Content) { history = Mutex([content]) }

    /// The index as it may be found after a loss of power.
    package func crashed(_ choices: some Choices) -> MemoryIndex {
        let history = history.withLock { $0 }
        return MemoryIndex(history[choices.choose(history.count)])
    }

    package func reader() throws -> any LogIndexReader { Door(self) }
    package func writer() throws -> any LogIndexWriter { Door(self) }

    private struct Door: LogIndexReader, LogIndexWriter {
        let index: MemoryIndex

        init(_ index: MemoryIndex) { self.index = index }

        private var present: Content { index.history.withLock { $0[$0.count - 1] } }

        func entries(identityPrefix: UInt64) throws -> [UInt64] { present.identities[identityPrefix] ?? [] }

        func entries(key: UInt64, from start: UInt64, limit: Int) throws -> [UInt64] {
            Array((present.keys[key] ?? []).filter { $0 >= start }.prefix(limit))
        }

        func mark() throws -> IndexMark? { present.mark }

        func append(_ rows: [IndexAddition], mark: IndexMark) throws {
            var content = present
            content.mark = mark
            for row in rows {
                content.identities[row.identityPrefix, default: []].append(row.index)
                for key in row.keys { content.keys[key, default: []].append(row.index) }
            }
            index.history.withLock { $0.append(content) }
        }

        func clear() throws { index.history.withLock { $0.append(Content()) } }
    }
}
