package import Bytes

/// Settings in YAML, of things that are no workspace: a tree as JSON has it.
///
/// Plain scalars are what YAML 1.2's core schema says; aliases, merges, tags and keys that are no texts are refused,
/// for settings need none.
package enum SettingsFile {
    /// What is wrong, and in which line.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package var message: String
        /// From 1.
        package var line: Int
        package var description: String { "line \(line): \(message)" }
    }

    /// Reads the one document of `bytes`; `null` where there is none.
    package static func read(_ bytes: [UInt8]) throws(Failure) -> JSON {
        let document: YAMLDocument
        do {
            document = try YAMLParser.parse(bytes, limits: YAMLLimits(bytes: 1 << 20, depth: 32, tokens: 200_000))
        } catch {
            throw Failure(message: error.message, line: error.line)
        }
        guard let root = document.root else { return .null }
        return try value(root)
    }

    private static func value(_ node: YAMLNode) throws(Failure) -> JSON {
        switch node.kind {
        case .alias: throw Failure(message: "settings have no aliases; write the value again", line: node.line)
        case .sequence:
            var items: [JSON] = []
            for item in node.content { items.append(try value(item)) }
            return .array(items)
        case .mapping:
            var object = JSONObject()
            for index in stride(from: 0, to: node.content.count - 1, by: 2) {
                let key = node.content[index]
                guard key.kind == .scalar, key.tag.isEmpty || key.tag == "!!str" else {
                    throw Failure(message: "a key has to be a text", line: key.line)
                }
                guard object.append(key.value, try value(node.content[index + 1])) else {
                    throw Failure(message: "'\(key.value)' appears twice", line: key.line)
                }
            }
            return .object(object)
        case .scalar:
            guard node.tag.isEmpty || node.tag == "!!str" else {
                throw Failure(message: "settings have no tags", line: node.line)
            }
            return node.style == .plain && node.tag.isEmpty ? plain(node.value) : .string(node.value)
        }
    }

    private static func plain(_ text: String) -> JSON {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: return Int(text).map { .integer($0) } ?? .string(text)
        }
    }
}
