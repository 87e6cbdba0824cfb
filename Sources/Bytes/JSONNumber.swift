/// A JSON number as its text; RFC 8259 section 6 says how it is spelled.
///
/// Its magnitude is within binary64, so `doubleValue` is always finite.
package struct JSONNumber: Hashable, Sendable {
    /// The text as it was written, such as `-12.50e+3`.
    package let text: String

    /// Takes text that the parser has checked.
    init(checked text: String) { self.text = text }

    package init(_ value: some FixedWidthInteger) { text = String(value) }

    /// The shortest text that reads back as `value`, as ECMAScript writes it; `nil` for infinities and NaN.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = Self.canonicalText(of: value)
    }

    /// The number where it is exactly an `Int`, however it is spelled: `7`, `7.0` and `70e-1` are all 7.
    ///
    /// A spelling with a fraction or an exponent counts only up to 2^53, where binary64 is exact.
    package var intValue: Int? {
        if let value = Int(text) { return value }
        guard text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) else {
            return nil
        }
        let value = doubleValue
        guard value.magnitude <= 0x1p53 else { return nil }
        let integer = Int(value)
        return Double(integer) == value ? integer : nil
    }

    /// The nearest binary64 value.
    package var doubleValue: Double { Double(text) ?? 0 }

    /// The text that RFC 8785 section 3.2.2.3 asks for: that of the nearest binary64 value.
    package var canonicalText: String {
        // Up to 15 digits an integer is its own canonical text; most numbers are such.
        if text.utf8.count <= 15, text != "-0", Int(text) != nil { return text }
        return Self.canonicalText(of: doubleValue)
    }

    /// The text of a finite number as ECMAScript's `Number::toString` has it (ECMA-262, section 6.1.6.1.20).
    static func canonicalText(of value: Double) -> String {
        if value == 0 { return "0" }
        let (digits, point) = shortestDigits(of: value.magnitude)
        let count = digits.utf8.count
        let sign = value < 0 ? "-" : ""
        // The number is 0.DIGITS times ten to the power of `point`.
        switch point {
        case count...21:
            return sign + digits + String(repeating: "0", count: point - count)
        case 1...21:
            return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        case -5...0:
            return sign + "0." + String(repeating: "0", count: -point) + digits
        default:
            let exponent = point - 1
            let fraction = count > 1 ? "." + digits.dropFirst() : ""
            return sign + digits.prefix(1) + fraction + (exponent < 0 ? "e-" : "e+") + String(exponent.magnitude)
        }
    }

    /// The fewest digits that identify a positive number, and the place of the decimal point before which they end.
    private static func shortestDigits(of value: Double) -> (digits: String, point: Int) {
        // Swift prints the shortest digits that read back, but with an exponent in other places than ECMAScript.
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        let text = Array(value.description.utf8)
        for (index, byte) in text.enumerated() {
            if byte == UInt8(ascii: ".") {
                point = digits.count
            } else if byte | 0x20 == UInt8(ascii: "e") {
                exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                digits.append(byte)
            }
        }
        var place = (point ?? digits.count) + exponent
        let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(zeros)
        place -= zeros
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (String(decoding: digits, as: UTF8.self), place)
    }
}
