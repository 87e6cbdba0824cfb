/// Durations as people and formats write them.
enum DurationText {
    /// Whole nanoseconds, never negative.
    static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// Seconds with `digits` (1 to 9) digits after the point, cut, without a locale.
    static func seconds(_ duration: Duration, digits: Int) -> String {
        var unit: Int64 = 1
        for _ in digits..<9 { unit *= 10 }
        let units = nanoseconds(duration) / unit
        let whole = 1_000_000_000 / unit
        let fraction = String(units % whole)
        return "\(units / whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// `3.2s`, `1:02` or `1:02:03`: short and of steady width.
    static func elapsed(_ duration: Duration) -> String {
        let total = nanoseconds(duration) / 1_000_000_000
        if total < 60 { return seconds(duration, digits: 1) + "s" }
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if total < 3600 { return "\(total / 60):\(two(total % 60))" }
        return "\(total / 3600):\(two(total / 60 % 60)):\(two(total % 60))"
    }
}
