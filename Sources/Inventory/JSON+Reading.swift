internal import Bytes

/// Reading members of JSON documents whose shape is known, with the member's name in every error.
extension JSON {
    /// Parses a document of ours to read.
    static func document(_ bytes: [UInt8], limit: Int = LockFile.byteLimit) throws(InventoryError) -> JSON {
        do {
            return try JSON(parsing: bytes, limits: JSONLimits(byteCount: limit, depth: 256))
        } catch {
            throw InventoryError(.malformed, "not valid JSON: \(error)")
        }
    }

    /// The text of a member; `nil` where it is absent or null.
    func text(_ key: String) throws(InventoryError) -> String? {
        guard let value = self[key], !value.isNull else { return nil }
        guard let text = value.stringValue else { throw Self.mismatch(key, value, "a string") }
        return text
    }

    /// The text of a member that has to be there.
    func requiredText(_ key: String) throws(InventoryError) -> String {
        guard let text = try text(key) else { throw InventoryError(.malformed, "\(key) is missing") }
        return text
    }

    /// The elements of a member; none where it is absent or null.
    func list(_ key: String) throws(InventoryError) -> [JSON] {
        guard let value = self[key], !value.isNull else { return [] }
        guard let list = value.arrayValue else { throw Self.mismatch(key, value, "an array") }
        return list
    }

    /// The members of a member; none where it is absent or null. An empty array counts as none, as PHP writes it.
    func members(_ key: String) throws(InventoryError) -> JSONObject {
        guard let value = self[key], !value.isNull else { return [:] }
        if let list = value.arrayValue, list.isEmpty { return [:] }
        guard let members = value.objectValue else { throw Self.mismatch(key, value, "an object") }
        return members
    }

    private static func mismatch(_ key: String, _ value: JSON, _ wanted: String) -> InventoryError {
        InventoryError(.malformed, "\(key) is \(value.kind); it should be \(wanted)")
    }
}

/// Finds the lines of keys in a JSON or YAML document whose parser knows no lines.
struct LineFinder {
    private var lines: [Substring: Int] = [:]

    /// Takes the document; each line that begins with a key counts.
    init(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            var rest = Substring(line).trimmed
            guard let first = rest.utf8.first else { continue }
            if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
                rest = rest.dropFirst()
                guard let end = rest.utf8.firstIndex(of: first) else { continue }
                rest = rest[..<end]
            } else {
                guard let end = rest.utf8.lastIndex(of: UInt8(ascii: ":")) else { continue }
                rest = rest[..<end]
            }
            if lines[rest] == nil { lines[rest] = index + 1 }
        }
    }

    /// The first line, from 1, that begins with the key; 0 where there is none.
    func line(of key: String) -> Int { lines[key[...]] ?? 0 }
}
