extension JSON {
    /// Reads one JSON text, strictly by RFC 8259, with nothing but white space around it.
    ///
    /// Refused, with the offset of the byte: invalid UTF-8 and a byte order mark, lone surrogates, two members of one
    /// name, numbers beyond binary64, and whatever exceeds `limits`. Readers differ in what they make of those, and a
    /// signed document must mean one thing.
    package init(parsing bytes: [UInt8], limits: JSONLimits = .default) throws(ParseError) {
        try self.init(parsing: bytes.span, limits: limits)
    }

    /// Reads the JSON text of `text`; see `init(parsing:limits:)`.
    package init(parsing text: String, limits: JSONLimits = .default) throws(ParseError) {
        try self.init(parsing: text.utf8Span.span, limits: limits)
    }

    /// Reads the JSON text in `input`; see `init(parsing:limits:)`.
    package init(parsing input: Span<UInt8>, limits: JSONLimits = .default) throws(ParseError) {
        guard input.count <= limits.byteCount else {
            throw ParseError(
                "the document has \(input.count) bytes; the limit is \(limits.byteCount)", at: limits.byteCount)
        }
        var parser = JSONParser(depthLimit: limits.depth)
        parser.skipSpace(input)
        self = try parser.value(input, depth: 0)
        parser.skipSpace(input)
        guard parser.at == input.count else { throw ParseError("unexpected bytes after the value", at: parser.at) }
    }
}

/// The position in a JSON text that is being read. The text itself is handed to each function, for a span can't be
/// kept.
private struct JSONParser {
    var at = 0
    let depthLimit: Int

    init(depthLimit: Int) { self.depthLimit = depthLimit }

    mutating func skipSpace(_ input: Span<UInt8>) {
        while at < input.count {
            switch input[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    mutating func value(_ input: Span<UInt8>, depth: Int) throws(ParseError) -> JSON {
        guard at < input.count else { throw ParseError("the text ends where a value should be", at: at) }
        switch input[at] {
        case UInt8(ascii: "\""): return .string(try string(input))
        case UInt8(ascii: "{"): return .object(try object(input, depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(input, depth: depth + 1))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number(input))
        case UInt8(ascii: "t"): try word("true", input); return .bool(true)
        case UInt8(ascii: "f"): try word("false", input); return .bool(false)
        case UInt8(ascii: "n"): try word("null", input); return .null
        default: throw ParseError("a value can't start with \(shown(input[at]))", at: at)
        }
    }

    private mutating func word(_ word: StaticString, _ input: Span<UInt8>) throws(ParseError) {
        let letters = "\(word)".utf8
        guard input.count - at >= letters.count else { throw ParseError("expected \(word)", at: at) }
        for (index, letter) in letters.enumerated() where input[at + index] != letter {
            throw ParseError("expected \(word)", at: at)
        }
        at += letters.count
    }

    private func checkDepth(_ depth: Int) throws(ParseError) {
        guard depth <= depthLimit else {
            throw ParseError("arrays and objects nest deeper than \(depthLimit)", at: at)
        }
    }

    private mutating func array(_ input: Span<UInt8>, depth: Int) throws(ParseError) -> [JSON] {
        try checkDepth(depth)
        at += 1
        var elements: [JSON] = []
        skipSpace(input)
        if at < input.count, input[at] == UInt8(ascii: "]") {
            at += 1
            return elements
        }
        while true {
            skipSpace(input)
            elements.append(try value(input, depth: depth))
            skipSpace(input)
            guard at < input.count else { throw ParseError("the text ends inside an array", at: at) }
            switch input[at] {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "]"):
                at += 1
                return elements
            default: throw ParseError("expected , or ] but found \(shown(input[at]))", at: at)
            }
        }
    }

    private mutating func object(_ input: Span<UInt8>, depth: Int) throws(ParseError) -> JSONObject {
        try checkDepth(depth)
        at += 1
        var object = JSONObject()
        skipSpace(input)
        if at < input.count, input[at] == UInt8(ascii: "}") {
            at += 1
            return object
        }
        while true {
            skipSpace(input)
            guard at < input.count else { throw ParseError("the text ends inside an object", at: at) }
            guard input[at] == UInt8(ascii: "\"") else {
                throw ParseError("expected a member's name in double quotes but found \(shown(input[at]))", at: at)
            }
            let start = at
            let key = try string(input)
            skipSpace(input)
            guard at < input.count, input[at] == UInt8(ascii: ":") else {
                throw ParseError("expected : after a member's name", at: at)
            }
            at += 1
            skipSpace(input)
            let member = try value(input, depth: depth)
            guard object.append(key, member) else {
                throw ParseError("a second member is called \(shown(key))", at: start)
            }
            skipSpace(input)
            guard at < input.count else { throw ParseError("the text ends inside an object", at: at) }
            switch input[at] {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "}"):
                at += 1
                return object
            default: throw ParseError("expected , or } but found \(shown(input[at]))", at: at)
            }
        }
    }

    private mutating func number(_ input: Span<UInt8>) throws(ParseError) -> JSONNumber {
        let start = at
        if input[at] == UInt8(ascii: "-") { at += 1 }
        if at < input.count, input[at] == UInt8(ascii: "0") {
            at += 1
            if at < input.count, isDigit(input[at]) {
                throw ParseError("a number can't start with a zero and another digit", at: start)
            }
        } else {
            try digits(input)
        }
        var isPlain = true
        if at < input.count, input[at] == UInt8(ascii: ".") {
            at += 1
            try digits(input)
        }
        if at < input.count, input[at] | 0x20 == UInt8(ascii: "e") {
            isPlain = false
            at += 1
            if at < input.count, input[at] == UInt8(ascii: "+") || input[at] == UInt8(ascii: "-") { at += 1 }
            try digits(input)
        }
        let number = JSONNumber(checked: try text(input, start..<at))
        // Without an exponent, fewer than 300 characters can't reach the greatest binary64 value.
        if !isPlain || at - start > 300, !number.doubleValue.isFinite || Double(number.text) == nil {
            throw ParseError("the number is beyond what binary64 holds", at: start)
        }
        return number
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private mutating func digits(_ input: Span<UInt8>) throws(ParseError) {
        let start = at
        while at < input.count, isDigit(input[at]) { at += 1 }
        guard at > start else { throw ParseError("expected a digit", at: at) }
    }

    /// The string whose opening quote is at `at`; ends behind the closing one.
    private mutating func string(_ input: Span<UInt8>) throws(ParseError) -> String {
        at += 1
        let start = at
        while at < input.count {
            let byte = input[at]
            if byte == UInt8(ascii: "\"") {
                let text = try text(input, start..<at)
                at += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(input, from: start) }
            guard byte >= 0x20 else { throw ParseError("a control character must be escaped in a string", at: at) }
            at += 1
        }
        throw ParseError("the text ends inside a string", at: at)
    }

    /// The rest of a string that began at `start` and whose first escape is at `at`.
    private mutating func escapedString(_ input: Span<UInt8>, from start: Int) throws(ParseError) -> String {
        var out = ""
        var plain = start
        while at < input.count {
            let byte = input[at]
            switch byte {
            case UInt8(ascii: "\""):
                out += try text(input, plain..<at)
                at += 1
                return out
            case UInt8(ascii: "\\"):
                out += try text(input, plain..<at)
                out.unicodeScalars.append(try escape(input))
                plain = at
            case 0..<0x20: throw ParseError("a control character must be escaped in a string", at: at)
            default: at += 1
            }
        }
        throw ParseError("the text ends inside a string", at: at)
    }

    /// The scalar of the escape whose backslash is at `at`.
    private mutating func escape(_ input: Span<UInt8>) throws(ParseError) -> Unicode.Scalar {
        let start = at
        guard at + 1 < input.count else { throw ParseError("the text ends inside a string", at: at) }
        let letter = input[at + 1]
        at += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw ParseError("no escape is called \\\(shown(letter))", at: start)
        }
        let first = try hexadecimal(input)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, at + 1 < input.count, input[at] == UInt8(ascii: "\\"),
            input[at + 1] == UInt8(ascii: "u")
        else { throw ParseError("half of a surrogate pair stands alone", at: start) }
        at += 2
        let second = try hexadecimal(input)
        guard 0xDC00..<0xE000 ~= second,
            let scalar = Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
        else { throw ParseError("half of a surrogate pair stands alone", at: start) }
        return scalar
    }

    private mutating func hexadecimal(_ input: Span<UInt8>) throws(ParseError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard at < input.count else { throw ParseError("the text ends inside a string", at: at) }
            let digit: UInt8
            switch input[at] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = input[at] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = input[at] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = input[at] - UInt8(ascii: "A") + 10
            default: throw ParseError("\\u needs four hexadecimal digits", at: at)
            }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }

    private func text(_ input: Span<UInt8>, _ range: Range<Int>) throws(ParseError) -> String {
        do {
            return String(copying: try UTF8Span(validating: input.extracting(range)))
        } catch {
            throw ParseError("the text is not UTF-8", at: range.lowerBound + error.byteOffsets.lowerBound)
        }
    }

    private func shown(_ byte: UInt8) -> String {
        0x21..<0x7F ~= byte ? String(Unicode.Scalar(byte)) : "byte 0x" + Hex.encode([byte])
    }

    private func shown(_ key: String) -> String { JSON.string(String(key.prefix(80))).text() }
}
