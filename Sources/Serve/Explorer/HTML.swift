internal import Bytes

/// A piece of a page. What stands in a literal is markup; whatever is put into one is text, and escaped.
///
/// Names, statements and certificates are a stranger's words. Only another `HTML` gets in as it is, so that a text can't
/// become markup by being forgotten.
struct HTML: ExpressibleByStringInterpolation, Sendable {
    private(set) var text: String

    init(stringLiteral value: String) { text = value }

    init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// A text of one line.
    ///
    /// What would be invisible or turn the reading direction is written out, and the direction of the whole is its own
    /// affair. What is longer than `limit` bytes is cut, and says so.
    static func text(_ text: String, limit: Int = 2000) -> HTML { "\(text, limit: limit)" }

    /// The text in a frame of its own: its direction does not turn what is around it.
    static func name(_ text: String, limit: Int = 300) -> HTML { "<bdi>\(text, limit: limit)</bdi>" }

    /// A text of many lines.
    static func lines(_ text: String, limit: Int = 256 << 10) -> HTML {
        let bytes = text.utf8
        let shown = bytes.count <= limit ? text : String(decoding: bytes.prefix(limit), as: UTF8.self)
        var out: HTML = ""
        for (number, line) in shown.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if number > 0 { out += "\n" }
            out += "\(String(line), limit: limit)"
        }
        if bytes.count > limit { out += "\n… (\(Self.count(bytes.count)) bytes in all)" }
        return out
    }

    static func += (left: inout HTML, right: HTML) { left.text += right.text }

    /// A number with its thousands parted.
    static func count(_ number: some BinaryInteger) -> String {
        var out = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0, digit != "-" { out.append(",") }
            out.append(digit)
        }
        return String(out.reversed())
    }

    struct StringInterpolation: StringInterpolationProtocol {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 32)
        }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ html: HTML) { text += html.text }
        mutating func appendInterpolation(_ html: HTML?) { text += html?.text ?? "" }
        mutating func appendInterpolation(_ number: some BinaryInteger) { text += String(number) }

        mutating func appendInterpolation(_ value: String, limit: Int = 2000) {
            let count = value.utf8.count
            let shown = count <= limit ? value : String(decoding: value.utf8.prefix(limit), as: UTF8.self)
            for scalar in shown.safeForTerminal.unicodeScalars {
                switch scalar {
                case "&": text += "&amp;"
                case "<": text += "&lt;"
                case ">": text += "&gt;"
                case "\"": text += "&quot;"
                case "'": text += "&#39;"
                default:
                    if HTML.isInvisible(scalar) {
                        text += "\\u{" + String(scalar.value, radix: 16) + "}"
                    } else {
                        text.unicodeScalars.append(scalar)
                    }
                }
            }
            if count > limit { text += "… (\(HTML.count(count)) bytes in all)" }
        }
    }

    /// Whether a scalar leaves no trace on a screen, so that two names which differ in it look the same.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xAD, 0x200B...0x200D, 0x2060...0x2065, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: false
        }
    }
}

extension Sequence<HTML> {
    func joined(separator: HTML = "") -> HTML {
        var out: HTML = ""
        var isFirst = true
        for part in self {
            if !isFirst { out += separator }
            isFirst = false
            out += part
        }
        return out
    }
}

/// The query of an address, as a form sends it: `+` is a space there.
enum FormQuery {
    /// The longest query that is read.
    static let greatestByteCount = 8192

    /// The first value of `name`; `nil` where it is absent, too long or no UTF-8.
    static func value(_ name: String, in query: String?) -> String? {
        guard let query, query.utf8.count <= greatestByteCount else { return nil }
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard FormText.decoded(pair[0]) == name else { continue }
            return pair.count == 2 ? FormText.decoded(pair[1]) : ""
        }
        return nil
    }

    /// `text` as a value in a query.
    static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2F, 0x3A, 0x40:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }
}
