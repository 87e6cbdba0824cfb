internal import Bytes

/// A word of an expression.
struct ExpressionToken: Sendable {
    enum Kind: Sendable {
        case identifier(String)
        /// A whole number without its sign.
        case int(UInt64)
        case uint(UInt64)
        case double(Double)
        case string(String)
        case bytes([UInt8])
        case symbol(String)
        case end
    }

    let kind: Kind
    let offset: Int

    /// Whether this is the symbol or keyword `text`.
    func isSymbol(_ text: String) -> Bool {
        if case .symbol(let symbol) = kind { symbol == text } else { false }
    }
}

/// Cuts the text of an expression into words (cel-spec, "Syntax").
struct ExpressionLexer {
    private let text: [UInt8]
    private var at = 0

    init(_ text: String) { self.text = Array(text.utf8) }

    static func tokens(of text: String) throws(ExpressionError) -> [ExpressionToken] {
        var lexer = ExpressionLexer(text)
        var out: [ExpressionToken] = []
        while true {
            let token = try lexer.next()
            out.append(token)
            if case .end = token.kind { return out }
        }
    }

    private func failure(_ message: String, at offset: Int? = nil) -> ExpressionError {
        ExpressionError(.syntax, message, at: offset ?? at)
    }

    private func peek(_ distance: Int = 0) -> UInt8 { at + distance < text.count ? text[at + distance] : 0 }

    private static func isLetter(_ byte: UInt8) -> Bool {
        0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == UInt8(ascii: "_")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

    private static let symbols = [
        "&&", "||", "==", "!=", "<=", ">=", ".?", "[?", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(",
        ")", "[", "]", "{", "}",
    ].map { Array($0.utf8) }

    private mutating func next() throws(ExpressionError) -> ExpressionToken {
        skipSpace()
        let start = at
        guard at < text.count else { return ExpressionToken(kind: .end, offset: at) }
        let byte = text[at]
        if let string = try prefixedString() { return ExpressionToken(kind: string, offset: start) }
        if Self.isLetter(byte) {
            while Self.isLetter(peek()) || Self.isDigit(peek()) { at += 1 }
            let word = String(decoding: text[start..<at], as: UTF8.self)
            return ExpressionToken(kind: word == "in" ? .symbol(word) : .identifier(word), offset: start)
        }
        if Self.isDigit(byte) || (byte == UInt8(ascii: ".") && Self.isDigit(peek(1))) {
            return ExpressionToken(kind: try number(), offset: start)
        }
        for symbol in Self.symbols where text[at...].starts(with: symbol) {
            at += symbol.count
            return ExpressionToken(kind: .symbol(String(decoding: symbol, as: UTF8.self)), offset: start)
        }
        throw failure("a character that has no meaning here")
    }

    private mutating func skipSpace() {
        while at < text.count {
            if [0x20, 0x09, 0x0A, 0x0C, 0x0D].contains(text[at]) {
                at += 1
            } else if text[at] == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "/") {
                while at < text.count, text[at] != 0x0A { at += 1 }
            } else {
                return
            }
        }
    }

    private mutating func number() throws(ExpressionError) -> ExpressionToken.Kind {
        let start = at
        if peek() == UInt8(ascii: "0"), peek(1) | 0x20 == UInt8(ascii: "x") {
            at += 2
            let digits = at
            while Self.isDigit(peek()) || 0x61...0x66 ~= peek() | 0x20 { at += 1 }
            return try whole(String(decoding: text[digits..<at], as: UTF8.self), radix: 16, start)
        }
        while Self.isDigit(peek()) { at += 1 }
        var isDouble = false
        if peek() == UInt8(ascii: "."), Self.isDigit(peek(1)) {
            isDouble = true
            at += 1
            while Self.isDigit(peek()) { at += 1 }
        }
        if peek() | 0x20 == UInt8(ascii: "e") {
            let sign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-") ? 1 : 0
            if Self.isDigit(peek(1 + sign)) {
                isDouble = true
                at += 1 + sign
                while Self.isDigit(peek()) { at += 1 }
            }
        }
        let digits = String(decoding: text[start..<at], as: UTF8.self)
        guard isDouble else { return try whole(digits, radix: 10, start) }
        try checkEnd(start)
        guard let value = Double(digits.hasPrefix(".") ? "0" + digits : digits), value.isFinite else {
            throw failure("the number is beyond what a double holds", at: start)
        }
        return .double(value)
    }

    private mutating func whole(_ digits: String, radix: Int, _ start: Int) throws(ExpressionError)
        -> ExpressionToken.Kind
    {
        guard let value = UInt64(digits, radix: radix) else {
            throw failure("the number is beyond what 64 bits hold", at: start)
        }
        let isUnsigned = peek() | 0x20 == UInt8(ascii: "u")
        if isUnsigned { at += 1 }
        try checkEnd(start)
        return isUnsigned ? .uint(value) : .int(value)
    }

    private func checkEnd(_ start: Int) throws(ExpressionError) {
        if Self.isLetter(peek()) || Self.isDigit(peek()) { throw failure("a number runs into a word", at: start) }
    }

    /// A string or bytes with an optional prefix of `r` and `b`; `nil` where none begins here.
    private mutating func prefixedString() throws(ExpressionError) -> ExpressionToken.Kind? {
        var length = 0
        var isRaw = false
        var isBytes = false
        while length < 2 {
            let letter = peek(length) | 0x20
            if letter == UInt8(ascii: "r"), !isRaw {
                isRaw = true
            } else if letter == UInt8(ascii: "b"), !isBytes {
                isBytes = true
            } else {
                break
            }
            length += 1
        }
        let quote = peek(length)
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
        at += length
        let content = try string(quote, isRaw: isRaw, isBytes: isBytes)
        if isBytes { return .bytes(content) }
        guard let string = String(validating: content, as: UTF8.self) else { throw failure("the string is not UTF-8") }
        return .string(string)
    }

    private mutating func string(_ quote: UInt8, isRaw: Bool, isBytes: Bool) throws(ExpressionError) -> [UInt8] {
        let start = at
        let isTriple = peek(1) == quote && peek(2) == quote
        let closing = Array(repeating: quote, count: isTriple ? 3 : 1)
        at += closing.count
        var out: [UInt8] = []
        while at < text.count {
            if text[at...].starts(with: closing) {
                at += closing.count
                return out
            }
            let byte = text[at]
            if byte == UInt8(ascii: "\\"), !isRaw {
                out += try escape(isBytes: isBytes)
                continue
            }
            guard isTriple || (byte != 0x0A && byte != 0x0D) else { throw failure("a string ends on its line") }
            out.append(byte)
            at += 1
        }
        throw failure("the string has no end", at: start)
    }

    private mutating func escape(isBytes: Bool) throws(ExpressionError) -> [UInt8] {
        let start = at
        let letter = peek(1)
        at += 2
        switch letter {
        case UInt8(ascii: "a"): return [7]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "v"): return [11]
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"), UInt8(ascii: "?"):
            return [letter]
        case UInt8(ascii: "x"), UInt8(ascii: "X"): return try code(2, radix: 16, isBytes: isBytes, start)
        case UInt8(ascii: "u") where !isBytes: return try code(4, radix: 16, isBytes: false, start)
        case UInt8(ascii: "U") where !isBytes: return try code(8, radix: 16, isBytes: false, start)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            at -= 1
            return try code(3, radix: 8, isBytes: isBytes, start)
        default: throw failure("no escape is written so", at: start)
        }
    }

    private mutating func code(
        _ count: Int, radix: Int, isBytes: Bool, _ start: Int
    ) throws(ExpressionError) -> [UInt8] {
        let end = min(at + count, text.count)
        let digits = text[at..<end]
        guard digits.count == count, digits.allSatisfy({ Self.isDigit($0) || 0x61...0x66 ~= $0 | 0x20 }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: radix)
        else { throw failure("an escape lacks digits", at: start) }
        at = end
        if isBytes, let byte = UInt8(exactly: value) { return [byte] }
        guard !isBytes, let scalar = Unicode.Scalar(value) else {
            throw failure("no character has this code", at: start)
        }
        return Array(String(scalar).utf8)
    }
}
