internal import Bytes

/// Cuts a template into text and actions, and actions into words.
struct GoTemplateLexer {
    enum Piece {
        case text(String)
        case action([Word])
    }

    enum Word: Equatable {
        case name(String)
        /// `.a.b`, or `.` alone.
        case fields([String])
        case variable(String)
        case literal(String)
        case number(String)
        /// `(`, `)`, `|`, `,`, `:=` or `=`. A field after `)` is attached to the group.
        case sign(String)
    }

    static func pieces(_ text: String) throws -> [Piece] {
        var out: [Piece] = []
        var rest = text[...]
        var trimsNext = false
        while let open = rest.firstRange(of: "{{") {
            var before = String(rest[..<open.lowerBound])
            var inside = rest[open.upperBound...]
            if trimsNext { before = String(before.drop { $0.isWhitespace }) }
            if inside.hasPrefix("-"), inside.dropFirst().first?.isWhitespace == true {
                while before.last?.isWhitespace == true { before.removeLast() }
                inside = inside.dropFirst()
            }
            out.append(.text(before))
            let (words, after, trims) = try action(inside)
            if let words { out.append(.action(words)) }
            trimsNext = trims
            rest = after
        }
        out.append(.text(trimsNext ? String(rest.drop { $0.isWhitespace }) : String(rest)))
        return out
    }

    /// The words up to `}}`; none for a comment.
    private static func action(_ text: Substring) throws -> (words: [Word]?, after: Substring, trims: Bool) {
        var rest = text.drop { $0.isWhitespace }
        if rest.hasPrefix("/*") {
            guard let end = rest.firstRange(of: "*/") else {
                throw WorkspaceError(.template, "a comment in the template has no end")
            }
            rest = rest[end.upperBound...].drop { $0.isWhitespace }
            let trims = rest.hasPrefix("-")
            if trims { rest = rest.dropFirst() }
            guard rest.hasPrefix("}}") else {
                throw WorkspaceError(.template, "a comment in the template has to stand alone")
            }
            return (nil, rest.dropFirst(2), trims)
        }
        var words: [Word] = []
        while true {
            let hadSpace = rest.first?.isWhitespace == true
            rest = rest.drop { $0.isWhitespace }
            if rest.hasPrefix("}}") { return (words, rest.dropFirst(2), false) }
            if hadSpace, rest.hasPrefix("-}}") { return (words, rest.dropFirst(3), true) }
            guard let first = rest.first else {
                throw WorkspaceError(.template, "an action in the template has no }}")
            }
            words.append(try word(first, &rest))
        }
    }

    private static func name(_ rest: inout Substring) -> String {
        let run = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        rest = rest.dropFirst(run.count)
        return String(run)
    }

    private static func word(_ first: Character, _ rest: inout Substring) throws -> Word {
        switch first {
        case ".":
            var names: [String] = []
            while rest.first == "." {
                rest = rest.dropFirst()
                let name = name(&rest)
                if !name.isEmpty { names.append(name) }
            }
            return .fields(names)
        case "$":
            rest = rest.dropFirst()
            return .variable("$" + name(&rest))
        case "\"": return .literal(try quoted(&rest))
        case "`":
            guard let end = rest.dropFirst().firstIndex(of: "`") else { break }
            let text = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
            return .literal(text)
        case "(", ")", "|", ",", "=":
            rest = rest.dropFirst()
            return .sign(String(first))
        case ":" where rest.hasPrefix(":="):
            rest = rest.dropFirst(2)
            return .sign(":=")
        case _ where first.isNumber || first == "-":
            let run = rest.prefix { $0.isNumber || $0 == "-" || $0 == "." || $0 == "e" || $0 == "+" }
            rest = rest.dropFirst(run.count)
            return .number(String(run))
        case _ where first.isLetter || first == "_": return .name(name(&rest))
        default: break
        }
        throw WorkspaceError(.template, "the template has an unexpected '\(first)'")
    }

    private static func quoted(_ rest: inout Substring) throws -> String {
        rest = rest.dropFirst()
        var out = ""
        while let next = rest.popFirst() {
            if next == "\"" { return out }
            guard next == "\\" else {
                out.append(next)
                continue
            }
            guard let escaped = rest.popFirst() else { break }
            switch escaped {
            case "n": out += "\n"
            case "t": out += "\t"
            case "r": out += "\r"
            case "\\", "\"", "'": out.append(escaped)
            case "u", "x":
                let digits = rest.prefix(escaped == "u" ? 4 : 2)
                guard let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else {
                    throw WorkspaceError(.template, "a string in the template has a malformed escape")
                }
                rest = rest.dropFirst(digits.count)
                out.unicodeScalars.append(scalar)
            default: throw WorkspaceError(.template, "a string in the template has the unknown escape \\\(escaped)")
            }
        }
        throw WorkspaceError(.template, "a string in the template has no end")
    }
}
