/// Text measured in the columns of a terminal.
package enum Columns {
    /// How many columns `text` takes. Tabs and control characters count as none: clean the text first.
    package static func width(of text: some StringProtocol) -> Int {
        if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text.utf8.count }
        return text.reduce(0) { $0 + width(of: $1) }
    }

    /// How many columns a character takes: 0, 1 or 2.
    package static func width(of character: Character) -> Int {
        var width = 0
        var regionalIndicators = 0
        for scalar in character.unicodeScalars {
            if scalar.value == 0xfe0f, width == 1 { return 2 }
            if (0x1f1e6...0x1f1ff).contains(scalar.value) { regionalIndicators += 1 }
            width = max(width, self.width(of: scalar))
        }
        return regionalIndicators == 2 ? 2 : width
    }

    /// The beginning of `text` with an ellipsis if it is wider than `columns`.
    package static func head(_ text: String, _ columns: Int) -> String {
        guard width(of: text) > columns else { return text }
        guard columns > 0 else { return "" }
        return prefix(text, columns - 1) + "…"
    }

    /// The end of `text` with an ellipsis before it if it is wider than `columns`.
    package static func tail(_ text: String, _ columns: Int) -> String {
        guard width(of: text) > columns else { return text }
        guard columns > 0 else { return "" }
        var kept: [Character] = []
        var used = 1
        for character in text.reversed() {
            used += width(of: character)
            if used > columns { break }
            kept.append(character)
        }
        return "…" + String(kept.reversed())
    }

    /// `text` with spaces after it up to `columns`.
    package static func padded(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - width(of: text)))
    }

    private static func prefix(_ text: String, _ columns: Int) -> String {
        var out = ""
        var used = 0
        for character in text {
            used += width(of: character)
            if used > columns { break }
            out.append(character)
        }
        return out
    }

    private static func width(of scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if (0x20..<0x7f).contains(value) { return 1 }
        switch scalar.properties.generalCategory {
        case .control, .nonspacingMark, .enclosingMark, .lineSeparator, .paragraphSeparator: return 0
        case .format: return value == 0xad ? 1 : 0
        default: break
        }
        // The vowels and final consonants of Hangul join the syllable before them.
        if (0x1160...0x11ff).contains(value) { return 0 }
        return isWide(value) ? 2 : 1
    }

    private static func isWide(_ value: UInt32) -> Bool {
        guard value >= 0x1100 else { return false }
        var low = 0
        var high = wide.count
        while low < high {
            let middle = (low + high) / 2
            if value > wide[middle].upperBound { low = middle + 1 } else { high = middle }
        }
        return low < wide.count && wide[low].contains(value)
    }

    /// The blocks that Unicode's East Asian Width (UAX #11) calls Wide or Fullwidth, unassigned places inside them
    /// included; sorted.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x231a...0x231b, 0x2329...0x232a, 0x23e9...0x23ec, 0x23f0...0x23f0, 0x23f3...0x23f3,
        0x25fd...0x25fe, 0x2614...0x2615, 0x2648...0x2653, 0x267f...0x267f, 0x2693...0x2693, 0x26a1...0x26a1,
        0x26aa...0x26ab, 0x26bd...0x26be, 0x26c4...0x26c5, 0x26ce...0x26ce, 0x26d4...0x26d4, 0x26ea...0x26ea,
        0x26f2...0x26f3, 0x26f5...0x26f5, 0x26fa...0x26fa, 0x26fd...0x26fd, 0x2705...0x2705, 0x270a...0x270b,
        0x2728...0x2728, 0x274c...0x274c, 0x274e...0x274e, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
        0x27b0...0x27b0, 0x27bf...0x27bf, 0x2b1b...0x2b1c, 0x2b50...0x2b50, 0x2b55...0x2b55, 0x2e80...0x303e,
        0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff,
        0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18cff, 0x1aff0...0x1b2ff,
        0x1f004...0x1f004, 0x1f0cf...0x1f0cf, 0x1f18e...0x1f18e, 0x1f191...0x1f19a, 0x1f200...0x1f320,
        0x1f32d...0x1f335, 0x1f337...0x1f37c, 0x1f37e...0x1f393, 0x1f3a0...0x1f3ca, 0x1f3cf...0x1f3d3,
        0x1f3e0...0x1f3f0, 0x1f3f4...0x1f3f4, 0x1f3f8...0x1f43e, 0x1f440...0x1f440, 0x1f442...0x1f4fc,
        0x1f4ff...0x1f53d, 0x1f54b...0x1f54e, 0x1f550...0x1f567, 0x1f57a...0x1f57a, 0x1f595...0x1f596,
        0x1f5a4...0x1f5a4, 0x1f5fb...0x1f64f, 0x1f680...0x1f6c5, 0x1f6cc...0x1f6cc, 0x1f6d0...0x1f6d2,
        0x1f6d5...0x1f6d7, 0x1f6dc...0x1f6df, 0x1f6eb...0x1f6ec, 0x1f6f4...0x1f6fc, 0x1f7e0...0x1f7eb,
        0x1f7f0...0x1f7f0, 0x1f90c...0x1f93a, 0x1f93c...0x1f945, 0x1f947...0x1f9ff, 0x1fa70...0x1faff,
        0x20000...0x3fffd,
    ]
}
