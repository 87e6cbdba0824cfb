internal import Bytes
internal import CSQLite
internal import SystemPackage

extension DatabaseError {
    /// The error for a result of SQLite. `operation` reads as the end of "could not".
    init(_ result: Int32, _ handle: OpaquePointer?, _ path: FilePath, _ operation: String) {
        let reason = unsafe sqlite3_errmsg(handle).map { unsafe String(cString: $0) } ?? "no reason"
        let (code, remedy): (Code, String) =
            switch result & 0xFF {
            case SQLITE_FULL: (.full, "; free some space and try again")
            case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT: (.damaged, "; restore it, or remove it if it is derived")
            case SQLITE_ERROR, SQLITE_MISUSE, SQLITE_RANGE, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG:
                (.statement, "")
            case SQLITE_BUSY, SQLITE_LOCKED: (.unreachable, "; another process holds it, end that one first")
            default: (.unreachable, "; check the directory, its owner and its disk")
            }
        self.init(code, "\(path): could not \(operation): \(reason.safeForTerminal)\(remedy)")
    }
}
