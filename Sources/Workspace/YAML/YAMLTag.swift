/// Tags, and which one a plain scalar gets from its text alone, as Go's yaml.v3 decides it.
enum YAMLTag {
    static let prefix = "tag:yaml.org,2002:"

    /// `!!str` for `tag:yaml.org,2002:str`; any other tag as it is.
    static func short(_ tag: String) -> String {
        tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag
    }

    /// The opposite of `short`.
    static func long(_ tag: String) -> String { tag.hasPrefix("!!") ? prefix + tag.dropFirst(2) : tag }

    private static let constants: [String: String] = {
        var out: [String: String] = [:]
        for word in ["true", "True", "TRUE", "false", "False", "FALSE"] { out[word] = "!!bool" }
        for word in ["~", "null", "Null", "NULL"] { out[word] = "!!null" }
        for word in [".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"] {
            out[word] = "!!float"
        }
        for word in ["-.inf", "-.Inf", "-.INF"] { out[word] = "!!float" }
        return out
    }()

    /// The tag of a plain scalar.
    static func resolve(_ text: String) -> String {
        guard let first = text.utf8.first else { return "!!null" }
        switch first {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"): break
        case UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "t"),
            UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "o"), UInt8(ascii: "O"),
            UInt8(ascii: "~"):
            return constants[text] ?? "!!str"
        default: return "!!str"
        }
        if let tag = constants[text] { return tag }
        if first == UInt8(ascii: ".") { return isFloat(text, allowsUnderscores: false) ? "!!float" : "!!str" }
        if isTimestamp(text) { return "!!timestamp" }
        let plain = text.replacing("_", with: "")
        if isInteger(plain) { return "!!int" }
        return isFloat(plain, allowsUnderscores: false) ? "!!float" : "!!str"
    }

    /// An integer of at most 64 bits in decimal, or with the prefix of another base.
    private static func isInteger(_ text: String) -> Bool {
        var digits = Substring(text)
        var isNegative = false
        var hasSign = false
        if let sign = digits.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            hasSign = true
            digits = digits.dropFirst()
        }
        var radix = 10
        let lower = digits.prefix(2).lowercased()
        if lower == "0x" || lower == "0b" || lower == "0o" {
            radix = lower == "0x" ? 16 : lower == "0b" ? 2 : 8
            digits = digits.dropFirst(2)
        } else if digits.count > 1, digits.first == "0" {
            radix = 8
            digits = digits.dropFirst()
        }
        guard let first = digits.first, first != "+", first != "-", digits.utf8.allSatisfy({ $0 < 0x80 }),
            let magnitude = UInt64(digits, radix: radix)
        else { return false }
        if isNegative { return magnitude <= UInt64(Int64.max) + 1 }
        return !hasSign || magnitude <= UInt64(Int64.max)
    }

    private static func isFloat(_ text: String, allowsUnderscores: Bool) -> Bool {
        var rest = Array(text.utf8)[...]
        func digits() -> Int {
            let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest.dropFirst(run.count)
            return run.count
        }
        func take(_ characters: [UInt8]) -> Bool {
            guard let first = rest.first, characters.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        let signs = Array("+-".utf8)
        _ = take(signs)
        let whole = digits()
        if take(Array(".".utf8)) {
            if digits() + whole == 0 { return false }
        } else if whole == 0 {
            return false
        }
        if take(Array("eE".utf8)) {
            _ = take(signs)
            if digits() == 0 { return false }
        }
        return rest.isEmpty && Double(text)?.isFinite == true
    }

    /// `2006-1-2`, with an optional time: after `T` or `t` with a zone, after a space without.
    private static func isTimestamp(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        func number(_ minimum: Int, _ maximum: Int, upTo limit: Int) -> Int? {
            let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.prefix(maximum)
            guard run.count >= minimum, let value = Int(String(decoding: run, as: UTF8.self)), value <= limit else {
                return nil
            }
            rest = rest.dropFirst(run.count)
            return value
        }
        func take(_ character: Character) -> Bool {
            guard rest.first == character.asciiValue else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4, 4, upTo: 9999), take("-"), let month = number(1, 2, upTo: 12), month > 0, take("-"),
            let day = number(1, 2, upTo: 31), day > 0
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[month - 1] else { return false }
        if rest.isEmpty { return true }
        let separator = rest.removeFirst()
        guard [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(separator),
            number(1, 2, upTo: 23) != nil, take(":"), number(1, 2, upTo: 59) != nil, take(":"),
            number(1, 2, upTo: 59) != nil
        else { return false }
        if rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",") {
            rest = rest.dropFirst()
            guard number(1, .max, upTo: .max) != nil else { return false }
        }
        if separator == UInt8(ascii: " ") { return rest.isEmpty }
        if rest == [UInt8(ascii: "Z")] { return true }
        guard take("+") || take("-"), number(2, 2, upTo: 24) != nil, take(":"), number(2, 2, upTo: 60) != nil else {
            return false
        }
        return rest.isEmpty
    }

    /// `12:30:00`, which YAML 1.1 took for a number to base 60; such text is quoted for older readers.
    static func isBase60(_ text: String) -> Bool {
        var parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(Array.init)
        guard parts.count > 1, var first = parts.first else { return false }
        if first.first == UInt8(ascii: "+") || first.first == UInt8(ascii: "-") { first.removeFirst() }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func isLoose(_ byte: UInt8) -> Bool { isDigit(byte) || byte == UInt8(ascii: "_") }
        guard let lead = first.first, isDigit(lead), first.allSatisfy(isLoose) else { return false }
        parts.removeFirst()
        if let dot = parts[parts.count - 1].firstIndex(of: UInt8(ascii: ".")) {
            let last = parts[parts.count - 1]
            guard last[(dot + 1)...].allSatisfy(isLoose) else { return false }
            parts[parts.count - 1] = Array(last[..<dot])
        }
        return parts.allSatisfy { part in
            (part.count == 1 && isDigit(part[0]))
                || (part.count == 2 && (UInt8(ascii: "0")...UInt8(ascii: "5")).contains(part[0]) && isDigit(part[1]))
        }
    }

    /// The words that YAML 1.1 took for truth values.
    static let oldBooleans: Set<String> = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF",
    ]
}
