extension JSON {
    /// The canonical form of RFC 8785: no space, members sorted by the UTF-16 code units of their names, numbers as
    /// ECMAScript prints their binary64 value.
    ///
    /// An integer beyond 2^53 loses digits here, as the standard has it; such values belong into strings.
    package func canonical() -> [UInt8] {
        var writer = JSONWriter(style: .canonical)
        writer.value(self, indent: 0)
        return writer.out
    }

    /// The JSON text of this value, members in their own order and numbers as they were written.
    ///
    /// Indented by two spaces a level, or without any space; no line end follows.
    package func text(indented: Bool = false) -> String {
        String(decoding: bytes(indented: indented), as: UTF8.self)
    }

    /// The UTF-8 bytes of `text(indented:)`.
    package func bytes(indented: Bool = false) -> [UInt8] {
        var writer = JSONWriter(style: indented ? .indented : .plain)
        writer.value(self, indent: 0)
        return writer.out
    }
}

/// The JSON text being written.
private struct JSONWriter {
    enum Style { case plain, indented, canonical }

    let style: Style
    var out: [UInt8] = []

    init(style: Style) { self.style = style }

    mutating func value(_ value: JSON, indent: Int) {
        switch value {
        case .null: out += "null".utf8
        case .bool(let truth): out += (truth ? "true" : "false").utf8
        case .number(let number): out += (style == .canonical ? number.canonicalText : number.text).utf8
        case .string(let text): string(text)
        case .array(let elements): array(elements, indent: indent)
        case .object(let object): self.object(object, indent: indent)
        }
    }

    private mutating func array(_ elements: [JSON], indent: Int) {
        out.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            line(indent + 1)
            value(element, indent: indent + 1)
        }
        if !elements.isEmpty { line(indent) }
        out.append(UInt8(ascii: "]"))
    }

    private mutating func object(_ object: JSONObject, indent: Int) {
        var members = object.members
        if style == .canonical { members.sort { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) } }
        out.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            line(indent + 1)
            string(member.key)
            out.append(UInt8(ascii: ":"))
            if style == .indented { out.append(UInt8(ascii: " ")) }
            value(member.value, indent: indent + 1)
        }
        if !members.isEmpty { line(indent) }
        out.append(UInt8(ascii: "}"))
    }

    private mutating func line(_ indent: Int) {
        guard style == .indented else { return }
        out.append(UInt8(ascii: "\n"))
        for _ in 0..<indent * 2 { out.append(UInt8(ascii: " ")) }
    }

    /// The escapes of RFC 8785 section 3.2.2.2, which are the fewest that RFC 8259 allows.
    private mutating func string(_ text: String) {
        out.append(UInt8(ascii: "\""))
        // Most texts have nothing to escape, and are taken as a whole.
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        if isPlain { out += text.utf8 }
        for byte in isPlain ? "".utf8 : text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(byte)
            case 0x20...: out.append(byte)
            case 0x08: out += #"\b"#.utf8
            case 0x09: out += #"\t"#.utf8
            case 0x0A: out += #"\n"#.utf8
            case 0x0C: out += #"\f"#.utf8
            case 0x0D: out += #"\r"#.utf8
            default:
                out += #"\u00"#.utf8
                out += Hex.encode([byte]).utf8
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
