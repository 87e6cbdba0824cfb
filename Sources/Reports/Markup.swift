/// Text inside XML and HTML.
enum Markup {
    /// `text` with nothing that XML 1.0 forbids (section 2.2), on as many lines as it has, and with all that has a
    /// meaning in markup escaped, in element content as well as in a quoted attribute.
    static func escaped(_ text: String) -> String {
        var out = ""
        out.reserveCapacity(text.utf8.count)
        for character in PrintableText.text(text.utf8).unicodeScalars {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }

    /// The same on one line, for names.
    static func name(_ text: String) -> String { escaped(PrintableText.name(text)) }
}
