/// Base 64 as RFC 4648 sections 4 and 5 have it.
package enum Base64 {
    /// Which characters stand for 62 and 63.
    package enum Alphabet: Hashable, Sendable {
        /// `+` and `/`, section 4.
        case standard
        /// `-` and `_`, section 5.
        case urlSafe
        /// A reader takes either, as verifiers of DSSE must; one text keeps to one of them.
        case either
    }

    private static let standardDigits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafeDigits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The values of the 64 digits of both alphabets; 255 for every other byte.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for digits in [standardDigits, urlSafeDigits] {
            for (value, digit) in digits.enumerated() { table[Int(digit)] = UInt8(value) }
        }
        return table
    }()

    /// Four characters for each three bytes, padded with `=`, in the standard alphabet unless told otherwise.
    package static func encode(_ bytes: [UInt8], alphabet: Alphabet = .standard, padded: Bool = true) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        append(bytes, to: &out, alphabet: alphabet, padded: padded)
        return String(decoding: out, as: UTF8.self)
    }

    /// Appends the text of `bytes`, as `encode` gives it.
    package static func append(
        _ bytes: [UInt8], to out: inout [UInt8], alphabet: Alphabet = .standard, padded: Bool = true
    ) {
        let digits = (alphabet == .urlSafe ? urlSafeDigits : standardDigits).span
        let bytes = bytes.span
        var index = 0
        while index + 3 <= bytes.count {
            let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
            out.append(digits[Int(group >> 18)])
            out.append(digits[Int(group >> 12 & 63)])
            out.append(digits[Int(group >> 6 & 63)])
            out.append(digits[Int(group & 63)])
            index += 3
        }
        let left = bytes.count - index
        guard left > 0 else { return }
        let group = UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
        out.append(digits[Int(group >> 18)])
        out.append(digits[Int(group >> 12 & 63)])
        if left > 1 { out.append(digits[Int(group >> 6 & 63)]) } else if padded { out.append(UInt8(ascii: "=")) }
        if padded { out.append(UInt8(ascii: "=")) }
    }

    /// The bytes that `text` stands for.
    ///
    /// Strict: no white space or line ends, padding as RFC 4648 asks (optional only where `requiresPadding` is
    /// false), and unused bits must be zero, so that one sequence of bytes has one text.
    package static func decode(
        _ text: String, alphabet: Alphabet = .standard, requiresPadding: Bool = true
    ) throws(ParseError) -> [UInt8] {
        let input = Array(text.utf8)
        var end = input.count
        while end > 0, input.count - end < 2, input[end - 1] == UInt8(ascii: "=") { end -= 1 }
        let padding = input.count - end
        guard end % 4 != 1 else { throw ParseError("base64 text ends inside a group", at: end) }
        guard padding == (4 - end % 4) % 4 || (padding == 0 && !requiresPadding) else {
            throw ParseError("base64 text must be padded with = to a multiple of four characters", at: end)
        }
        var out: [UInt8] = []
        out.reserveCapacity(end / 4 * 3 + 2)
        var seen = alphabet
        var group: UInt32 = 0
        for at in 0..<end {
            let value = values[Int(input[at])]
            guard value < 64 else { throw ParseError("no base64 digit", at: at) }
            if value >= 62 {
                let used: Alphabet = standardDigits[Int(value)] == input[at] ? .standard : .urlSafe
                guard seen == .either || seen == used else {
                    throw ParseError("a digit of the other base64 alphabet", at: at)
                }
                seen = used
            }
            group = group << 6 | UInt32(value)
            if at % 4 == 3 {
                out.append(UInt8(truncatingIfNeeded: group >> 16))
                out.append(UInt8(truncatingIfNeeded: group >> 8))
                out.append(UInt8(truncatingIfNeeded: group))
                group = 0
            }
        }
        switch end % 4 {
        case 2:
            guard group & 0xF == 0 else { throw ParseError("unused bits of the last digit are not zero", at: end - 1) }
            out.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            guard group & 0x3 == 0 else { throw ParseError("unused bits of the last digit are not zero", at: end - 1) }
            out.append(UInt8(truncatingIfNeeded: group >> 10))
            out.append(UInt8(truncatingIfNeeded: group >> 2))
        default: break
        }
        return out
    }
}
