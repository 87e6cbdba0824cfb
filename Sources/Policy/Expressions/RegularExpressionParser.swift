internal import Bytes

/// Reads a pattern in the syntax of RE2.
struct RegularExpressionParser {
    private let text: [Unicode.Scalar]
    private var at = 0
    private var depth = 0
    private var ignoresCase = false
    private var isMultiline = false
    private var dotTakesLineFeed = false

    init(_ pattern: String) { text = Array(pattern.unicodeScalars) }

    mutating func parse() throws(PolicyError) -> RegularExpressionTree {
        let tree = try choice()
        guard at == text.count else { throw failure("a ) without its (") }
        return tree
    }

    private func failure(_ message: String) -> PolicyError {
        PolicyError("the regular expression is wrong at character \(at + 1): \(message); RE2's syntax is taken")
    }

    private var next: Unicode.Scalar? { at < text.count ? text[at] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        at += 1
        return true
    }

    private mutating func choice() throws(PolicyError) -> RegularExpressionTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 100 else { throw failure("groups nest deeper than 100") }
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence() throws(PolicyError) -> RegularExpressionTree {
        var parts: [RegularExpressionTree] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            var part = try atom()
            var repeats = 0
            while let (least, most) = try repetition() {
                repeats += 1
                guard repeats == 1 else { throw failure("a repetition of a repetition") }
                part = .repeated(part, least: least, most: most)
            }
            parts.append(part)
        }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func repetition() throws(PolicyError) -> (Int, Int?)? {
        let bounds: (Int, Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            let start = at
            at += 1
            if let counts = counts() {
                guard counts.0 <= 1000, counts.1 ?? 0 <= 1000, counts.1 ?? .max >= counts.0 else {
                    throw failure("a count is above 1000 or out of order")
                }
                _ = take("?")
                return counts
            }
            // What is no count stands for itself, as in RE2; the atom reads it.
            at = start
            return nil
        default: return nil
        }
        at += 1
        _ = take("?")
        return bounds
    }

    /// `2}`, `2,}` or `2,5}`.
    private mutating func counts() -> (Int, Int?)? {
        func number(_ at: inout Int) -> Int? {
            var value = 0
            let start = at
            while at < text.count, let digit = Int(String(text[at])), at - start < 6 {
                value = value * 10 + digit
                at += 1
            }
            return at > start ? value : nil
        }
        var place = at
        guard let least = number(&place), place < text.count else { return nil }
        var most: Int? = least
        if text[place] == "," {
            place += 1
            most = number(&place)
        }
        guard place < text.count, text[place] == "}" else { return nil }
        at = place + 1
        return (least, most)
    }

    private mutating func atom() throws(PolicyError) -> RegularExpressionTree {
        guard let scalar = next else { return .empty }
        at += 1
        switch scalar {
        case ".":
            return .set(
                dotTakesLineFeed
                    ? RegularExpressionSet(isNegated: true) : RegularExpressionSet(ranges: [10...10], isNegated: true))
        case "^": return .assertion(isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(isMultiline ? .lineEnd : .textEnd)
        case "[": return .set(cased(try bracket()))
        case "(": return try group()
        case "*", "+", "?":
            at -= 1
            throw failure("nothing to repeat")
        case "\\": return try escaped()
        default: return .set(cased(.single(scalar.value)))
        }
    }

    private func cased(_ set: RegularExpressionSet) -> RegularExpressionSet { ignoresCase ? set.ignoringCase : set }

    private mutating func group() throws(PolicyError) -> RegularExpressionTree {
        let flags = (ignoresCase, isMultiline, dotTakesLineFeed)
        var keepsFlags = false
        if take("?") {
            if take("P") || next == "<" {
                guard take("<") else { throw failure("a group's name begins with <") }
                while let scalar = next, scalar != ">" {
                    guard
                        scalar.properties.isAlphabetic || scalar == "_"
                            || RegularExpressionSet.digits.contains(scalar.value)
                    else { throw failure("a group's name has letters and digits alone") }
                    at += 1
                }
                guard take(">") else { throw failure("a group's name has no end") }
            } else {
                keepsFlags = try readFlags()
            }
        }
        if keepsFlags { return .empty }
        let tree = try choice()
        guard take(")") else { throw failure("a ( without its )") }
        (ignoresCase, isMultiline, dotTakesLineFeed) = flags
        return tree
    }

    /// `i-s:` or `i)`; whether the group ended with them, so that they go on holding.
    private mutating func readFlags() throws(PolicyError) -> Bool {
        var value = true
        while let scalar = next {
            at += 1
            switch scalar {
            case "i": ignoresCase = value
            case "m": isMultiline = value
            case "s": dotTakesLineFeed = value
            case "U": break
            case "-" where value: value = false
            case ":": return false
            case ")": return true
            default: throw failure("no flag is called \(scalar)")
            }
        }
        throw failure("a ( without its )")
    }

    private mutating func escaped() throws(PolicyError) -> RegularExpressionTree {
        guard let scalar = next else { throw failure("a \\ at the end") }
        switch scalar {
        case "A":
            at += 1
            return .assertion(.textStart)
        case "z":
            at += 1
            return .assertion(.textEnd)
        case "b":
            at += 1
            return .assertion(.wordBoundary)
        case "B":
            at += 1
            return .assertion(.noWordBoundary)
        case "Q":
            at += 1
            var parts: [RegularExpressionTree] = []
            while let scalar = next {
                if scalar == "\\", at + 1 < text.count, text[at + 1] == "E" {
                    at += 2
                    break
                }
                parts.append(.set(cased(.single(scalar.value))))
                at += 1
            }
            return .sequence(parts)
        default: return .set(cased(try escapedSet()))
        }
    }

    /// What stands behind a backslash and is one character.
    private mutating func escapedSet() throws(PolicyError) -> RegularExpressionSet {
        guard let scalar = next else { throw failure("a \\ at the end") }
        at += 1
        switch scalar {
        case "d": return .digits
        case "D": return RegularExpressionSet(ranges: RegularExpressionSet.digits.ranges, isNegated: true)
        case "w": return .word
        case "W": return RegularExpressionSet(ranges: RegularExpressionSet.word.ranges, isNegated: true)
        case "s": return .space
        case "S": return RegularExpressionSet(ranges: RegularExpressionSet.space.ranges, isNegated: true)
        case "a": return .single(7)
        case "f": return .single(12)
        case "n": return .single(10)
        case "r": return .single(13)
        case "t": return .single(9)
        case "v": return .single(11)
        case "x": return .single(try hexadecimal())
        default:
            guard scalar.isASCII, !RegularExpressionSet.word.contains(scalar.value) else {
                at -= 1
                throw failure("\\\(scalar) has no meaning here")
            }
            return .single(scalar.value)
        }
    }

    private mutating func hexadecimal() throws(PolicyError) -> UInt32 {
        var digits = ""
        if take("{") {
            while let scalar = next, scalar != "}", digits.utf8.count < 8 {
                digits.unicodeScalars.append(scalar)
                at += 1
            }
            guard take("}") else { throw failure("\\x{ has no end") }
        } else {
            for _ in 0..<2 {
                guard let scalar = next else { break }
                digits.unicodeScalars.append(scalar)
                at += 1
            }
        }
        guard let value = UInt32(digits, radix: 16), value <= 0x10FFFF, digits.first != "+", digits.first != "-" else {
            throw failure("\\x takes hexadecimal digits")
        }
        return value
    }

    private mutating func bracket() throws(PolicyError) -> RegularExpressionSet {
        var set = RegularExpressionSet()
        let isNegated = take("^")
        var isFirst = true
        while let scalar = next, scalar != "]" || isFirst {
            isFirst = false
            if scalar == "[", at + 1 < text.count, text[at + 1] == ":" {
                set.ranges += try namedClass()
                continue
            }
            let low = try bracketItem()
            guard low.isSingle, let first = low.set.ranges.first?.lowerBound, next == "-", at + 1 < text.count,
                text[at + 1] != "]"
            else {
                set.ranges += low.set.positive
                continue
            }
            at += 1
            let high = try bracketItem()
            guard high.isSingle, let last = high.set.ranges.first?.lowerBound, last >= first else {
                throw failure("a range is out of order")
            }
            set.ranges.append(first...last)
        }
        guard take("]") else { throw failure("a [ without its ]") }
        set = cased(set)
        set.isNegated = isNegated
        return set
    }

    private mutating func bracketItem() throws(PolicyError) -> (set: RegularExpressionSet, isSingle: Bool) {
        guard let scalar = next else { throw failure("a [ without its ]") }
        at += 1
        guard scalar == "\\" else { return (.single(scalar.value), true) }
        let set = try escapedSet()
        return (set, !set.isNegated && set.ranges.count == 1 && set.ranges[0].count == 1)
    }

    private static let classes: [String: [ClosedRange<UInt32>]] = [
        "alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A], "alpha": [0x41...0x5A, 0x61...0x7A], "ascii": [0...0x7F],
        "blank": [0x09...0x09, 0x20...0x20], "cntrl": [0...0x1F, 0x7F...0x7F], "digit": [0x30...0x39],
        "graph": [0x21...0x7E], "lower": [0x61...0x7A], "print": [0x20...0x7E],
        "punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E], "space": [0x09...0x0D, 0x20...0x20],
        "upper": [0x41...0x5A], "word": RegularExpressionSet.word.ranges,
        "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66],
    ]

    private mutating func namedClass() throws(PolicyError) -> [ClosedRange<UInt32>] {
        at += 2
        let isNegated = take("^")
        var name = ""
        while let scalar = next, scalar != ":", name.utf8.count < 10 {
            name.unicodeScalars.append(scalar)
            at += 1
        }
        guard take(":"), take("]"), let ranges = Self.classes[name] else { throw failure("no class is called \(name)") }
        return RegularExpressionSet(ranges: ranges, isNegated: isNegated).positive
    }
}
