/// Makes text for people out of the bytes that a step printed.
///
/// A step is not trusted: its output must not move the cursor, set the window's title, fill the clipboard, hide lines
/// or turn the reading direction of what follows.
package enum PrintableText {
    private static let escape: UInt8 = 0x1b

    /// All lines of `bytes`, each cleaned, with `\n` between them.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        var out = ""
        var isFirst = true
        for line in Array(bytes).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if !isFirst { out += "\n" }
            isFirst = false
            out += self.line(line)
        }
        return out
    }

    /// `text` cleaned and on one line: for names and messages that come from files.
    package static func name(_ text: String) -> String { self.text(text.utf8).replacing("\n", with: " ") }

    /// One line (without its line feed), cleaned: no escape sequences and control characters but tabs; invalid UTF-8
    /// becomes U+FFFD; of parts that overwrite each other by carriage returns, the last that has text.
    ///
    /// - Parameter keepingColors: leaves the sequences that only set colours and weights, and ends with a reset when
    ///   there were any.
    package static func line(_ bytes: ArraySlice<UInt8>, keepingColors: Bool = false) -> String {
        let carriageReturn = UInt8(ascii: "\r")
        guard bytes.contains(where: { $0 < 0x20 || $0 > 0x7e }) else { return String(decoding: bytes, as: UTF8.self) }
        let visible = bytes.split(separator: carriageReturn).last ?? []
        let (stripped, hasColors) = withoutEscapes(visible, keepingColors: keepingColors)
        var out = String.UnicodeScalarView()
        for scalar in String(decoding: stripped, as: UTF8.self).unicodeScalars where isHarmless(scalar) {
            out.append(scalar)
        }
        return hasColors ? String(out) + "\u{1b}[0m" : String(out)
    }

    /// Removes escape sequences (ECMA-48 section 5.3 and 5.4). One that the line doesn't end takes the rest of the
    /// line, never more.
    private static func withoutEscapes(
        _ bytes: ArraySlice<UInt8>, keepingColors: Bool
    ) -> (bytes: [UInt8], hasColors: Bool) {
        var out: [UInt8] = []
        var hasColors = false
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == escape else {
                // What remains of a sequence that was cut off at its beginning has no escape, so it is harmless text.
                if byte >= 0x20 || byte == UInt8(ascii: "\t") { out.append(byte) }
                continue
            }
            guard let kind = rest.popFirst() else { break }
            switch kind {
            case UInt8(ascii: "["):
                let parameters = rest.prefix { (0x30...0x3b).contains($0) }
                let isPlain = rest.dropFirst(parameters.count).first == UInt8(ascii: "m")
                if isPlain, keepingColors, parameters.count <= 32 {
                    out += [escape, kind] + parameters + [UInt8(ascii: "m")]
                    hasColors = true
                }
                rest = rest.drop { (0x20...0x3f).contains($0) }.dropFirst()
            case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
                rest = afterString(rest)
            case 0x20...0x2f:
                rest = rest.drop { (0x20...0x2f).contains($0) }.dropFirst()
            case escape:
                rest = bytes[(rest.startIndex - 1)...]
            default:
                break
            }
        }
        return (out, hasColors)
    }

    /// What follows the end (BEL, or ESC and a backslash) of a control string.
    private static func afterString(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == 0x07 { return rest }
            if byte == escape {
                return rest.first == UInt8(ascii: "\\") ? rest.dropFirst() : bytes[(rest.startIndex - 1)...]
            }
        }
        return rest
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x1b: true
        case 0..<0x20, 0x7f..<0xa0: false
        // Separators that some programs take for line ends, and marks that turn the reading direction.
        case 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069: false
        case 0xfeff, 0xfff9...0xfffb, 0xfffe, 0xffff: false
        default: true
        }
    }
}
