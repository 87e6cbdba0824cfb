internal import CSQLite

/// A value of a column.
package enum DatabaseValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
}

/// A prepared statement. Each run starts with fresh values.
/// Safe, since the pointer is freed here, and never given out.
@safe package final class DatabaseStatement {
    private let handle: OpaquePointer
    // The connection must outlive its statements.
    private let database: Database

    init(_ handle: OpaquePointer, _ database: Database) {
        unsafe self.handle = handle
        self.database = database
    }

    deinit { unsafe sqlite3_finalize(handle) }

    /// The row that the statement stands at.
    package struct Row {
        fileprivate let statement: DatabaseStatement

        /// The whole number in a column; 0 where it is null.
        package func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(statement.handle, column) }

        /// The text in a column; `nil` where it is null.
        package func text(_ column: Int32) -> String? {
            guard let text = unsafe sqlite3_column_text(statement.handle, column) else { return nil }
            let count = unsafe Int(sqlite3_column_bytes(statement.handle, column))
            return unsafe String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
        }

        /// The bytes in a column; `nil` where it is null.
        package func bytes(_ column: Int32) -> [UInt8]? {
            guard unsafe sqlite3_column_type(statement.handle, column) != SQLITE_NULL else { return nil }
            let count = unsafe Int(sqlite3_column_bytes(statement.handle, column))
            guard count > 0, let start = unsafe sqlite3_column_blob(statement.handle, column) else { return [] }
            return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
        }
    }

    /// Runs the statement, whose rows don't matter.
    package func run(_ values: DatabaseValue...) throws { try forEachRow(values) { _ in } }

    /// Runs it with whole numbers alone, without making a list of them. For many rows.
    package func run(integers first: Int64, _ second: Int64) throws {
        try bind(sqlite3BindInteger(1, first))
        try bind(sqlite3BindInteger(2, second))
        defer { reset() }
        while try step() {}
    }

    /// Runs the statement and gives each row to `body`, which must not keep it.
    package func forEachRow(_ values: [DatabaseValue] = [], _ body: (Row) throws -> Void) throws {
        defer { reset() }
        for (index, value) in values.enumerated() { try bind(value, Int32(index + 1)) }
        while try step() { try body(Row(statement: self)) }
    }

    /// What `body` makes of each row.
    package func rows<Value>(_ values: DatabaseValue..., map body: (Row) throws -> Value) throws -> [Value] {
        var all: [Value] = []
        try forEachRow(values) { all.append(try body($0)) }
        return all
    }

    /// What `body` makes of the first row; `nil` when there is none.
    package func first<Value>(_ values: DatabaseValue..., map body: (Row) throws -> Value) throws -> Value? {
        defer { reset() }
        for (index, value) in values.enumerated() { try bind(value, Int32(index + 1)) }
        return try step() ? try body(Row(statement: self)) : nil
    }

    private func step() throws -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let result: throw database.error(result, "run a statement")
        }
    }

    private func reset() {
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }

    private func sqlite3BindInteger(_ index: Int32, _ value: Int64) -> Int32 {
        unsafe sqlite3_bind_int64(handle, index, value)
    }

    private func bind(_ value: DatabaseValue, _ index: Int32) throws {
        // The library copies text and bytes: its SQLITE_TRANSIENT, which is a cast that Swift can't import.
        let copies = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: try bind(unsafe sqlite3_bind_null(handle, index))
        case .integer(let number): try bind(sqlite3BindInteger(index, number))
        case .text(let text): try bind(unsafe sqlite3_bind_text(handle, index, text, Int32(text.utf8.count), copies))
        case .bytes(let bytes):
            try bind(
                unsafe bytes.isEmpty
                    ? sqlite3_bind_zeroblob(handle, index, 0)
                    : bytes.withUnsafeBytes {
                        unsafe sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), copies)
                    })
        }
    }

    private func bind(_ result: Int32) throws {
        guard result == SQLITE_OK else { throw database.error(result, "set a value") }
    }
}
