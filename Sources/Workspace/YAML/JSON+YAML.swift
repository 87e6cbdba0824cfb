package import Bytes

extension JSON {
    /// Reads the first document of a YAML text as the JSON that it stands for: keys become texts, aliases what they
    /// refer to, and plain scalars what YAML's core schema makes of them.
    ///
    /// - Parameters:
    ///   - bytes: the text, in UTF-8.
    ///   - name: what it is called in errors.
    ///   - isText: takes every scalar for text, so that a version `1.10` stays one.
    ///   - byteLimit: the largest text.
    /// - Throws: `WorkspaceError` with the line.
    package static func yaml(
        _ bytes: [UInt8], name: String, isText: Bool = false, byteLimit: Int = 4 << 20
    ) throws -> JSON {
        var limits = YAMLLimits()
        limits.bytes = byteLimit
        limits.tokens = max(limits.tokens, byteLimit / 2)
        do throws(YAMLError) {
            let document = try YAMLParser.parse(bytes, limits: limits)
            guard let root = document.root else { return .null }
            var reader = YAMLValues(document: document, isText: isText)
            return try reader.json(root, depth: 0)
        } catch {
            throw WorkspaceError(.unreadable, "\(name):\(error.line): \(error.message)")
        }
    }
}

/// Turns nodes into values, and counts them: aliases can make a small text describe a huge value.
private struct YAMLValues {
    let document: YAMLDocument
    let isText: Bool
    private var budget = 4_000_000

    init(document: YAMLDocument, isText: Bool) {
        self.document = document
        self.isText = isText
    }

    mutating func json(_ node: YAMLNode, depth: Int) throws(YAMLError) -> JSON {
        budget -= 1
        guard budget > 0 else { throw YAMLError(message: "aliases expand to too many values", line: node.line) }
        guard depth < 256 else { throw YAMLError(message: "the values nest too deep", line: node.line) }
        switch node.kind {
        case .alias:
            guard document.anchored.indices.contains(node.target) else {
                throw YAMLError(message: "the alias \(node.value) refers to nothing", line: node.line)
            }
            return try json(document.anchored[node.target], depth: depth + 1)
        case .sequence:
            var items: [JSON] = []
            for item in node.content { items.append(try json(item, depth: depth + 1)) }
            return .array(items)
        case .mapping:
            var object = JSONObject()
            for index in stride(from: 0, to: node.content.count - 1, by: 2) {
                let key = node.content[index]
                guard key.kind == .scalar else {
                    throw YAMLError(message: "a key has to be a scalar", line: key.line)
                }
                guard object.append(key.value, try json(node.content[index + 1], depth: depth + 1)) else {
                    throw YAMLError(message: "'\(key.value)' appears twice", line: key.line)
                }
            }
            return .object(object)
        case .scalar: return scalar(node)
        }
    }

    private func scalar(_ node: YAMLNode) -> JSON {
        if isText { return .string(node.value) }
        let tag = node.tag.isEmpty ? (node.style == .plain ? YAMLTag.resolve(node.value) : "!!str") : node.tag
        switch tag {
        case "!!null": return .null
        case "!!bool": return .bool(["true", "True", "TRUE"].contains(node.value))
        case "!!int":
            if let value = Int(node.value) { return .integer(value) }
        case "!!float":
            if let value = Double(node.value), let number = JSONNumber(value) { return .number(number) }
        default: break
        }
        return .string(node.value)
    }
}
