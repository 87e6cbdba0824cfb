internal import Bytes

extension ExpressionRun {
    func substring(
        _ text: String, _ values: [ExpressionValue], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        let scalars = Array(text.unicodeScalars)
        guard case .int(let start) = values[0] else { return nil }
        var end = Int64(scalars.count)
        if values.count == 2 {
            guard case .int(let given) = values[1] else { return nil }
            end = given
        }
        guard start >= 0, start <= end, end <= scalars.count else {
            throw ExpressionError(.noValue, "the text has no characters \(start) to \(end)", at: offset)
        }
        return .string(Self.string(scalars[Int(start)..<Int(end)]))
    }

    func index(
        _ isLast: Bool, _ text: String, _ values: [ExpressionValue], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        guard case .string(let part) = values[0] else { return nil }
        let text = Array(text.unicodeScalars)
        let wanted = Array(part.unicodeScalars)
        var bound: Int?
        if values.count == 2 {
            guard case .int(let given) = values[1] else { return nil }
            guard given >= 0, given <= text.count else {
                throw ExpressionError(.noValue, "the text has no character \(given)", at: offset)
            }
            bound = Int(given)
        }
        let last = text.count - wanted.count
        guard last >= 0 else { return .int(-1) }
        let places = isLast ? 0...max(0, min(last, bound ?? last)) : min(bound ?? 0, last + 1)...(last + 1)
        for place in isLast ? Array(places.reversed()) : Array(places)
        where place <= last && text[place...].starts(with: wanted) {
            return .int(Int64(place))
        }
        return .int(-1)
    }

    /// `split` and `replace`, the last argument of which says how often.
    mutating func parts(
        _ function: ExpressionFunction, _ text: String, _ values: [ExpressionValue], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        guard case .string(let mark) = values[0] else { return nil }
        var limit = Int.max
        let limitPlace = function == .split ? 1 : 2
        if values.count > limitPlace {
            guard case .int(let given) = values[limitPlace] else { return nil }
            limit = given < 0 ? .max : Int(given)
        }
        if function == .split {
            if limit == 0 { return .list(.values([])) }
            let pieces = Self.pieces(text, mark, cuts: limit == .max ? .max : limit - 1)
            try spend(pieces.count, offset)
            return .list(.values(pieces.map { .string($0) }))
        }
        guard case .string(let other) = values[1] else { return nil }
        guard !mark.isEmpty else {
            let scalars = text.unicodeScalars.map { String($0) } + [""]
            try spend(scalars.count * (1 + other.utf8.count / 16), offset)
            var out = ""
            for (index, scalar) in scalars.enumerated() { out += (index < limit ? other : "") + scalar }
            return .string(out)
        }
        let pieces = Self.pieces(text, mark, cuts: limit)
        try spend(pieces.count * (1 + other.utf8.count / 16), offset)
        return .string(pieces.joined(separator: other))
    }

    private static func pieces(_ text: String, _ mark: String, cuts: Int) -> [String] {
        guard !mark.isEmpty else {
            let scalars = Array(text.unicodeScalars)
            guard scalars.count > cuts else { return scalars.map { String($0) } }
            return scalars.prefix(cuts).map { String($0) } + [string(scalars.dropFirst(cuts))]
        }
        let bytes = Array(text.utf8)
        var out: [String] = []
        var start = 0
        for place in positions(of: mark, in: text, limit: cuts) {
            out.append(String(decoding: bytes[start..<place], as: UTF8.self))
            start = place + mark.utf8.count
        }
        out.append(String(decoding: bytes[start...], as: UTF8.self))
        return out
    }

    // MARK: - Moments

    /// A field of a moment in UTC, or in a zone such as `+02:00`.
    func field(
        _ function: ExpressionFunction, of moment: Timestamp, _ values: [ExpressionValue], _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        var moment = moment
        if values.count == 2 {
            guard case .string(let zone) = values[1] else { return nil }
            guard let shift = Self.shift(zone), let shifted = ExpressionDuration.add(moment, .seconds(shift)) else {
                throw ExpressionError(
                    .noValue, "the time zone \(zone.safeForTerminal) is not taken; write it as +02:00", at: offset)
            }
            moment = shifted
        } else if values.count != 1 {
            return nil
        }
        let days = Int64((Double(moment.seconds) / 86400).rounded(.down))
        // `2006-01-02T15:04:05Z`, which is always in this form.
        let digits = Array(moment.description.utf8)
        func number(_ start: Int, _ count: Int) -> Int64 {
            digits[start..<(start + count)].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        switch function {
        case .getFullYear: return .int(number(0, 4))
        case .getMonth: return .int(number(5, 2) - 1)
        case .getDate: return .int(number(8, 2))
        case .getDayOfMonth: return .int(number(8, 2) - 1)
        case .getDayOfWeek: return .int(((days + 4) % 7 + 7) % 7)
        case .getDayOfYear:
            let year = String(decoding: digits[0..<4], as: UTF8.self)
            guard let first = Timestamp(year + "-01-01T00:00:00Z") else { return nil }
            return .int((moment.seconds - first.seconds) / 86400)
        case .getHours: return .int(number(11, 2))
        case .getMinutes: return .int(number(14, 2))
        case .getSeconds: return .int(number(17, 2))
        case .getMilliseconds: return .int(Int64(moment.nanoseconds / 1_000_000))
        default: return nil
        }
    }

    /// The seconds that a zone is ahead of UTC.
    private static func shift(_ zone: String) -> Int64? {
        if zone == "UTC" || zone == "Z" || zone.isEmpty { return 0 }
        let digits = zone.first == "+" || zone.first == "-" ? zone.dropFirst() : zone[...]
        let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hours = UInt8(parts[0]),
            let minutes = UInt8(parts[1]), hours <= 23, minutes <= 59
        else { return nil }
        let seconds = Int64(hours) * 3600 + Int64(minutes) * 60
        return zone.first == "-" ? -seconds : seconds
    }

    static func field(_ function: ExpressionFunction, of duration: Duration) -> ExpressionValue? {
        let nanoseconds = ExpressionDuration.nanoseconds(duration)
        switch function {
        case .getHours: return .int(Int64(nanoseconds / 3_600_000_000_000))
        case .getMinutes: return .int(Int64(nanoseconds / 60_000_000_000))
        case .getSeconds: return .int(Int64(nanoseconds / 1_000_000_000))
        case .getMilliseconds: return .int(Int64(nanoseconds / 1_000_000))
        default: return nil
        }
    }

    // MARK: - Conversions

    /// A value as one of another type; `nil` where there is no such conversion.
    func convert(
        _ value: ExpressionValue, to type: ExpressionFunction, _ offset: Int
    ) throws(ExpressionError) -> ExpressionValue? {
        let converted = Self.converted(value, type)
        if let converted { return converted }
        switch value {
        case .string, .int, .uint, .double, .bytes:
            throw ExpressionError(.noValue, "the \(value.typeName) is no \(type.rawValue)", at: offset)
        default: return nil
        }
    }

    private static func converted(_ value: ExpressionValue, _ type: ExpressionFunction) -> ExpressionValue? {
        if value.typeName == type.rawValue { return value }
        switch (type, value) {
        case (.timestamp, .timestamp), (.duration, .duration): return value
        case (.int, .uint(let value)): return Int64(exactly: value).map { .int($0) }
        case (.int, .double(let value)):
            guard value.isFinite, value > -0x1p63, value < 0x1p63 else { return nil }
            return .int(Int64(value))
        case (.int, .string(let text)): return text.first == "+" ? nil : Int64(text).map { .int($0) }
        case (.int, .timestamp(let moment)): return .int(moment.seconds)
        case (.uint, .int(let value)): return UInt64(exactly: value).map { .uint($0) }
        case (.uint, .double(let value)):
            guard value.isFinite, value > -1, value < 0x1p64 else { return nil }
            return .uint(UInt64(value))
        case (.uint, .string(let text)): return text.first == "+" ? nil : UInt64(text).map { .uint($0) }
        case (.double, .int(let value)): return .double(Double(value))
        case (.double, .uint(let value)): return .double(Double(value))
        case (.double, .string(let text)): return Double(text).map { .double($0) }
        case (.string, .int(let value)): return .string("\(value)")
        case (.string, .uint(let value)): return .string("\(value)")
        case (.string, .double(let value)): return .string(JSONNumber(value)?.text ?? "\(value)")
        case (.string, .bool(let value)): return .string("\(value)")
        case (.string, .bytes(let bytes)): return String(validating: bytes, as: UTF8.self).map { .string($0) }
        case (.string, .timestamp(let moment)): return .string(moment.description)
        case (.string, .duration(let duration)): return .string(ExpressionDuration.text(duration))
        case (.bytes, .string(let text)): return .bytes(Array(text.utf8))
        case (.bool, .string(let text)):
            switch text {
            case "true", "True", "TRUE", "t", "1": return .bool(true)
            case "false", "False", "FALSE", "f", "0": return .bool(false)
            default: return nil
            }
        case (.timestamp, .string(let text)): return Timestamp(text).map { .timestamp($0) }
        case (.timestamp, .int(let seconds)): return Timestamp(seconds: seconds).map { .timestamp($0) }
        case (.duration, .string(let text)): return ExpressionDuration.parse(text).map { .duration($0) }
        case (.duration, .int(let seconds)):
            return ExpressionDuration.duration(nanoseconds: Int128(seconds) * 1_000_000_000).map { .duration($0) }
        default: return nil
        }
    }
}
