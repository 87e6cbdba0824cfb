internal import Bytes

/// An expression of the Common Expression Language that was read, and may be evaluated many times.
///
/// It is a subset: no messages, no named time zones. Evaluation is bounded by cost, not by time, so that it ends the
/// same way everywhere.
package struct Expression: Sendable {
    /// The text as it was written.
    package let source: String
    let root: ExpressionNode

    /// The longest text that is read.
    package static let greatestLength = 32 << 10
    /// The work that one evaluation may do: a part, an element of a list or 16 bytes of a text is 1.
    package static let costLimit = 1_000_000

    package init(_ source: String) throws(ExpressionError) {
        guard source.utf8.count <= Self.greatestLength else {
            throw ExpressionError(.limit, "the expression is longer than \(Self.greatestLength) bytes", at: 0)
        }
        self.source = source
        root = try ExpressionParser.parse(source)
    }

    /// The value with these variables.
    package func evaluate(
        _ variables: [String: ExpressionValue] = [:], costLimit: Int = Self.costLimit
    ) throws(ExpressionError) -> ExpressionValue {
        var run = ExpressionRun(variables: variables, budget: costLimit)
        return try run.value(root)
    }

    /// Whether the expression holds; one whose value is no truth value is an error.
    package func holds(_ variables: [String: ExpressionValue]) throws(ExpressionError) -> Bool {
        let value = try evaluate(variables)
        guard case .bool(let holds) = value else {
            throw ExpressionError(.noValue, "the expression gives \(value.typeName), not a truth value", at: 0)
        }
        return holds
    }
}

/// One evaluation: the variables in sight, and the work that is left.
struct ExpressionRun {
    var variables: [String: ExpressionValue]
    var budget: Int
    var patterns: [String: RegularExpression] = [:]

    mutating func spend(_ cost: Int, _ offset: Int) throws(ExpressionError) {
        budget -= cost
        guard budget >= 0 else {
            throw ExpressionError(.limit, "the evaluation takes more work than is allowed", at: offset)
        }
    }

    mutating func value(_ node: ExpressionNode) throws(ExpressionError) -> ExpressionValue {
        try spend(1, node.offset)
        switch node.kind {
        case .literal(let value): return value
        case .identifier(let name): return try identifier(name, node.offset)
        case .select(let operand, let field, let isOptional):
            return try select(try value(operand), .string(field), isOptional: isOptional, node.offset)
        case .presence(let operand, let field): return try presence(try value(operand), field, node.offset)
        case .index(let operand, let index, let isOptional):
            return try select(try value(operand), try value(index), isOptional: isOptional, node.offset)
        case .call(let name, let target, let arguments): return try call(name, target, arguments, node.offset)
        case .list(let items):
            var out: [ExpressionValue] = []
            for item in items { out.append(try value(item)) }
            return .list(.values(out))
        case .map(let entries): return try map(entries)
        case .negate(let operand): return try negate(try value(operand), node.offset)
        case .not(let operand): return .bool(!(try truth(try value(operand), node.offset)))
        case .binary(.or, let left, let right): return try logical(left, right, decides: true)
        case .binary(.and, let left, let right): return try logical(left, right, decides: false)
        case .binary(let operation, let left, let right):
            return try binary(operation, try value(left), try value(right), node.offset)
        case .conditional(let condition, let yes, let no):
            return try truth(try value(condition), condition.offset) ? try value(yes) : try value(no)
        case .comprehension(let macro, let range, let variable, let parts):
            return try comprehension(macro, try value(range), variable, parts, node.offset)
        }
    }

    private static let types: Set<String> = [
        "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type",
    ]

    private func identifier(_ name: String, _ offset: Int) throws(ExpressionError) -> ExpressionValue {
        if let value = variables[name] { return value }
        if Self.types.contains(name) { return .type(name) }
        let known = variables.keys.filter { !$0.hasPrefix("@") }.sorted().joined(separator: ", ")
        throw ExpressionError(.noValue, "nothing is called \(name); there are \(known)", at: offset)
    }

    func truth(_ value: ExpressionValue, _ offset: Int) throws(ExpressionError) -> Bool {
        guard case .bool(let truth) = value else {
            throw ExpressionError(.noValue, "\(value.typeName) stands where a truth value is needed", at: offset)
        }
        return truth
    }

    /// `&&` and `||`: one side may have no value where the other decides.
    private mutating func logical(
        _ left: ExpressionNode, _ right: ExpressionNode, decides: Bool
    ) throws(ExpressionError) -> ExpressionValue {
        var failure: ExpressionError?
        do {
            if try truth(try value(left), left.offset) == decides { return .bool(decides) }
        } catch {
            guard error.code == .noValue else { throw error }
            failure = error
        }
        if try truth(try value(right), right.offset) == decides { return .bool(decides) }
        if let failure { throw failure }
        return .bool(!decides)
    }

    // MARK: - Fields and elements

    private func select(
        _ operand: ExpressionValue, _ key: ExpressionValue, isOptional: Bool, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        if case .optional(let inner) = operand {
            guard let inner else { return .optional(nil) }
            return .optional(try element(inner, key, offset))
        }
        let found = try element(operand, key, offset)
        if isOptional { return .optional(found) }
        if let found { return found }
        throw ExpressionError(.noValue, "there is no \(Self.shown(key))", at: offset)
    }

    private static func shown(_ key: ExpressionValue) -> String {
        if case .string(let text) = key { return "'\(text.safeForTerminal)'" }
        return key.json.text()
    }

    private func element(
        _ operand: ExpressionValue, _ key: ExpressionValue, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        switch operand {
        case .map(let map):
            guard let name = ExpressionKey(key) else {
                if case .double = key { return nil }
                throw ExpressionError(.noValue, "\(key.typeName) is no key of a map", at: offset)
            }
            return map[name]
        case .list(let list):
            guard case .int(let index) = ExpressionKey(key)?.value else {
                throw ExpressionError(.noValue, "a list has no element \(Self.shown(key))", at: offset)
            }
            return index >= 0 && index < list.count ? list[Int(index)] : nil
        default:
            throw ExpressionError(.noValue, "\(operand.typeName) has no \(Self.shown(key))", at: offset)
        }
    }

    private func presence(
        _ operand: ExpressionValue, _ field: String, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        switch operand {
        case .map(let map): return .bool(map[.string(ExpressionText(field))] != nil)
        case .optional(nil): return .bool(false)
        case .optional(let inner?): return try presence(inner, field, offset)
        default: throw ExpressionError(.noValue, "\(operand.typeName) has no fields", at: offset)
        }
    }

    private mutating func map(
        _ entries: [(key: ExpressionNode, value: ExpressionNode)]
    ) throws(ExpressionError) -> ExpressionValue {
        var out: [ExpressionKey: ExpressionValue] = [:]
        for entry in entries {
            let key = try value(entry.key)
            if case .double = key {
                throw ExpressionError(.noValue, "double is no key of a map", at: entry.key.offset)
            }
            guard let name = ExpressionKey(key) else {
                throw ExpressionError(.noValue, "\(key.typeName) is no key of a map", at: entry.key.offset)
            }
            guard out.updateValue(try value(entry.value), forKey: name) == nil else {
                throw ExpressionError(.noValue, "the map has a key twice", at: entry.key.offset)
            }
        }
        return .map(.entries(out))
    }

    // MARK: - Comprehensions

    private mutating func comprehension(
        _ macro: ExpressionMacro, _ range: ExpressionValue, _ variable: String, _ parts: [ExpressionNode],
        _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        let elements: [ExpressionValue]
        switch range {
        case .list(let list): elements = list.values
        case .map(let map): elements = map.keys.map(\.value)
        default: throw ExpressionError(.noValue, "\(range.typeName) can't be gone through", at: offset)
        }
        let shadowed = variables[variable]
        defer { variables[variable] = shadowed }
        var out: [ExpressionValue] = []
        var count = 0
        var failure: ExpressionError?
        for element in elements {
            try spend(1, offset)
            variables[variable] = element
            switch macro {
            case .all, .exists:
                do {
                    if try truth(try value(parts[0]), parts[0].offset) == (macro == .exists) {
                        return .bool(macro == .exists)
                    }
                } catch {
                    guard error.code == .noValue else { throw error }
                    // Another element may decide.
                    failure = failure ?? error
                }
            case .existsOne: if try truth(try value(parts[0]), parts[0].offset) { count += 1 }
            case .filter: if try truth(try value(parts[0]), parts[0].offset) { out.append(element) }
            case .map:
                if parts.count == 2 {
                    guard try truth(try value(parts[0]), parts[0].offset) else { continue }
                }
                out.append(try value(parts[parts.count - 1]))
            }
        }
        if let failure { throw failure }
        switch macro {
        case .all: return .bool(true)
        case .exists: return .bool(false)
        case .existsOne: return .bool(count == 1)
        case .filter, .map: return .list(.values(out))
        }
    }
}
