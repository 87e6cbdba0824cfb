extension JSON {
    /// The canonical form of OLPC (http://wiki.laptop.org/go/Canonical_JSON), over which TUF and older in-toto metadata
    /// are signed: no space, members sorted by the code points of their names, only `"` and `\` escaped.
    ///
    /// That form has integers alone: `nil` where the value holds any other number.
    package func canonicalOLPC() -> [UInt8]? {
        var out: [UInt8] = []
        return writeOLPC(to: &out) ? out : nil
    }

    private func writeOLPC(to out: inout [UInt8]) -> Bool {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .number(let number):
            guard number.isPlainInteger else { return false }
            out += number.text.utf8
        case .string(let text): Self.writeOLPC(text, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                guard element.writeOLPC(to: &out) else { return false }
            }
            out.append(UInt8(ascii: "]"))
        case .object(let object):
            out.append(UInt8(ascii: "{"))
            // The order of UTF-8 bytes is that of code points.
            let members = object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.writeOLPC(member.key, to: &out)
                out.append(UInt8(ascii: ":"))
                guard member.value.writeOLPC(to: &out) else { return false }
            }
            out.append(UInt8(ascii: "}"))
        }
        return true
    }

    private static func writeOLPC(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(UInt8(ascii: "\\")) }
            out.append(byte)
        }
        out.append(UInt8(ascii: "\""))
    }
}

extension JSONNumber {
    /// Whether the number is written as an integer, the only way in which one integer has one spelling.
    fileprivate var isPlainInteger: Bool {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") }
        return text != "-0" && digits.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
