internal import Bytes

/// Reads an expression by precedence, and expands its macros.
struct ExpressionParser {
    private let tokens: [ExpressionToken]
    private var at = 0
    private var nesting = 0

    /// How deep parts may lie inside each other.
    static let depthLimit = 200
    /// How deep brackets may nest.
    static let nestingLimit = 50

    init(_ text: String) throws(ExpressionError) { tokens = try ExpressionLexer.tokens(of: text) }

    static func parse(_ text: String) throws(ExpressionError) -> ExpressionNode {
        var parser = try ExpressionParser(text)
        let node = try parser.expression()
        guard case .end = parser.token.kind else { throw parser.failure("unexpected text behind the expression") }
        return node
    }

    private var token: ExpressionToken { tokens[min(at, tokens.count - 1)] }

    private func failure(_ message: String, at offset: Int? = nil) -> ExpressionError {
        ExpressionError(.syntax, message, at: offset ?? token.offset)
    }

    private mutating func take(_ symbol: String) -> Bool {
        guard token.isSymbol(symbol) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(ExpressionError) {
        guard take(symbol) else { throw failure("expected \(symbol)") }
    }

    private func node(_ kind: ExpressionNode.Kind, _ offset: Int, _ parts: [ExpressionNode]) throws(ExpressionError)
        -> ExpressionNode
    {
        let depth = 1 + (parts.map(\.depth).max() ?? 0)
        guard depth <= Self.depthLimit else {
            throw ExpressionError(.limit, "parts lie deeper inside each other than \(Self.depthLimit)", at: offset)
        }
        return ExpressionNode(kind: kind, offset: offset, depth: depth)
    }

    private mutating func expression() throws(ExpressionError) -> ExpressionNode {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.nestingLimit else {
            throw ExpressionError(.limit, "brackets nest deeper than \(Self.nestingLimit)", at: token.offset)
        }
        let condition = try binary(rank: 1)
        guard take("?") else { return condition }
        let yes = try binary(rank: 1)
        try expect(":")
        let no = try expression()
        return try node(.conditional(condition, yes, no), condition.offset, [condition, yes, no])
    }

    private mutating func binary(rank: Int) throws(ExpressionError) -> ExpressionNode {
        var left = try unary()
        while case .symbol(let symbol) = token.kind, let operation = ExpressionOperator(rawValue: symbol),
            operation.rank >= rank
        {
            let offset = token.offset
            at += 1
            let right = try binary(rank: operation.rank + 1)
            left = try node(.binary(operation, left, right), offset, [left, right])
        }
        return left
    }

    private mutating func unary() throws(ExpressionError) -> ExpressionNode {
        var signs: [(isNot: Bool, offset: Int)] = []
        while token.isSymbol("!") || token.isSymbol("-") {
            signs.append((token.isSymbol("!"), token.offset))
            at += 1
            guard signs.count <= Self.depthLimit else { throw failure("too many signs") }
        }
        if let last = signs.last, !last.isNot, let literal = try negativeLiteral(last.offset) {
            signs.removeLast()
            return try apply(signs, to: try postfix(literal))
        }
        return try apply(signs, to: try postfix(try primary()))
    }

    /// A number behind a minus; alone in that place is the least `int` written.
    private mutating func negativeLiteral(_ offset: Int) throws(ExpressionError) -> ExpressionNode? {
        let value: ExpressionValue
        switch token.kind {
        case .int(let magnitude):
            guard magnitude <= UInt64(Int64.max) + 1 else { throw failure("the number is beyond what an int holds") }
            value = .int(magnitude > UInt64(Int64.max) ? Int64.min : -Int64(magnitude))
        case .double(let magnitude): value = .double(-magnitude)
        default: return nil
        }
        at += 1
        return try node(.literal(value), offset, [])
    }

    private func apply(
        _ signs: [(isNot: Bool, offset: Int)], to operand: ExpressionNode
    ) throws(ExpressionError) -> ExpressionNode {
        var out = operand
        for sign in signs.reversed() { out = try node(sign.isNot ? .not(out) : .negate(out), sign.offset, [out]) }
        return out
    }

    private mutating func postfix(_ operand: ExpressionNode) throws(ExpressionError) -> ExpressionNode {
        var out = operand
        while true {
            let offset = token.offset
            if take(".") {
                let name = try name()
                if take("(") {
                    out = try memberCall(name, on: out, offset)
                } else {
                    out = try node(.select(out, field: name, isOptional: false), offset, [out])
                }
            } else if take(".?") {
                out = try node(.select(out, field: try name(), isOptional: true), offset, [out])
            } else if token.isSymbol("[") || token.isSymbol("[?") {
                let isOptional = token.isSymbol("[?")
                at += 1
                let index = try expression()
                try expect("]")
                out = try node(.index(out, index, isOptional: isOptional), offset, [out, index])
            } else {
                return out
            }
        }
    }

    private mutating func name() throws(ExpressionError) -> String {
        guard case .identifier(let name) = token.kind else { throw failure("expected a name") }
        at += 1
        return name
    }

    private mutating func arguments(until end: String) throws(ExpressionError) -> [ExpressionNode] {
        var out: [ExpressionNode] = []
        while !take(end) {
            if !out.isEmpty {
                try expect(",")
                if take(end) { return out }
            }
            out.append(try expression())
        }
        return out
    }

    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    private mutating func primary() throws(ExpressionError) -> ExpressionNode {
        let offset = token.offset
        let kind = token.kind
        at += 1
        switch kind {
        case .int(let value):
            guard let value = Int64(exactly: value) else {
                throw failure("the number is beyond what an int holds", at: offset)
            }
            return try node(.literal(.int(value)), offset, [])
        case .uint(let value): return try node(.literal(.uint(value)), offset, [])
        case .double(let value): return try node(.literal(.double(value)), offset, [])
        case .string(let text): return try node(.literal(.string(text)), offset, [])
        case .bytes(let bytes): return try node(.literal(.bytes(bytes)), offset, [])
        case .identifier(let name): return try named(name, offset)
        case .symbol("."): return try named(try name(), offset)
        case .symbol("("):
            let inner = try expression()
            try expect(")")
            return inner
        case .symbol("["):
            let items = try arguments(until: "]")
            return try node(.list(items), offset, items)
        case .symbol("{"): return try mapLiteral(offset)
        case .end: throw failure("the expression ends too early", at: offset)
        case .symbol(let symbol): throw failure("\(symbol) can't stand here", at: offset)
        }
    }

    private mutating func named(_ name: String, _ offset: Int) throws(ExpressionError) -> ExpressionNode {
        switch name {
        case "true", "false": return try node(.literal(.bool(name == "true")), offset, [])
        case "null": return try node(.literal(.null), offset, [])
        case _ where Self.reserved.contains(name): throw failure("\(name) is a reserved word", at: offset)
        default: break
        }
        guard take("(") else {
            if token.isSymbol("{") { throw failure("messages can't be made here; use a map") }
            return try node(.identifier(name), offset, [])
        }
        let arguments = try arguments(until: ")")
        guard name == "has" else {
            try checkFunction(name, offset)
            return try node(.call(name, target: nil, arguments), offset, arguments)
        }
        guard arguments.count == 1, case .select(let operand, let field, false) = arguments[0].kind else {
            throw failure("has() takes one field, such as has(a.b)", at: offset)
        }
        return try node(.presence(operand, field: field), offset, [operand])
    }

    private mutating func mapLiteral(_ offset: Int) throws(ExpressionError) -> ExpressionNode {
        var entries: [(key: ExpressionNode, value: ExpressionNode)] = []
        while !take("}") {
            if !entries.isEmpty {
                try expect(",")
                if take("}") { break }
            }
            let key = try expression()
            try expect(":")
            entries.append((key, try expression()))
        }
        return try node(.map(entries), offset, entries.flatMap { [$0.key, $0.value] })
    }

    private mutating func memberCall(
        _ name: String, on target: ExpressionNode, _ offset: Int
    ) throws(ExpressionError) -> ExpressionNode {
        let arguments = try arguments(until: ")")
        guard let macro = ExpressionMacro(rawValue: name),
            arguments.count == 2 || (macro == .map && arguments.count == 3)
        else {
            try checkFunction(name, offset)
            return try node(.call(name, target: target, arguments), offset, [target] + arguments)
        }
        guard case .identifier(let variable) = arguments[0].kind else {
            throw failure("\(name)() takes a name first", at: arguments[0].offset)
        }
        let parts = Array(arguments.dropFirst())
        return try node(.comprehension(macro, over: target, variable: variable, parts), offset, [target] + parts)
    }

    /// A policy with a wrong name in it is found when it is read, not when it is needed.
    private func checkFunction(_ name: String, _ offset: Int) throws(ExpressionError) {
        if ExpressionFunction(rawValue: name) == nil { throw failure("there is no function \(name)()", at: offset) }
    }
}
