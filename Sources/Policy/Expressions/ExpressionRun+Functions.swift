internal import Bytes

/// The functions that expressions may call.
enum ExpressionFunction: String, CaseIterable {
    // On values of many types.
    case size, type, dyn
    case bool, int, uint, double, string, bytes, timestamp, duration
    // On texts.
    case contains, startsWith, endsWith, matches
    case charAt, indexOf, lastIndexOf, join, lowerAscii, upperAscii, replace, split, substring, trim, reverse
    // On moments and durations.
    case getFullYear, getMonth, getDate, getDayOfMonth, getDayOfWeek, getDayOfYear
    case getHours, getMinutes, getSeconds, getMilliseconds
    // On optional values.
    case of, none, ofNonZeroValue, hasValue, value, or, orValue
}

extension ExpressionRun {
    mutating func call(
        _ name: String, _ target: ExpressionNode?, _ arguments: [ExpressionNode], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        guard let function = ExpressionFunction(rawValue: name) else {
            throw ExpressionError(.noValue, "there is no function \(name)()", at: offset)
        }
        if let target, case .identifier("optional") = target.kind, variables["optional"] == nil {
            return try optional(function, arguments, offset)
        }
        var values: [ExpressionValue] = []
        if let target { values.append(try value(target)) }
        // The other value of an optional is only needed where there is none.
        if function == .orValue || function == .or, arguments.count == 1, case .optional(let inner) = values.first {
            if let inner { return function == .orValue ? inner : .optional(inner) }
            return try value(arguments[0])
        }
        for argument in arguments { values.append(try value(argument)) }
        for value in values {
            if case .string(let text) = value { try spend(text.utf8.count / 16, offset) }
        }
        if let result = try apply(function, values, isMember: target != nil, offset) { return result }
        let types = values.map(\.typeName).joined(separator: ", ")
        throw ExpressionError(.noValue, "\(name)() does not take (\(types))", at: offset)
    }

    private mutating func optional(
        _ function: ExpressionFunction, _ arguments: [ExpressionNode], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue {
        switch (function, arguments.count) {
        case (.none, 0): return .optional(nil)
        case (.of, 1): return .optional(try value(arguments[0]))
        case (.ofNonZeroValue, 1):
            let inner = try value(arguments[0])
            return .optional(inner.isZero ? nil : inner)
        default: throw ExpressionError(.noValue, "there is no function optional.\(function.rawValue)()", at: offset)
        }
    }

    /// The result; `nil` where the function does not take these values.
    private mutating func apply(
        _ function: ExpressionFunction, _ values: [ExpressionValue], isMember: Bool, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        switch function {
        case .size: return values.count == 1 ? values[0].size.map { .int(Int64($0)) } : nil
        case .type where values.count == 1 && !isMember: return .type(values[0].typeName)
        case .dyn where values.count == 1 && !isMember: return values[0]
        case .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration:
            guard values.count == 1, !isMember else { return nil }
            return try convert(values[0], to: function, offset)
        case .hasValue, .value:
            guard isMember, values.count == 1, case .optional(let inner) = values[0] else { return nil }
            if function == .hasValue { return .bool(inner != nil) }
            guard let inner else { throw ExpressionError(.noValue, "the optional value is not there", at: offset) }
            return inner
        default: break
        }
        guard isMember else { return nil }
        if case .string(let text) = values[0] {
            return try onText(function, text, Array(values.dropFirst()), offset)
        }
        switch values[0] {
        case .list(let list):
            guard function == .join, values.count <= 2 else {
                return function == .reverse && values.count == 1 ? .list(.values(list.values.reversed())) : nil
            }
            return try join(list, values, offset)
        case .timestamp(let moment): return try field(function, of: moment, values, offset)
        case .duration(let duration): return values.count == 1 ? Self.field(function, of: duration) : nil
        default: return nil
        }
    }

    private mutating func join(
        _ list: ExpressionList, _ values: [ExpressionValue], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        var separator = ""
        if values.count == 2 {
            guard case .string(let text) = values[1] else { return nil }
            separator = text
        }
        var texts: [String] = []
        for value in list.values {
            guard case .string(let text) = value else { return nil }
            try spend(1 + (text.utf8.count + separator.utf8.count) / 16, offset)
            texts.append(text)
        }
        return .string(texts.joined(separator: separator))
    }

    private mutating func onText(
        _ function: ExpressionFunction, _ text: String, _ values: [ExpressionValue], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        switch (function, values.count) {
        case (.lowerAscii, 0): return .string(Self.ascii(text) { 0x41...0x5A ~= $0 ? $0 + 32 : $0 })
        case (.upperAscii, 0): return .string(Self.ascii(text) { 0x61...0x7A ~= $0 ? $0 - 32 : $0 })
        case (.trim, 0): return .string(Self.trimmed(text))
        case (.reverse, 0): return .string(Self.string(text.unicodeScalars.reversed()))
        case (.charAt, 1):
            guard case .int(let index) = values[0] else { return nil }
            let scalars = Array(text.unicodeScalars)
            guard index >= 0, index <= scalars.count else {
                throw ExpressionError(.noValue, "the text has no character \(index)", at: offset)
            }
            return .string(index == scalars.count ? "" : String(scalars[Int(index)]))
        case (.substring, 1), (.substring, 2): return try substring(text, values, offset)
        case (.indexOf, 1), (.indexOf, 2), (.lastIndexOf, 1), (.lastIndexOf, 2):
            return try index(function == .lastIndexOf, text, values, offset)
        case (.split, 1), (.split, 2), (.replace, 2), (.replace, 3): return try parts(function, text, values, offset)
        case (_, 1):
            guard case .string(let other) = values[0] else { return nil }
            switch function {
            case .contains: return .bool(!Self.positions(of: other, in: text, limit: 1).isEmpty)
            case .startsWith: return .bool(text.utf8.starts(with: other.utf8))
            case .endsWith: return .bool(text.utf8.reversed().starts(with: other.utf8.reversed()))
            case .matches: return .bool(try matches(text, other, offset))
            default: return nil
            }
        default: return nil
        }
    }

    private mutating func matches(_ text: String, _ pattern: String, _ offset: Int) throws(ExpressionError) -> Bool {
        let compiled: RegularExpression
        if let known = patterns[pattern] {
            compiled = known
        } else {
            do {
                compiled = try RegularExpression(pattern)
            } catch {
                throw ExpressionError(.noValue, error.message, at: offset)
            }
            patterns[pattern] = compiled
        }
        try spend(text.utf8.count * max(1, compiled.size / 8), offset)
        return compiled.matches(text)
    }

    private static func ascii(_ text: String, _ change: (UInt8) -> UInt8) -> String {
        String(decoding: text.utf8.map(change), as: UTF8.self)
    }

    private static func trimmed(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)[...]
        while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
        while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
        return string(scalars)
    }

    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var out = String.UnicodeScalarView()
        for scalar in scalars { out.append(scalar) }
        return String(out)
    }

    /// Where `part` begins in `text`, in bytes; those that overlap an earlier one are left out.
    static func positions(of part: String, in text: String, limit: Int = .max) -> [Int] {
        let text = Array(text.utf8)
        let part = Array(part.utf8)
        guard !part.isEmpty else { return [0] }
        var out: [Int] = []
        var at = 0
        while at + part.count <= text.count, out.count < limit {
            if text[at] == part[0], text[at...].starts(with: part) {
                out.append(at)
                at += part.count
            } else {
                at += 1
            }
        }
        return out
    }
}

extension ExpressionValue {
    /// Characters of a text, bytes, elements or members; `nil` for values without a size.
    var size: Int? {
        switch self {
        case .string(let text): text.unicodeScalars.count
        case .bytes(let bytes): bytes.count
        case .list(let list): list.count
        case .map(let map): map.count
        default: nil
        }
    }

    /// Whether this is what a field has that nobody set.
    fileprivate var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .int(let value): value == 0
        case .uint(let value): value == 0
        case .double(let value): value == 0
        case .optional(let value): value == nil
        case .duration(let value): value == .zero
        default: size == 0
        }
    }
}
