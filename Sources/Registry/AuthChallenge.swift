internal import Bytes

/// One way in which a registry lets a client prove who it is: a challenge of `WWW-Authenticate` (RFC 9110 section
/// 11.6.1).
package struct AuthChallenge: Hashable, Sendable {
    /// In lower case: `bearer`, `basic`.
    package let scheme: String
    /// By names in lower case.
    package let parameters: [String: String]

    /// The most bytes of the header fields of one answer together, and the most challenges and parameters.
    package static let greatestByteCount = 16 << 10
    private static let greatestCount = 64

    /// The challenges of all fields of an answer. What can't be read is malformed: guessing where one challenge ends
    /// could send a credential elsewhere.
    package static func parse(_ fields: [String]) throws(RegistryError) -> [AuthChallenge] {
        var out: [AuthChallenge] = []
        for field in fields {
            guard field.utf8.count <= greatestByteCount else {
                throw RegistryError(.limit, "the registry's WWW-Authenticate is longer than \(greatestByteCount) bytes")
            }
            var parser = Parser(bytes: Array(field.utf8))
            guard let challenges = parser.challenges() else {
                throw RegistryError(
                    .malformed,
                    "the registry's WWW-Authenticate can't be read: \(String(field.prefix(200)).safeForTerminal)")
            }
            out += challenges
            guard out.count <= greatestCount else {
                throw RegistryError(.limit, "the registry offers more than \(greatestCount) ways to log in")
            }
        }
        return out
    }

    private struct Parser {
        let bytes: [UInt8]
        var at = 0

        mutating func challenges() -> [AuthChallenge]? {
            var out: [AuthChallenge] = []
            skipSeparators()
            while at < bytes.count {
                guard let scheme = token() else { return nil }
                guard at == bytes.count || bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == UInt8(ascii: ",")
                else { return nil }
                skipSpace()
                guard let parameters = parameters() else { return nil }
                out.append(AuthChallenge(scheme: scheme.lowercased(), parameters: parameters))
                guard out.count <= greatestCount else { return nil }
                skipSeparators()
            }
            return out
        }

        /// The parameters up to the next scheme: a token that no `=` follows.
        private mutating func parameters() -> [String: String]? {
            var out: [String: String] = [:]
            while true {
                let start = at
                skipSeparators()
                let nameStart = at
                guard let name = token() else {
                    return at == bytes.count ? out : nil
                }
                let nameEnd = at
                skipSpace()
                guard at < bytes.count, bytes[at] == UInt8(ascii: "=") else {
                    // The next challenge's scheme; or, behind a scheme alone, what is no parameter at all.
                    let isAfterComma =
                        start == nameStart
                        ? out.isEmpty && start == 0 : bytes[start..<nameStart].contains(UInt8(ascii: ","))
                    guard isAfterComma else { return nil }
                    at = nameStart
                    _ = nameEnd
                    return out
                }
                at += 1
                skipSpace()
                guard let value = value(), out.updateValue(value, forKey: name.lowercased()) == nil,
                    out.count <= greatestCount
                else { return nil }
                skipSpace()
                guard at == bytes.count || bytes[at] == UInt8(ascii: ",") else { return nil }
            }
        }

        private mutating func value() -> String? {
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return token() }
            at += 1
            var out: [UInt8] = []
            while at < bytes.count {
                var byte = bytes[at]
                if byte == UInt8(ascii: "\"") {
                    at += 1
                    return String(validating: out, as: UTF8.self)
                }
                if byte == UInt8(ascii: "\\") {
                    at += 1
                    guard at < bytes.count else { return nil }
                    byte = bytes[at]
                }
                guard byte >= 0x20, byte != 0x7F else { return nil }
                out.append(byte)
                at += 1
            }
            return nil
        }

        private mutating func token() -> String? {
            let start = at
            while at < bytes.count, Self.isInToken(bytes[at]) { at += 1 }
            return at > start ? String(decoding: bytes[start..<at], as: UTF8.self) : nil
        }

        private static func isInToken(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~/:".utf8.contains(byte)
            }
        }

        private mutating func skipSpace() {
            while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
        }

        private mutating func skipSeparators() {
            while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == UInt8(ascii: ",") {
                at += 1
            }
        }
    }
}
