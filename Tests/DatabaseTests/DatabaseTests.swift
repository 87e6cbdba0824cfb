import Database
import Host
import SystemPackage
import TestKit
import Testing

@Suite struct DatabaseTests {
    let directory: TemporaryDirectory
    var path: FilePath { directory["data.sqlite"] }

    init() throws { directory = try TemporaryDirectory() }

    @Test("values come back as they were put in")
    func values() throws {
        let database = try Database(path, durability: .full)
        try database.execute("CREATE TABLE t (a INTEGER, b TEXT, c BLOB)")
        try database.prepare("INSERT INTO t VALUES (?, ?, ?)").run(.integer(-5), .text("mü"), .bytes([0, 255]))
        try database.prepare("INSERT INTO t VALUES (?, ?, ?)").run(.null, .null, .bytes([]))
        let rows = try database.prepare("SELECT * FROM t ORDER BY rowid").rows { row in
            (row.integer(0), row.text(1), row.bytes(2))
        }
        #expect(rows.map(\.0) == [-5, 0])
        #expect(rows.map(\.1) == ["mü", nil])
        #expect(rows.map(\.2) == [[0, 255], []])
    }

    @Test("a transaction that throws leaves nothing, and the next one works")
    func rollback() throws {
        struct Stop: Error {}
        let database = try Database(path, durability: .derived)
        try database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
        let insert = try database.prepare("INSERT INTO t VALUES (?)")
        #expect(throws: Stop.self) {
            try database.transaction {
                try insert.run(.integer(1))
                throw Stop()
            }
        }
        try database.transaction { try insert.run(.integer(1)) }
        let error = #expect(throws: DatabaseError.self) { try insert.run(.integer(1)) }
        #expect(error?.code == .statement)
        #expect(try database.prepare("SELECT count(*) FROM t").first { $0.integer(0) } == 1)
    }

    @Test("another connection sees what is committed, and a writer waits for nobody who reads")
    func connections() throws {
        let one = try Database(path, durability: .derived)
        try one.execute("CREATE TABLE t (a INTEGER)")
        let other = try Database(path, durability: .derived)
        let count = try other.prepare("SELECT count(*) FROM t")
        #expect(try count.first { $0.integer(0) } == 0)
        try one.transaction {
            try one.execute("INSERT INTO t VALUES (1)")
            #expect(try count.first { $0.integer(0) } == 0)
        }
        #expect(try count.first { $0.integer(0) } == 1)
        #expect(try one.integrityErrors() == [])
    }

    @Test("a file that is no database, or a damaged one, is told apart from one that can't be opened")
    func damage() throws {
        try directory.write(String(repeating: "no database ", count: 100), to: "data.sqlite")
        let damaged = #expect(throws: DatabaseError.self) { try Database(path, durability: .full) }
        #expect(damaged?.code == .damaged)
        let absent = #expect(throws: DatabaseError.self) {
            try Database(directory["no/such/folder"], durability: .full)
        }
        #expect(absent?.code == .unreachable)
    }

    @Test("a full disk is a code of its own")
    func full() throws {
        let database = try Database(path, durability: .derived)
        try database.execute("CREATE TABLE t (a BLOB)")
        try database.execute("PRAGMA max_page_count = 8")
        let insert = try database.prepare("INSERT INTO t VALUES (?)")
        let error = #expect(throws: DatabaseError.self) {
            try database.transaction { try insert.run(.bytes([UInt8](repeating: 1, count: 1 << 20))) }
        }
        #expect(error?.code == .full)
        try database.transaction { try insert.run(.bytes([1])) }
    }
}
