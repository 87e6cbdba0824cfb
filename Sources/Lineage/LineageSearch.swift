package import Bytes
internal import Database
internal import Inventory

/// Asks the index, as it was when this was opened. One connection that only reads; it blocks.
package final class LineageSearch {
    /// How much an answer may hold.
    package struct Limits: Sendable {
        /// The most things that are looked at.
        package var nodes = 10_000
        /// The longest path.
        package var depth = 100

        package init() {}
    }

    /// A thing in an answer.
    package struct Item: Sendable {
        package var number: Int64
        package var node: Node
        /// What a statement calls it.
        package var name: String?
    }

    let database: Database
    private let nodeByNumber: DatabaseStatement
    private let nodeByKey: DatabaseStatement
    private let nodesByPrefix: DatabaseStatement
    private let children: DatabaseStatement
    let usesOf: DatabaseStatement
    let usesOfKind: DatabaseStatement
    let mentionsOf: DatabaseStatement
    let mentionsOfKind: DatabaseStatement
    let statementByNumber: DatabaseStatement
    let neededBy: DatabaseStatement
    package var limits = Limits()

    /// Opens the index of a store; `.unknown` where nothing has been imported.
    package init(_ store: LineageStore) throws {
        guard try store.exists() else {
            throw LineageError(
                .unknown, "nothing has been imported into \(store.directory); run `martlet lineage import`")
        }
        database = try Database(store.indexPath, durability: .derived, isWritable: false, cacheByteCount: 32 << 20)
        try database.beginReading()
        let version = try database.prepare("PRAGMA user_version").first { $0.integer(0) } ?? 0
        guard version == LineageIndex.version else {
            throw LineageError(.damaged, "the index is of version \(version); run `martlet lineage rebuild`")
        }
        nodeByNumber = try database.prepare("SELECT kind, key FROM node WHERE id = ?")
        nodeByKey = try database.prepare("SELECT id FROM node WHERE kind = ? AND key = ?")
        nodesByPrefix = try database.prepare("SELECT id FROM node WHERE kind = ? AND key >= ? AND key < ? LIMIT ?")
        children = try database.prepare("SELECT id FROM node WHERE parent = ? ORDER BY id LIMIT ?")
        usesOf = try database.prepare("SELECT relation, statement FROM used WHERE node = ? LIMIT ?")
        usesOfKind = try database.prepare("SELECT statement FROM used WHERE node = ? AND relation = ? LIMIT ?")
        mentionsOf = try database.prepare("SELECT relation, node FROM mention WHERE statement = ? LIMIT ?")
        mentionsOfKind = try database.prepare("SELECT node FROM mention WHERE statement = ? AND relation = ? LIMIT ?")
        statementByNumber = try database.prepare(
            "SELECT first, type, standing, time, digest FROM statement WHERE id = ?")
        neededBy = try database.prepare("SELECT by FROM dependency WHERE statement = ? AND needed = ? LIMIT ?")
    }

    // MARK: - Nodes

    /// The node of a number.
    func node(_ number: Int64) throws -> Node? {
        try nodeByNumber.first(.integer(number)) { row -> Node? in
            guard let kind = Node.Kind(rawValue: UInt8(truncatingIfNeeded: row.integer(0))) else { return nil }
            if kind == .artifact, let bytes = row.bytes(1), let digest = Digest(bytes: bytes) {
                return Node(kind, .digest(digest))
            }
            return Node(kind, row.text(1) ?? "")
        } ?? nil
    }

    func number(of node: Node) throws -> Int64? {
        let key: DatabaseValue
        switch node.key {
        case .digest(let digest): key = .bytes(digest.bytes)
        case .text(let text): key = .text(text)
        }
        return try nodeByKey.first(.integer(Int64(node.kind.rawValue)), key) { $0.integer(0) }
    }

    /// The numbers of nodes that are cases of another: versions of a package or a builder.
    func children(of number: Int64) throws -> [Int64] {
        try children.rows(.integer(number), .integer(Int64(limits.nodes))) { $0.integer(0) }
    }

    /// What a statement calls an artifact.
    func name(of number: Int64) throws -> String? {
        let subject = DatabaseValue.integer(Int64(Relation.subject.rawValue))
        let statements = try usesOfKind.rows(.integer(number), subject, .integer(8)) { $0.integer(0) }
        for statement in statements {
            guard let record = try record(statement), record.first == number else { continue }
            let named = try mentionsOfKind.first(
                .integer(statement), .integer(Int64(Relation.named.rawValue)), .integer(1)
            ) { $0.integer(0) }
            if let named, let node = try node(named) { return node.text }
        }
        return nil
    }

    /// The thing of a number, with its name where it is an artifact.
    package func item(_ number: Int64) throws -> Item {
        let node = try node(number) ?? Node(.name, "?")
        return Item(number: number, node: node, name: node.kind == .artifact ? try name(of: number) : nil)
    }

    /// One statement as the index knows it.
    package struct Record: Sendable {
        package var number: Int64
        package var first: Int64
        package var type: Int64
        package var standing: Standing
        package var time: Int64
        package var digest: Digest?
    }

    func record(_ number: Int64) throws -> Record? {
        try statementByNumber.first(.integer(number)) { row in
            Record(
                number: number, first: row.integer(0), type: row.integer(1),
                standing: Standing(rawValue: UInt8(truncatingIfNeeded: row.integer(2))) ?? .unverified,
                time: row.integer(3), digest: row.bytes(4).flatMap { Digest(bytes: $0) })
        }
    }

    // MARK: - Queries

    /// The nodes that a text may mean, `[]` where none is known. In the order of certainty: a whole digest or package
    /// URL, the beginning of one, a name with its version, a name.
    package func resolve(_ query: String) throws -> [Int64] {
        guard query.utf8.count <= Node.textLimit else { return [] }
        let text = query.trimmingSpaces
        if let found = try resolveDigest(text) { return found }
        if let purl = PackageURL(text) {
            return try number(of: Node.package(purl)).map { [$0] } ?? []
        }
        for kind in [Node.Kind.builder, .builderName, .identity, .repository, .name] {
            if let found = try number(of: Node(kind, text)) {
                return kind == .name ? try subjects(named: found) : [found]
            }
        }
        if let repository = StatementFacts.repository(text), let found = try number(of: repository) { return [found] }
        return try resolvePackage(text)
    }

    private func resolveDigest(_ text: String) throws -> [Int64]? {
        let hex = text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text.lowercased()
        guard hex.utf8.count >= 7, hex.utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }) else {
            return text.contains(":") ? try number(of: Node(.artifact, text)).map { [$0] } : nil
        }
        if let digest = Digest(hex: hex), let found = try number(of: Node(.artifact, .digest(digest))) {
            return [found]
        }
        var found = try prefixed(.commit, .text(hex), .text(hex + "g"))
        if hex.utf8.count < 64, let low = Hex.decode(hex + (hex.utf8.count % 2 == 0 ? "" : "0")),
            let high = Hex.decode(hex + (hex.utf8.count % 2 == 0 ? "" : "f"))
        {
            found += try prefixed(
                .artifact, .bytes(low), .bytes(high + [UInt8](repeating: 0xFF, count: 33 - high.count)))
        }
        return found.isEmpty ? nil : found
    }

    private func prefixed(_ kind: Node.Kind, _ low: DatabaseValue, _ high: DatabaseValue) throws -> [Int64] {
        try nodesByPrefix.rows(.integer(Int64(kind.rawValue)), low, high, .integer(20)) { $0.integer(0) }
    }

    /// `log4j-core`, `log4j-core@2.14.1`, `@scope/name`, `github.com/a/b@v1`.
    private func resolvePackage(_ text: String) throws -> [Int64] {
        let at = text.dropFirst().lastIndex(of: "@")
        let name = (at.map { String(text[..<$0]) } ?? text).lowercased()
        let version = at.map { String(text[text.index(after: $0)...]) }
        let last = name.split { $0 == "/" || $0 == ":" }.last.map(String.init) ?? name
        guard let plain = try number(of: Node(.plainName, last)) else { return [] }
        var out: [Int64] = []
        for package in try children(of: plain) {
            guard let purl = try node(package).flatMap({ PackageURL($0.text) }) else { continue }
            let whole = Component(purl).name.lowercased()
            guard whole == name || !name.contains("/") && !name.contains(":") && purl.name.lowercased() == name else {
                continue
            }
            guard let version else {
                out.append(package)
                continue
            }
            for spelling in [version, "v" + version] {
                if let found = try number(of: Node.package(purl.with(version: spelling))) { out.append(found) }
            }
        }
        return out
    }

    /// What statements call by a name.
    func subjects(named name: Int64) throws -> [Int64] {
        let relation = DatabaseValue.integer(Int64(Relation.named.rawValue))
        var out: [Int64] = []
        var seen: Set<Int64> = []
        for statement in try usesOfKind.rows(
            .integer(name), relation, .integer(Int64(limits.nodes)), map: { $0.integer(0) })
        {
            if let first = try record(statement)?.first, first != 0, seen.insert(first).inserted { out.append(first) }
        }
        let subject = DatabaseValue.integer(Int64(Relation.subject.rawValue))
        if out.isEmpty, try usesOfKind.first(.integer(name), subject, .integer(1), map: { _ in true }) == true {
            out.append(name)
        }
        return out
    }
}

extension String {
    /// This text without spaces around it.
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
