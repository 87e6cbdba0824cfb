package import Bytes
internal import Database
internal import Host
internal import SystemPackage

extension LineageStore {
    /// Whether anything has been imported.
    package func exists() throws -> Bool { try Files.exists(indexPath) }

    /// What the store holds.
    package struct Status: Sendable {
        package var statements = 0
        package var verified = 0
        package var edges = 0
        package var nodes: [(kind: String, count: Int)] = []
        package var indexBytes = 0
        package var statementBytes = 0

        /// The status for programs.
        package var json: JSON {
            var kinds = JSONObject()
            for (kind, count) in nodes { kinds[kind] = .integer(count) }
            return [
                "statements": .integer(statements), "verified": .integer(verified), "edges": .integer(edges),
                "nodes": .object(kinds), "indexBytes": .integer(indexBytes), "statementBytes": .integer(statementBytes),
            ]
        }

        /// The status for people.
        package var text: String {
            var lines = ["\(statements) statements, \(verified) of them verified", "\(edges) edges"]
            lines += nodes.map { "\($0.count) of kind \($0.kind)" }
            lines.append("index \(indexBytes) bytes, statements \(statementBytes) bytes")
            return lines.joined(separator: "\n") + "\n"
        }
    }

    /// Counts what is there. Reads the whole index.
    package func status() throws -> Status {
        let search = try LineageSearch(self)
        var status = Status()
        func count(_ sql: String) throws -> Int {
            try search.database.prepare(sql).first { Int(truncatingIfNeeded: $0.integer(0)) } ?? 0
        }
        status.statements = try count("SELECT count(*) FROM statement")
        status.verified = try count("SELECT count(*) FROM statement WHERE standing = 1")
        status.edges = try count("SELECT count(*) FROM mention") + count("SELECT count(*) FROM dependency")
        var words: [String: Int] = [:]
        try search.database.prepare("SELECT kind, count(*) FROM node GROUP BY kind").forEachRow { row in
            guard let kind = Node.Kind(rawValue: UInt8(truncatingIfNeeded: row.integer(0))) else { return }
            words[kind.word, default: 0] += Int(truncatingIfNeeded: row.integer(1))
        }
        status.nodes = words.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
        status.indexBytes = try Files.status(indexPath)?.size ?? 0
        for name in try segments() {
            status.statementBytes += try Files.status(directory.appending("statements").appending(name))?.size ?? 0
        }
        return status
    }

    /// How many packages of each language are known, the most first: in everything, or in what `query` names.
    package func languages(of query: String? = nil) throws -> [(language: String, count: Int)] {
        let search = try LineageSearch(self)
        var counts: [String: Int] = [:]
        if let query {
            let tree = try search.origin(of: query)
            for item in tree.items.values where item.node.kind == .package {
                counts[item.language, default: 0] += 1
            }
        } else {
            let kind = DatabaseValue.integer(Int64(Node.Kind.package.rawValue))
            try search.database.prepare("SELECT key FROM node WHERE kind = ?").forEachRow([kind]) { row in
                let item = LineageSearch.Item(number: 0, node: Node(.package, row.text(0) ?? ""))
                counts[item.language, default: 0] += 1
            }
        }
        return counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }
}
