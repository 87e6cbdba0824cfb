internal import Bytes
internal import Database
internal import SystemPackage

/// The index: numbers for nodes and statements, and which statement mentions what. Derived from the statements alone.
///
/// A class around one connection, for one task at a time.
final class LineageIndex {
    /// The version of the tables; another one is made anew.
    static let version: Int64 = 1

    let database: Database
    private let findStatement: DatabaseStatement
    private let addStatement: DatabaseStatement
    private let promote: DatabaseStatement
    private let findNode: DatabaseStatement
    private let addNode: DatabaseStatement
    private let addMention: DatabaseStatement
    private let addUse: DatabaseStatement
    private let addDependency: DatabaseStatement
    /// Numbers of nodes that were looked up. Emptied when it grows too large.
    private var numbers: [Node: Int64] = [:]
    /// Whether every node is in `numbers`, so that a miss needs no question to the database.
    private var isComplete: Bool
    private var lastNode: Int64
    private var lastStatement: Int64

    /// How many numbers are remembered.
    private static let memoryLimit = 1_500_000

    /// How many statements the transaction that is under way has; `nil` when there is none.
    private var pending: Int?
    /// What is to be put into `used`. Sorted before it is, so that each page of the table is touched once.
    private var uses: [Use] = []

    /// How many statements a transaction takes. Their uses go all over the table: the more at once, the fewer times
    /// the same pages are written.
    private static let transactionLimit = 1 << 16

    /// What inserting did.
    struct Outcome {
        var added = 0
        var known = 0
        /// Known, but only now verified.
        var promoted = 0
    }

    init(_ path: FilePath) throws {
        // It can be made anew from the statements, so a commit need not wait for the disk.
        database = try Database(path, durability: .derived, cacheByteCount: 256 << 20)
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS statement(
                id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, first INTEGER NOT NULL, type INTEGER NOT NULL,
                standing INTEGER NOT NULL, time INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS node(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key NOT NULL, parent INTEGER);
            CREATE UNIQUE INDEX IF NOT EXISTS node_key ON node(kind, key);
            CREATE INDEX IF NOT EXISTS node_parent ON node(parent) WHERE parent IS NOT NULL;
            CREATE TABLE IF NOT EXISTS mention(
                statement INTEGER, relation INTEGER, node INTEGER, PRIMARY KEY(statement, relation, node)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS used(
                node INTEGER, relation INTEGER, statement INTEGER, PRIMARY KEY(node, relation, statement)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS dependency(
                statement INTEGER, needed INTEGER, by INTEGER, PRIMARY KEY(statement, needed, by)) WITHOUT ROWID;
            """)
        findStatement = try database.prepare("SELECT id, standing FROM statement WHERE digest = ?")
        addStatement = try database.prepare("INSERT INTO statement VALUES (?, ?, ?, ?, ?, ?)")
        promote = try database.prepare("UPDATE statement SET standing = 1 WHERE id = ?")
        findNode = try database.prepare("SELECT id FROM node WHERE kind = ? AND key = ?")
        addNode = try database.prepare("INSERT INTO node VALUES (?, ?, ?, ?)")
        addMention = try database.prepare("INSERT OR IGNORE INTO mention VALUES (?, ?, ?)")
        addUse = try database.prepare("INSERT OR IGNORE INTO used VALUES (?, ?, ?)")
        addDependency = try database.prepare("INSERT OR IGNORE INTO dependency VALUES (?, ?, ?)")
        lastNode = try database.prepare("SELECT max(id) FROM node").first { $0.integer(0) } ?? 0
        lastStatement = try database.prepare("SELECT max(id) FROM statement").first { $0.integer(0) } ?? 0
        isComplete = lastNode == 0
        let version = try database.prepare("PRAGMA user_version").first { $0.integer(0) } ?? 0
        if version == 0, lastStatement == 0 {
            try database.execute("PRAGMA user_version = \(Self.version)")
        } else if version != Self.version {
            throw LineageError(.damaged, "the index is of version \(version); run `martlet lineage rebuild`")
        }
    }

    /// Which of these statements are new, or verified for the first time.
    func isNews(_ digest: Digest, _ standing: Standing) throws -> Bool {
        guard let found = try known(digest) else { return true }
        return found.standing == .unverified && standing == .verified
    }

    private func known(_ digest: Digest) throws -> (id: Int64, standing: Standing)? {
        try findStatement.first(.bytes(digest.bytes)) { row in
            (row.integer(0), Standing(rawValue: UInt8(truncatingIfNeeded: row.integer(1))) ?? .unverified)
        }
    }

    /// Adds statements. They are kept at the next `commit`, or earlier when they have become many.
    func insert(_ batch: [Submission.Read]) throws -> Outcome {
        try undoingAll {
            if pending == nil { try database.begin() }
            var outcome = Outcome()
            for read in batch { try take(read, &outcome) }
            pending = (pending ?? 0) + batch.count
            if let pending, pending >= Self.transactionLimit { try keep() }
            return outcome
        }
    }

    /// Keeps everything that was added.
    func commit() throws {
        if pending != nil { try undoingAll(keep) }
    }

    private func keep() throws {
        uses.sort()
        for use in uses {
            try addUse.run(.integer(use.node), .integer(use.relation), .integer(use.statement))
        }
        try database.commit()
        uses = []
        pending = nil
        if numbers.count > Self.memoryLimit { forget() }
    }

    /// When `body` throws, whatever was not kept yet is gone.
    private func undoingAll<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            uses = []
            pending = nil
            try database.rollback()
            // What was numbered may be gone with the transaction.
            forget()
            throw error
        }
    }

    private func take(_ read: Submission.Read, _ outcome: inout Outcome) throws {
        guard let found = try known(read.digest) else {
            outcome.added += 1
            try insert(read)
            return
        }
        guard found.standing == .unverified, read.submission.standing == .verified else {
            outcome.known += 1
            return
        }
        outcome.promoted += 1
        try promote.run(.integer(found.id))
        for mention in read.facts.mentions where mention.relation == .signedBy { try add(mention, statement: found.id) }
    }

    private func forget() {
        numbers = [:]
        isComplete = false
        lastNode = (try? database.prepare("SELECT max(id) FROM node").first { $0.integer(0) }) ?? lastNode
        lastStatement =
            (try? database.prepare("SELECT max(id) FROM statement").first { $0.integer(0) }) ?? lastStatement
    }

    private struct Use: Comparable {
        var node: Int64
        var relation: Int64
        var statement: Int64

        static func < (left: Use, right: Use) -> Bool {
            (left.node, left.relation, left.statement) < (right.node, right.relation, right.statement)
        }
    }

    private func insert(_ read: Submission.Read) throws {
        lastStatement += 1
        let id = lastStatement
        let facts = read.facts
        var first: Int64 = 0
        for mention in facts.mentions {
            let node = try add(mention, statement: id)
            if first == 0, mention.relation == .subject { first = node }
        }
        for dependency in facts.dependencies {
            try addDependency.run(
                .integer(id), .integer(try number(of: dependency.to)), .integer(try number(of: dependency.from)))
        }
        let type = try number(of: Node(.predicateType, facts.predicateType))
        try addStatement.run(
            .integer(id), .bytes(read.digest.bytes), .integer(first), .integer(type),
            .integer(Int64(read.submission.standing.rawValue)), .integer(facts.time))
    }

    @discardableResult
    private func add(_ mention: StatementFacts.Mention, statement: Int64) throws -> Int64 {
        let node = try number(of: mention.node)
        let relation = Int64(mention.relation.rawValue)
        try addMention.run(.integer(statement), .integer(relation), .integer(node))
        uses.append(Use(node: node, relation: relation, statement: statement))
        return node
    }

    /// The number of a node, which is added with what it is a case of where it is not there.
    private func number(of node: Node) throws -> Int64 {
        if let known = numbers[node] { return known }
        let key: DatabaseValue
        switch node.key {
        case .digest(let digest): key = .bytes(digest.bytes)
        case .text(let text): key = .text(text)
        }
        let kind = DatabaseValue.integer(Int64(node.kind.rawValue))
        var found: Int64?
        if !isComplete { found = try findNode.first(kind, key) { $0.integer(0) } }
        if found == nil {
            let parent = try node.parent.map { DatabaseValue.integer(try number(of: $0)) } ?? .null
            lastNode += 1
            try addNode.run(.integer(lastNode), kind, key, parent)
            found = lastNode
        }
        numbers[node] = found
        return found ?? 0
    }
}
