internal import Bytes

/// Runs a parsed template.
struct GoTemplateEvaluation {
    private(set) var output = ""
    private var variables: [(name: String, value: JSON)]

    init(root: JSON) { variables = [("$", root)] }

    mutating func run(_ nodes: [GoTemplate.Node], dot: JSON) throws {
        let mark = variables.count
        defer { variables.removeLast(variables.count - mark) }
        for node in nodes { try run(node, dot: dot) }
    }

    private mutating func run(_ node: GoTemplate.Node, dot: JSON) throws {
        switch node {
        case .text(let text): output += text
        case .output(let pipeline):
            let value = try evaluate(pipeline, dot)
            if pipeline.variables.isEmpty { output += Self.text(value) }
        case .branch(let pipeline, let then, let otherwise):
            let mark = variables.count
            defer { variables.removeLast(variables.count - mark) }
            try run(Self.isTrue(evaluate(pipeline, dot)) ? then : otherwise, dot: dot)
        case .with(let pipeline, let then, let otherwise):
            let mark = variables.count
            defer { variables.removeLast(variables.count - mark) }
            let value = try evaluate(pipeline, dot)
            if Self.isTrue(value) { try run(then, dot: value) } else { try run(otherwise, dot: dot) }
        case .range(let pipeline, let body, let otherwise):
            try range(pipeline, body, otherwise, dot)
        }
        guard output.utf8.count <= GoTemplate.limit else {
            throw WorkspaceError(.template, "the template makes more than \(GoTemplate.limit >> 20) MiB")
        }
    }

    private mutating func range(
        _ pipeline: GoTemplate.Pipeline, _ body: [GoTemplate.Node], _ otherwise: [GoTemplate.Node], _ dot: JSON
    ) throws {
        var plain = pipeline
        plain.variables = []
        let items: [(key: JSON, value: JSON)]
        switch try evaluate(plain, dot) {
        case .array(let values): items = values.enumerated().map { (JSON.integer($0.offset), $0.element) }
        case .object(let members):
            // Go ranges over a map in the order of its keys.
            items = members.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { (JSON.string($0.key), $0.value) }
        case .null: items = []
        case let other: throw WorkspaceError(.template, "the template can't range over \(other.kind)")
        }
        if items.isEmpty { return try run(otherwise, dot: dot) }
        for (key, value) in items {
            let mark = variables.count
            if pipeline.variables.count > 1 { variables.append((pipeline.variables[0], key)) }
            if let name = pipeline.variables.last { variables.append((name, value)) }
            try run(body, dot: value)
            variables.removeLast(variables.count - mark)
        }
    }

    // MARK: - Values

    private mutating func evaluate(_ pipeline: GoTemplate.Pipeline, _ dot: JSON) throws -> JSON {
        var piped: JSON?
        for command in pipeline.commands { piped = try evaluate(command, piped, dot) }
        let value = piped ?? .null
        for name in pipeline.variables {
            if pipeline.assigns {
                guard let index = variables.lastIndex(where: { $0.name == name }) else {
                    throw WorkspaceError(.template, "the template has no variable \(name)")
                }
                variables[index].value = value
            } else {
                variables.append((name, value))
            }
        }
        return value
    }

    private mutating func evaluate(_ command: [GoTemplate.Operand], _ piped: JSON?, _ dot: JSON) throws -> JSON {
        if case .function(let name) = command[0] {
            var arguments: [JSON] = []
            for operand in command.dropFirst() {
                arguments.append(try value(of: operand, dot))
                // `and` and `or` stop at the argument that decides.
                if let last = arguments.last, name == "and" && !Self.isTrue(last) || name == "or" && Self.isTrue(last) {
                    return last
                }
            }
            if let piped { arguments.append(piped) }
            return try GoTemplateFunctions.call(name, arguments)
        }
        guard command.count == 1, piped == nil else {
            throw WorkspaceError(.template, "the template gives arguments to something that is no function")
        }
        return try value(of: command[0], dot)
    }

    private mutating func value(of operand: GoTemplate.Operand, _ dot: JSON) throws -> JSON {
        switch operand {
        case .dot: return dot
        case .literal(let value): return value
        case .variable(let name):
            guard let value = variables.last(where: { $0.name == name })?.value else {
                throw WorkspaceError(.template, "the template has no variable \(name)")
            }
            return value
        case .function(let name): return try GoTemplateFunctions.call(name, [])
        case .group(let pipeline): return try evaluate(pipeline, dot)
        case .fields(let base, let names):
            var value = try self.value(of: base, dot)
            for name in names { value = try Self.field(name, of: value) }
            return value
        }
    }

    /// Go names whose JSON member is called something else.
    private static let aliases = [
        "FilesystemSafeName": "fsSafeName", "ArgDeps": "argdeps", "Sources": "sources", "Emphemral": "ephemeral",
        "Environment": "env",
    ]

    /// A member by its JSON name or by the name of Go's field.
    private static func field(_ name: String, of value: JSON) throws -> JSON {
        if value.isNull { return .null }
        guard let members = value.objectValue else {
            throw WorkspaceError(.template, "the template asks \(value.kind) for its field \(name)")
        }
        if let exact = members[name] { return exact }
        if let alias = aliases[name], let found = members[alias] { return found }
        let lower = name.lowercased()
        return members.members.first { $0.key.lowercased() == lower }?.value ?? .null
    }

    /// What Go takes for true: anything but false, zero and empty.
    static func isTrue(_ value: JSON) -> Bool {
        switch value {
        case .null: false
        case .bool(let value): value
        case .number(let number): number.doubleValue != 0
        case .string(let text): !text.isEmpty
        case .array(let items): !items.isEmpty
        case .object(let members): !members.isEmpty
        }
    }

    /// A value as Go prints it: `[a b]` for lists, `map[a:1]` for maps.
    static func text(_ value: JSON) -> String {
        switch value {
        case .null: return "<no value>"
        case .string(let text): return text
        case .array(let items): return "[" + items.map(text).joined(separator: " ") + "]"
        case .object(let members):
            let sorted = members.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return "map[" + sorted.map { $0.key + ":" + text($0.value) }.joined(separator: " ") + "]"
        case .bool, .number: return value.text(indented: false)
        }
    }
}
