internal import CSQLite
internal import Host
package import SystemPackage

/// One connection to a database file. It blocks: only the thread that owns it may use it.
///
/// The journal is a write-ahead log: after a crash or a loss of power the file holds the last transaction that was
/// kept, or one before it, and never a part of one.
/// Safe, since the pointer is made and freed here, and never given out.
@safe package final class Database {
    private let handle: OpaquePointer
    package let path: FilePath

    /// How much of what is committed survives a loss of power.
    package enum Durability: String, Sendable {
        /// Everything: each commit waits for the disk.
        case full = "FULL"
        /// Everything up to some moment; for what can be made anew.
        case derived = "NORMAL"
    }

    /// Opens the file, and makes it when it is absent. `cacheByteCount` bounds the pages kept in memory.
    package init(
        _ path: FilePath, durability: Durability, isWritable: Bool = true, cacheByteCount: Int = 16 << 20
    ) throws {
        self.path = path
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_NOMUTEX | (isWritable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY)
        let result = unsafe sqlite3_open_v2(path.string, &opened, flags | SQLITE_OPEN_NOFOLLOW, nil)
        guard result == SQLITE_OK, let opened = unsafe opened else {
            let error = unsafe DatabaseError(result, opened, path, "open it")
            unsafe sqlite3_close_v2(opened)
            throw error
        }
        unsafe handle = opened
        unsafe sqlite3_extended_result_codes(opened, 1)
        unsafe sqlite3_busy_timeout(opened, 5000)
        // What a hostile file could do through its schema is off: its functions, its triggers' reach, its tables.
        unsafe limitReach(opened)
        try execute("PRAGMA cell_size_check = ON")
        try execute("PRAGMA mmap_size = 0")
        try execute("PRAGMA cache_size = -\(max(cacheByteCount >> 10, 64))")
        if isWritable {
            try execute("PRAGMA journal_mode = WAL")
            try execute("PRAGMA synchronous = \(durability.rawValue)")
        }
    }

    deinit { unsafe sqlite3_close_v2(handle) }

    /// Runs statements that give no rows.
    package func execute(_ sql: String) throws {
        let result = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw error(result, "run “\(sql)”") }
    }

    /// Prepares one statement, to be run many times.
    package func prepare(_ sql: String) throws -> DatabaseStatement {
        var prepared: OpaquePointer?
        let result = unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard result == SQLITE_OK, let prepared = unsafe prepared else { throw error(result, "prepare “\(sql)”") }
        return unsafe DatabaseStatement(prepared, self)
    }

    /// Runs `body` in a transaction: all that it does is kept, or nothing when it throws.
    package func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try begin()
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            try rollback()
            throw error
        }
    }

    /// Begins a transaction that writes. Whoever begins one commits it, or rolls it back.
    package func begin() throws { try execute("BEGIN IMMEDIATE") }

    /// Keeps what the transaction did.
    package func commit() throws { try execute("COMMIT") }

    /// Takes back what the transaction did. SQLite has done so already after some errors, such as a full disk.
    package func rollback() throws {
        if unsafe sqlite3_get_autocommit(handle) == 0 { try execute("ROLLBACK") }
    }

    /// Has all that is read from now on come from one state of the file, whoever writes meanwhile.
    package func beginReading() throws { try execute("BEGIN") }

    /// Reads every page and index and says what is wrong with them; empty when nothing is.
    package func integrityErrors() throws -> [String] {
        let statement = try prepare("PRAGMA integrity_check(20)")
        var errors: [String] = []
        try statement.forEachRow { row in errors.append(row.text(0) ?? "") }
        return errors == ["ok"] ? [] : errors
    }

    /// Moves what is in the journal into the file, so that the journal takes no more room than it must.
    package func checkpoint() throws { try execute("PRAGMA wal_checkpoint(TRUNCATE)") }

    func error(_ result: Int32, _ operation: String) -> DatabaseError {
        unsafe DatabaseError(result, handle, path, operation)
    }

}

/// Switches off what only a crafted file would use.
private func limitReach(_ handle: OpaquePointer) {
    unsafe sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0)
    unsafe sqlite3_limit(handle, SQLITE_LIMIT_TRIGGER_DEPTH, 1)
}
