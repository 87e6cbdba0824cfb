internal import Bytes

/// The functions that templates may call.
enum GoTemplateFunctions {
    static func call(_ name: String, _ arguments: [JSON]) throws -> JSON {
        func needs(_ count: ClosedRange<Int>) throws {
            guard count.contains(arguments.count) else {
                throw WorkspaceError(.template, "'\(name)' in the template has \(arguments.count) arguments")
            }
        }
        switch name {
        case "len":
            try needs(1...1)
            switch arguments[0] {
            case .string(let text): return .integer(text.utf8.count)
            case .array(let items): return .integer(items.count)
            case .object(let members): return .integer(members.count)
            case .null: return 0
            default: throw WorkspaceError(.template, "the template asks \(arguments[0].kind) for its length")
            }
        case "not":
            try needs(1...1)
            return .bool(!GoTemplateEvaluation.isTrue(arguments[0]))
        case "and", "or":
            try needs(1...(.max - 1))
            return arguments[arguments.count - 1]
        case "eq":
            try needs(2...(.max - 1))
            return .bool(arguments.dropFirst().contains { isEqual($0, arguments[0]) })
        case "ne":
            try needs(2...2)
            return .bool(!isEqual(arguments[0], arguments[1]))
        case "lt", "le", "gt", "ge":
            try needs(2...2)
            let order = try compare(arguments[0], arguments[1])
            return .bool(name == "lt" ? order < 0 : name == "le" ? order <= 0 : name == "gt" ? order > 0 : order >= 0)
        case "index":
            try needs(1...(.max - 1))
            return try arguments.dropFirst().reduce(arguments[0], index)
        case "print": return .string(printed(arguments))
        case "println": return .string(arguments.map(GoTemplateEvaluation.text).joined(separator: " ") + "\n")
        case "printf":
            try needs(1...(.max - 1))
            guard let format = arguments[0].stringValue else {
                throw WorkspaceError(.template, "'printf' in the template needs a string first")
            }
            return .string(try printf(format, Array(arguments.dropFirst())))
        default: throw WorkspaceError(.template, "the template calls '\(name)', which is not a function")
        }
    }

    private static func isEqual(_ left: JSON, _ right: JSON) -> Bool {
        if let left = left.doubleValue, let right = right.doubleValue { return left == right }
        return left == right
    }

    private static func compare(_ left: JSON, _ right: JSON) throws -> Int {
        if let left = left.doubleValue, let right = right.doubleValue {
            return left < right ? -1 : left > right ? 1 : 0
        }
        if let left = left.stringValue, let right = right.stringValue {
            if left == right { return 0 }
            return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
        }
        throw WorkspaceError(.template, "the template compares \(left.kind) with \(right.kind)")
    }

    private static func index(_ value: JSON, _ key: JSON) throws -> JSON {
        if let name = key.stringValue, value.objectValue != nil { return value[name] ?? .string("") }
        if let number = key.intValue, let items = value.arrayValue {
            guard items.indices.contains(number) else {
                throw WorkspaceError(.template, "the template asks for item \(number) of \(items.count)")
            }
            return items[number]
        }
        throw WorkspaceError(.template, "the template indexes \(value.kind) with \(key.kind)")
    }

    /// Values side by side, with a space between two that are no strings.
    private static func printed(_ values: [JSON]) -> String {
        var out = ""
        for (index, value) in values.enumerated() {
            if index > 0, value.stringValue == nil, values[index - 1].stringValue == nil { out += " " }
            out += GoTemplateEvaluation.text(value)
        }
        return out
    }

    private static func printf(_ format: String, _ values: [JSON]) throws -> String {
        var out = ""
        var rest = format[...]
        var values = values[...]
        while let next = rest.popFirst() {
            guard next == "%" else {
                out.append(next)
                continue
            }
            let flags = rest.prefix { $0 == "-" || $0 == "0" || $0 == "+" }
            rest = rest.dropFirst(flags.count)
            let digits = rest.prefix { $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard let verb = rest.popFirst() else { throw WorkspaceError(.template, "a format ends in '%'") }
            if verb == "%" {
                out += "%"
                continue
            }
            guard let value = values.popFirst() else {
                out += "%!\(verb)(MISSING)"
                continue
            }
            var text: String
            switch verb {
            case "s", "v", "d", "t": text = GoTemplateEvaluation.text(value)
            case "q": text = JSON.string(GoTemplateEvaluation.text(value)).text(indented: false)
            default: throw WorkspaceError(.template, "the format %\(verb) is not supported")
            }
            let width = Int(digits) ?? 0
            guard width <= 10_000 else { throw WorkspaceError(.template, "a width of \(width) is too much") }
            let padding = String(
                repeating: flags.contains("0") && verb == "d" ? "0" : " ", count: max(0, width - text.count))
            text = flags.contains("-") ? text + padding : padding + text
            out += text
        }
        return out
    }
}
