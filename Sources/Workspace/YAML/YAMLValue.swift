package import Bytes

/// A value of a YAML document with its place, for modules that read files of their own.
///
/// Strict: a mapping has each key once, keys are strings, `<<` and tags other than YAML's own are refused. Plain
/// scalars are what the core schema of YAML 1.2 takes them for, so `no` is a text.
package struct YAMLValue: Sendable {
    package enum Content: Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        case float(Double)
        case text(String)
        case list([YAMLValue])
        case mapping([Member])
    }

    package struct Member: Sendable {
        package let key: String
        /// The line of the key, from 1.
        package let line: Int
        package let value: YAMLValue
    }

    package let content: Content
    /// From 1.
    package let line: Int
    /// The text of a scalar as it was written, without quotes; empty for lists and mappings.
    package let text: String

    /// The documents of a YAML text in order, without those that hold nothing.
    ///
    /// - Parameter valueLimit: how many values all documents may have, after aliases are followed.
    package static func documents(
        parsing bytes: [UInt8], valueLimit: Int = 200_000
    ) throws(YAMLError) -> [YAMLValue] {
        var out: [YAMLValue] = []
        var budget = valueLimit
        for part in split(bytes) {
            do {
                let document = try YAMLParser.parse(part.bytes)
                guard let root = document.root else { continue }
                var reading = YAMLValueReading(document: document, firstLine: part.line, budget: budget)
                let value = try reading.value(root, depth: 0)
                budget = reading.budget
                if case .null = value.content { continue }
                out.append(value)
            } catch {
                throw YAMLError(message: error.message, line: error.line + part.line)
            }
        }
        return out
    }

    /// The parts between `---` at the beginning of a line, where nothing but a document can begin (YAML 1.2.2, 9.1).
    private static func split(_ bytes: [UInt8]) -> [(bytes: [UInt8], line: Int)] {
        var out: [(bytes: [UInt8], line: Int)] = []
        var part: [UInt8] = []
        var firstLine = 0
        var line = 0
        for text in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let isMark =
                text.starts(with: [0x2D, 0x2D, 0x2D]) && (text.count == 3 || text[text.startIndex + 3] <= 0x20)
            if isMark, !part.isEmpty {
                out.append((part, firstLine))
                part = []
                firstLine = line
            }
            part += text
            part.append(0x0A)
            line += 1
        }
        out.append((part, firstLine))
        return out
    }
}

extension YAMLValue {
    /// The value of the member called `key`; `nil` where this is no mapping or has none.
    package subscript(key: String) -> YAMLValue? {
        guard case .mapping(let members) = content else { return nil }
        return members.first { $0.key.hasSameBytes(as: key) }?.value
    }

    /// Whether this is `null` or nothing.
    package var isNull: Bool { if case .null = content { true } else { false } }

    /// What kind of value this is, for messages.
    package var kind: String {
        switch content {
        case .null: "nothing"
        case .bool: "a truth value"
        case .integer, .float: "a number"
        case .text: "a text"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The value without places; infinities and NaN become `null`.
    package var json: JSON {
        switch content {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .float(let value): return JSONNumber(value).map(JSON.number) ?? .null
        case .text(let text): return .string(text)
        case .list(let items): return .array(items.map(\.json))
        case .mapping(let members):
            var object = JSONObject()
            for member in members { object[member.key] = member.value.json }
            return .object(object)
        }
    }
}

/// One document on its way from nodes to values.
private struct YAMLValueReading {
    let document: YAMLDocument
    let firstLine: Int
    var budget: Int

    mutating func value(_ node: YAMLNode, depth: Int) throws(YAMLError) -> YAMLValue {
        var node = node
        if node.kind == .alias {
            guard document.anchored.indices.contains(node.target) else {
                throw YAMLError(message: "the alias *\(node.value) refers to nothing", line: node.line)
            }
            node = document.anchored[node.target]
        }
        budget -= 1
        guard budget > 0 else { throw YAMLError(message: "aliases expand to too many values", line: node.line) }
        guard depth < 64 else { throw YAMLError(message: "values nest deeper than 64 levels", line: node.line) }
        let line = node.line + firstLine
        switch node.kind {
        case .sequence:
            try checkTag(node, "!!seq")
            var items: [YAMLValue] = []
            for item in node.content { items.append(try value(item, depth: depth + 1)) }
            return YAMLValue(content: .list(items), line: line, text: "")
        case .mapping:
            try checkTag(node, "!!map")
            return YAMLValue(content: .mapping(try members(node, depth)), line: line, text: "")
        case .scalar, .alias:
            return YAMLValue(content: try scalar(node), line: line, text: node.value)
        }
    }

    private func checkTag(_ node: YAMLNode, _ expected: String) throws(YAMLError) {
        guard node.tag.isEmpty || node.tag == expected else {
            throw YAMLError(message: "the tag \(node.tag) has no meaning here; remove it", line: node.line)
        }
    }

    private mutating func members(_ node: YAMLNode, _ depth: Int) throws(YAMLError) -> [YAMLValue.Member] {
        var out: [YAMLValue.Member] = []
        var seen: Set<[UInt8]> = []
        for index in stride(from: 0, to: node.content.count - 1, by: 2) {
            let key = node.content[index]
            guard key.kind == .scalar, key.tag != "!!merge" else {
                throw YAMLError(message: "a key has to be a text; merge keys are not taken", line: key.line)
            }
            guard seen.insert(Array(key.value.utf8)).inserted else {
                throw YAMLError(message: "'\(key.value)' appears twice", line: key.line)
            }
            let value = try value(node.content[index + 1], depth: depth + 1)
            out.append(YAMLValue.Member(key: key.value, line: key.line + firstLine, value: value))
        }
        return out
    }

    private func scalar(_ node: YAMLNode) throws(YAMLError) -> YAMLValue.Content {
        let tag = node.tag.isEmpty ? (node.style == .plain ? YAMLTag.resolve(node.value) : "!!str") : node.tag
        switch tag {
        case "!!str", "!!timestamp": return .text(node.value)
        case "!!null": return .null
        case "!!bool": return .bool(node.value.lowercased() == "true")
        case "!!int": return Self.integer(node.value).map(YAMLValue.Content.integer) ?? .text(node.value)
        case "!!float": return Self.float(node.value).map(YAMLValue.Content.float) ?? .text(node.value)
        default: throw YAMLError(message: "the tag \(tag) has no meaning here; remove it", line: node.line)
        }
    }

    private static func integer(_ text: String) -> Int64? {
        var digits = Substring(text.replacing("_", with: ""))
        let sign = digits.first
        if sign == "-" || sign == "+" { digits = digits.dropFirst() }
        var radix = 10
        switch digits.prefix(2) {
        case "0x": radix = 16
        case "0o": radix = 8
        case "0b": radix = 2
        default: break
        }
        if radix != 10 { digits = digits.dropFirst(2) }
        return Int64((sign == "-" ? "-" : "") + digits, radix: radix)
    }

    private static func float(_ text: String) -> Double? {
        switch text.lowercased() {
        case ".inf", "+.inf": .infinity
        case "-.inf": -.infinity
        case ".nan": .nan
        default: Double(text.replacing("_", with: ""))
        }
    }
}
