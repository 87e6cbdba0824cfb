internal import Bytes
internal import Database
internal import Host
package import SystemPackage

/// The index in a SQLite file. It is derived, so a loss of power may cost its last transactions.
///
/// Rows hold eight bytes of an identity or key and the entry's number; the log compares the rest with the entry.
package struct SQLiteLogIndex: LogIndex {
    private let path: FilePath
    /// Raised by one when what is stored changes.
    private static let version: Int64 = 1

    /// Opens the file, which is made anew when it is damaged or of another version.
    package init(_ path: FilePath) throws {
        self.path = path
        do {
            try Self.prepare(path)
        } catch let error as DatabaseError where error.code == .damaged {
            for suffix in ["", "-wal", "-shm"] { try Files.remove(FilePath(path.string + suffix)) }
            try Self.prepare(path)
        }
    }

    private static func prepare(_ path: FilePath) throws {
        let database = try Database(path, durability: .derived)
        let found = try database.prepare("PRAGMA user_version").first { $0.integer(0) } ?? 0
        guard found == version else {
            guard found == 0 else {
                throw DatabaseError(.damaged, "\(path) has the version \(found), not \(version)")
            }
            try database.transaction {
                try database.execute(
                    """
                    CREATE TABLE identity (prefix INTEGER, entry INTEGER, PRIMARY KEY (prefix, entry)) WITHOUT ROWID;
                    CREATE TABLE key (prefix INTEGER, entry INTEGER, PRIMARY KEY (prefix, entry)) WITHOUT ROWID;
                    CREATE TABLE mark (count INTEGER, identity BLOB);
                    PRAGMA user_version = \(version);
                    """)
            }
            return
        }
    }

    package func reader() throws -> any LogIndexReader { try Reader(path) }
    package func writer() throws -> any LogIndexWriter { try Writer(path) }

    private final class Reader: LogIndexReader {
        private let identities: DatabaseStatement
        private let keys: DatabaseStatement

        init(_ path: FilePath) throws {
            let database = try Database(path, durability: .derived, cacheByteCount: 8 << 20)
            identities = try database.prepare("SELECT entry FROM identity WHERE prefix = ? ORDER BY entry")
            keys = try database.prepare(
                "SELECT entry FROM key WHERE prefix = ? AND entry >= ? ORDER BY entry LIMIT ?")
        }

        func entries(identityPrefix: UInt64) throws -> [UInt64] {
            try identities.rows(.integer(Int64(bitPattern: identityPrefix))) { UInt64(bitPattern: $0.integer(0)) }
        }

        func entries(key: UInt64, from start: UInt64, limit: Int) throws -> [UInt64] {
            try keys.rows(
                .integer(Int64(bitPattern: key)), .integer(Int64(clamping: start)), .integer(Int64(limit))
            ) { UInt64(bitPattern: $0.integer(0)) }
        }
    }

    private final class Writer: LogIndexWriter {
        private let database: Database
        private let identity: DatabaseStatement
        private let key: DatabaseStatement
        private let setMark: DatabaseStatement

        init(_ path: FilePath) throws {
            database = try Database(path, durability: .derived, cacheByteCount: 32 << 20)
            identity = try database.prepare("INSERT OR IGNORE INTO identity VALUES (?, ?)")
            key = try database.prepare("INSERT OR IGNORE INTO key VALUES (?, ?)")
            setMark = try database.prepare("INSERT INTO mark VALUES (?, ?)")
        }

        func mark() throws -> IndexMark? {
            try database.prepare("SELECT count, identity FROM mark").first { row in
                row.bytes(1).flatMap { Digest(bytes: $0) }.map {
                    IndexMark(count: UInt64(clamping: row.integer(0)), lastIdentity: $0)
                }
            } ?? nil
        }

        func append(_ rows: [IndexAddition], mark: IndexMark) throws {
            // Neighbours in the tree share pages.
            let identities = rows.map { (Int64(bitPattern: $0.identityPrefix), $0.index) }.sorted { $0 < $1 }
            let keys = rows.flatMap { row in row.keys.map { (Int64(bitPattern: $0), row.index) } }.sorted { $0 < $1 }
            try database.transaction {
                for (prefix, index) in identities { try identity.run(integers: prefix, Int64(clamping: index)) }
                for (prefix, index) in keys { try key.run(integers: prefix, Int64(clamping: index)) }
                try database.execute("DELETE FROM mark")
                try setMark.run(.integer(Int64(clamping: mark.count)), .bytes(mark.lastIdentity.bytes))
            }
        }

        func clear() throws {
            try database.transaction {
                try database.execute("DELETE FROM identity; DELETE FROM key; DELETE FROM mark")
            }
        }
    }
}
