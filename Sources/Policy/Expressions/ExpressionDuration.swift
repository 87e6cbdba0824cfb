internal import Bytes

/// Durations as Go and the Common Expression Language write them: `1h30m`, `-1.5s`, `250ms`.
package enum ExpressionDuration {
    /// Reads a duration; `nil` where it is none, or is longer than 10,000 years.
    package static func parse(_ text: String) -> Duration? {
        var rest = Array(text.utf8)[...]
        var sign: Int128 = 1
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
            if rest.removeFirst() == UInt8(ascii: "-") { sign = -1 }
        }
        if rest.elementsEqual([UInt8(ascii: "0")]) { return .zero }
        guard !rest.isEmpty else { return nil }
        var total: Int128 = 0
        while !rest.isEmpty {
            guard let (value, scale) = number(&rest), let unit = unit(&rest) else { return nil }
            total += value * unit / scale
            guard total <= Int128(greatest) * 1_000_000_000 else { return nil }
        }
        return duration(nanoseconds: sign * total)
    }

    /// 10,000 years, in seconds.
    static let greatest: Int64 = 315_576_000_000

    static func duration(nanoseconds: Int128) -> Duration? {
        guard nanoseconds.magnitude <= UInt128(greatest) * 1_000_000_000 else { return nil }
        return Duration(
            secondsComponent: Int64(nanoseconds / 1_000_000_000),
            attosecondsComponent: Int64(nanoseconds % 1_000_000_000) * 1_000_000_000)
    }

    static func nanoseconds(_ duration: Duration) -> Int128 {
        let (seconds, attoseconds) = duration.components
        return Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
    }

    /// The digits of a number with a fraction as a whole number and what to divide by.
    private static func number(_ rest: inout ArraySlice<UInt8>) -> (Int128, Int128)? {
        var value: Int128 = 0
        var scale: Int128 = 1
        var count = 0
        var isFraction = false
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else if 0x30...0x39 ~= byte {
                count += 1
                guard count <= 24 else { return nil }
                value = value * 10 + Int128(byte - 0x30)
                if isFraction { scale *= 10 }
            } else {
                break
            }
            rest.removeFirst()
        }
        return count > 0 ? (value, scale) : nil
    }

    private static let units: [(String, Int128)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    private static func unit(_ rest: inout ArraySlice<UInt8>) -> Int128? {
        for (name, nanoseconds) in units where rest.starts(with: name.utf8) {
            rest.removeFirst(name.utf8.count)
            return nanoseconds
        }
        return nil
    }

    /// `5400s`, with a fraction where there is one.
    package static func text(_ duration: Duration) -> String {
        let nanoseconds = nanoseconds(duration)
        let whole = nanoseconds.magnitude / 1_000_000_000
        var fraction = String(String(1_000_000_000 + nanoseconds.magnitude % 1_000_000_000).dropFirst())
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return (nanoseconds < 0 ? "-" : "") + String(whole) + (fraction.isEmpty ? "" : "." + fraction) + "s"
    }

    /// `30d 12h`, for people.
    static func spoken(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        var parts: [String] = []
        for (unit, name) in [(Int64(86400), "d"), (3600, "h"), (60, "min"), (1, "s")] {
            let count = seconds.magnitude / unit.magnitude % (name == "d" ? .max : name == "h" ? 24 : 60)
            if count > 0 { parts.append("\(count)\(name)") }
        }
        return parts.isEmpty ? "0s" : parts.joined(separator: " ")
    }

    /// A moment so much later; `nil` outside of the years 1 to 9999.
    static func add(_ moment: Timestamp, _ duration: Duration) -> Timestamp? {
        let total = Int128(moment.seconds) * 1_000_000_000 + Int128(moment.nanoseconds) + nanoseconds(duration)
        var seconds = total / 1_000_000_000
        var rest = total % 1_000_000_000
        if rest < 0 {
            rest += 1_000_000_000
            seconds -= 1
        }
        guard seconds >= -62_135_596_800, let seconds = Int64(exactly: seconds) else { return nil }
        return Timestamp(seconds: seconds, nanoseconds: Int32(rest))
    }

    /// The time from the second moment to the first.
    static func difference(_ left: Timestamp, _ right: Timestamp) -> Duration? {
        duration(
            nanoseconds: (Int128(left.seconds) - Int128(right.seconds)) * 1_000_000_000
                + Int128(left.nanoseconds) - Int128(right.nanoseconds))
    }
}
