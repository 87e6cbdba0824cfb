package import Bytes

/// What an action made: its output tree and what is worth knowing about how it was made.
package struct ActionResult: Hashable, Sendable {
    /// The digest of everything that may change the result.
    package var key: Digest
    /// The output.
    package var tree: Digest
    /// What the steps wrote to their standard output and error.
    package var log: Digest?
    /// Further trees that belong to the result, by a name for each.
    package var trees: [String: Digest]
    /// Further blobs that belong to the result, by a name for each, such as its provenance.
    package var blobs: [String: Digest]
    /// Short facts about the run, such as the sandbox level.
    package var facts: [String: String]

    package init(
        key: Digest, tree: Digest, log: Digest? = nil, trees: [String: Digest] = [:], blobs: [String: Digest] = [:],
        facts: [String: String] = [:]
    ) {
        self.key = key
        self.tree = tree
        self.log = log
        self.trees = trees
        self.blobs = blobs
        self.facts = facts
    }
}

/// A record: the line `martlet-action 1 <SHA-256 of the rest>`, then one line of canonical JSON (RFC 8785).
extension ActionResult {
    /// The most bytes that a record may have.
    package static let byteLimit = 1 << 22

    private static let header = "martlet-action 1 "

    /// The record's bytes.
    package var encoded: [UInt8] {
        var members: [(String, JSON)] = [
            ("key", .string(key.hex)),
            ("tree", .string(tree.hex)),
            ("trees", Self.object(trees.mapValues { .string($0.hex) })),
            ("blobs", Self.object(blobs.mapValues { .string($0.hex) })),
            ("facts", Self.object(facts.mapValues { .string($0) })),
        ]
        if let log { members.append(("log", .string(log.hex))) }
        let body = Self.object(Dictionary(uniqueKeysWithValues: members)).canonical() + [UInt8(ascii: "\n")]
        return Array("\(Self.header)\(Digest.of(body).hex)\n".utf8) + body
    }

    private static func object(_ members: [String: JSON]) -> JSON {
        var object = JSONObject()
        for (key, value) in members.sorted(by: { $0.key < $1.key }) { object[key] = value }
        return .object(object)
    }

    /// Reads a record; its checksum must be right.
    package init(decoding bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.byteLimit else { throw ParseError("a record of too many bytes", at: 0) }
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { throw ParseError("no header line", at: 0) }
        let line = String(decoding: bytes[..<end], as: UTF8.self)
        guard line.hasPrefix(Self.header), let sum = Digest(hex: line.dropFirst(Self.header.count)) else {
            throw ParseError("the header is not '\(Self.header)' and a digest", at: 0)
        }
        let body = Array(bytes[(end + 1)...])
        guard Digest.of(body) == sum else { throw ParseError("the checksum does not match", at: end + 1) }
        let json = try JSON(parsing: body)
        func digest(_ value: JSON?) throws(ParseError) -> Digest {
            guard let text = value?.stringValue, let digest = Digest(hex: text) else {
                throw ParseError("a digest is missing", at: end + 1)
            }
            return digest
        }
        key = try digest(json["key"])
        tree = try digest(json["tree"])
        log = json["log"] == nil ? nil : try digest(json["log"])
        trees = [:]
        blobs = [:]
        facts = [:]
        if let members = json["trees"]?.objectValue {
            for member in members { trees[member.key] = try digest(member.value) }
        }
        if let members = json["blobs"]?.objectValue {
            for member in members { blobs[member.key] = try digest(member.value) }
        }
        if let members = json["facts"]?.objectValue {
            for member in members { facts[member.key] = member.value.stringValue }
        }
    }
}
