/// Licence expressions that readers of documents will take.
enum License {
    /// Identifiers of the SPDX licence list that packages name most.
    private static let identifiers: Set<String> = [
        "0BSD", "AFL-2.1", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-1.1", "Apache-2.0", "Artistic-1.0",
        "Artistic-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSD-4-Clause",
        "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0", "CDDL-1.0", "CDDL-1.1", "CPL-1.0", "EPL-1.0", "EPL-2.0",
        "EUPL-1.2", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "HPND", "ISC",
        "LGPL-2.0-only", "LGPL-2.0-or-later", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only",
        "LGPL-3.0-or-later", "LLVM-exception", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0", "MS-PL", "NCSA", "OFL-1.1",
        "OpenSSL", "PHP-3.01", "PostgreSQL", "PSF-2.0", "Python-2.0", "Ruby", "Unicode-3.0", "Unicode-DFS-2016",
        "Unlicense", "UPL-1.0", "Vim", "W3C", "WTFPL", "X11", "ZPL-2.1", "Zlib", "curl", "Classpath-exception-2.0",
    ]

    /// `text` where it is an expression of known identifiers (SPDX 2.3, annex D); else `nil`, and readers are told
    /// nothing rather than something that they refuse.
    static func expression(_ text: String?) -> String? {
        guard let text, text.utf8.count <= 1000 else { return nil }
        var words: [String] = []
        var word = ""
        for character in text {
            if character == "(" || character == ")" || character == " " {
                if !word.isEmpty { words.append(word) }
                word = ""
                if character != " " { words.append(String(character)) }
            } else {
                word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        var depth = 0
        var wantsTerm = true
        var afterWith = false
        for word in words {
            switch word {
            case "(" where wantsTerm && !afterWith: depth += 1
            case ")" where !wantsTerm && depth > 0: depth -= 1
            case "AND" where !wantsTerm, "OR" where !wantsTerm, "WITH" where !wantsTerm:
                wantsTerm = true
                afterWith = word == "WITH"
            case _ where wantsTerm && identifiers.contains(word) && word.contains("exception") == afterWith:
                wantsTerm = false
                afterWith = false
            default: return nil
            }
        }
        return !wantsTerm && depth == 0 ? text : nil
    }
}
