internal import Bytes

/// Builds the tree of a template.
struct GoTemplateParser {
    private let pieces: [GoTemplateLexer.Piece]
    private var position = 0
    private var depth = 0

    init(_ text: String) throws { pieces = try GoTemplateLexer.pieces(text) }

    mutating func parse() throws -> [GoTemplate.Node] {
        let (nodes, end) = try parseList()
        guard end.isEmpty else {
            throw WorkspaceError(.template, "the template has {{\(end[0])}} without a beginning")
        }
        return nodes
    }

    /// Nodes up to `end`, `else` or the end of the text; with the words of what ended them.
    private mutating func parseList() throws -> (nodes: [GoTemplate.Node], end: [String]) {
        depth += 1
        defer { depth -= 1 }
        guard depth < 100 else { throw WorkspaceError(.template, "the template is nested deeper than 100 levels") }
        var nodes: [GoTemplate.Node] = []
        while position < pieces.count {
            defer { position += 1 }
            switch pieces[position] {
            case .text(let text): if !text.isEmpty { nodes.append(.text(text)) }
            case .action(let words):
                guard case .name(let keyword) = words.first else {
                    nodes.append(.output(try Self.pipeline(words[...])))
                    continue
                }
                switch keyword {
                case "end", "else":
                    let second: [String] =
                        if words.count > 1, case .name(let next) = words[1] { [next] } else { [] }
                    return (nodes, [keyword] + second)
                case "if", "with", "range": nodes.append(try parseBlock(keyword, words.dropFirst()))
                case "define", "template", "block", "break", "continue":
                    throw WorkspaceError(.template, "{{\(keyword)}} is not supported in templates")
                default: nodes.append(.output(try Self.pipeline(words[...])))
                }
            }
        }
        return (nodes, [])
    }

    private mutating func parseBlock(
        _ keyword: String, _ words: ArraySlice<GoTemplateLexer.Word>
    ) throws -> GoTemplate.Node {
        let pipeline = try Self.pipeline(words)
        position += 1
        var (then, end) = try parseList()
        var otherwise: [GoTemplate.Node] = []
        if end == ["else", "if"] || end == ["else", "with"] {
            guard case .action(let words) = pieces[position - 1] else { throw Self.unfinished(keyword) }
            position -= 1
            otherwise = [try parseBlock(end[1], words.dropFirst(2))]
            end = ["end"]
            position += 1
        } else if end == ["else"] {
            (otherwise, end) = try parseList()
        }
        guard end == ["end"] else { throw Self.unfinished(keyword) }
        // The caller steps over the piece that ended the block.
        position -= 1
        switch keyword {
        case "if": return .branch(pipeline, then: then, otherwise: otherwise)
        case "with": return .with(pipeline, then: then, otherwise: otherwise)
        default: return .range(pipeline, body: then, otherwise: otherwise)
        }
    }

    private static func unfinished(_ keyword: String) -> WorkspaceError {
        WorkspaceError(.template, "{{\(keyword)}} in the template has no {{end}}")
    }

    // MARK: - Pipelines

    private static func pipeline(_ words: ArraySlice<GoTemplateLexer.Word>) throws -> GoTemplate.Pipeline {
        var words = words
        var pipeline = GoTemplate.Pipeline()
        var names: [String] = []
        var look = words
        while case .variable(let name) = look.first {
            names.append(name)
            look = look.dropFirst()
            guard look.first == .sign(",") else { break }
            look = look.dropFirst()
        }
        if !names.isEmpty, look.first == .sign(":=") || look.first == .sign("=") {
            pipeline.variables = names
            pipeline.assigns = look.first == .sign("=")
            words = look.dropFirst()
        }
        pipeline.commands = try commands(&words)
        guard words.isEmpty else { throw WorkspaceError(.template, "a ')' in the template has no '('") }
        return pipeline
    }

    private static func commands(
        _ words: inout ArraySlice<GoTemplateLexer.Word>
    ) throws -> [[GoTemplate.Operand]] {
        var commands: [[GoTemplate.Operand]] = [[]]
        while let word = words.first, word != .sign(")") {
            words = words.dropFirst()
            switch word {
            case .sign("|"): commands.append([])
            case .sign("("):
                let inner = try self.commands(&words)
                guard words.first == .sign(")") else {
                    throw WorkspaceError(.template, "a '(' in the template has no ')'")
                }
                words = words.dropFirst()
                commands[commands.count - 1].append(.group(GoTemplate.Pipeline(commands: inner)))
            case .sign(let sign): throw WorkspaceError(.template, "the template has an unexpected '\(sign)'")
            case .fields(let names):
                commands[commands.count - 1].append(names.isEmpty ? .dot : .fields(.dot, names))
            case .variable(let name):
                if case .fields(let names) = words.first, !names.isEmpty {
                    // `$x .y` are two operands in Go; templates write `$x.y`.
                    words = words.dropFirst()
                    commands[commands.count - 1].append(.fields(.variable(name), names))
                } else {
                    commands[commands.count - 1].append(.variable(name))
                }
            case .literal(let text): commands[commands.count - 1].append(.literal(.string(text)))
            case .number(let text):
                guard let number = try? JSON(parsing: Array(text.utf8)) else {
                    throw WorkspaceError(.template, "'\(text)' in the template is not a number")
                }
                commands[commands.count - 1].append(.literal(number))
            case .name("true"): commands[commands.count - 1].append(.literal(true))
            case .name("false"): commands[commands.count - 1].append(.literal(false))
            case .name("nil"): commands[commands.count - 1].append(.literal(.null))
            case .name(let name): commands[commands.count - 1].append(.function(name))
            }
        }
        guard commands.allSatisfy({ !$0.isEmpty }) else {
            throw WorkspaceError(.template, "the template has an empty command")
        }
        return commands
    }
}
