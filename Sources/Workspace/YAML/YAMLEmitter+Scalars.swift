extension YAMLEmitter {
    mutating func writePlain(_ text: YAMLScalarText) {
        if !text.characters.isEmpty && !isAtWhitespace { put(UInt8(ascii: " ")) }
        writeLines(text, quote: nil)
        if !text.characters.isEmpty { isAtWhitespace = false }
        isAtIndention = false
    }

    mutating func writeSingleQuoted(_ text: YAMLScalarText) {
        writeIndicator("'", needsWhitespace: true)
        writeLines(text, quote: UInt32(UInt8(ascii: "'")))
        writeIndicator("'", needsWhitespace: false)
        isAtWhitespace = false
        isAtIndention = false
    }

    /// Writes text whose line feeds are doubled, because reading folds single ones into spaces.
    private mutating func writeLines(_ text: YAMLScalarText, quote: UInt32?) {
        var afterBreak = false
        for character in text.characters {
            if character.isSpace {
                write(character)
            } else if character.isBreak {
                if !afterBreak && character.code == 0x0A { putBreak() }
                writeBreak(character)
                afterBreak = true
            } else {
                if afterBreak { writeIndent() }
                if character.code == quote { write(character) }
                write(character)
                isAtIndention = false
                afterBreak = false
            }
        }
    }

    mutating func writeDoubleQuoted(_ text: YAMLScalarText) {
        writeIndicator("\"", needsWhitespace: true)
        for character in text.characters {
            let isPlain =
                character.isPrintable && character.code != 0xFEFF && !character.isBreak
                && character.code != UInt32(UInt8(ascii: "\"")) && character.code != UInt32(UInt8(ascii: "\\"))
            if isPlain { write(character) } else { write(Self.escape(character.code)) }
        }
        writeIndicator("\"", needsWhitespace: false)
        isAtWhitespace = false
        isAtIndention = false
    }

    private static func escape(_ code: UInt32) -> String {
        switch code {
        case 0x00: return "\\0"
        case 0x07: return "\\a"
        case 0x08: return "\\b"
        case 0x09: return "\\t"
        case 0x0A: return "\\n"
        case 0x0B: return "\\v"
        case 0x0C: return "\\f"
        case 0x0D: return "\\r"
        case 0x1B: return "\\e"
        case 0x22: return "\\\""
        case 0x5C: return "\\\\"
        case 0x85: return "\\N"
        case 0xA0: return "\\_"
        case 0x2028: return "\\L"
        case 0x2029: return "\\P"
        default:
            let (letter, width) = code <= 0xFF ? ("x", 2) : code <= 0xFFFF ? ("u", 4) : ("U", 8)
            let digits = String(code, radix: 16, uppercase: true)
            return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
        }
    }

    /// The header of a literal or folded scalar: how far it is indented when its text doesn't show it, and what
    /// happens to the line breaks at its end.
    private mutating func writeBlockHeader(_ sign: String, _ text: YAMLScalarText) {
        writeIndicator(sign, needsWhitespace: true)
        let characters = text.characters
        if let first = characters.first, first.isSpace || first.isBreak {
            writeIndicator(String(step), needsWhitespace: false)
        }
        if characters.last?.isBreak != true {
            writeIndicator("-", needsWhitespace: false)
        } else if characters.count == 1 || characters[characters.count - 2].isBreak {
            writeIndicator("+", needsWhitespace: false)
        }
        writeLineComment()
        isAtWhitespace = true
    }

    mutating func writeLiteral(_ text: YAMLScalarText) {
        writeBlockHeader("|", text)
        var afterBreak = true
        for character in text.characters {
            if character.isBreak {
                writeBreak(character)
                afterBreak = true
            } else {
                if afterBreak { writeIndent() }
                write(character)
                isAtIndention = false
                afterBreak = false
            }
        }
    }

    mutating func writeFolded(_ text: YAMLScalarText) {
        writeBlockHeader(">", text)
        let characters = text.characters
        // yaml.v3 looks at the breaks at the start of the whole text here, not at those at hand.
        let lead = characters.prefix { $0.isBreak }.count
        let followsContent =
            lead < characters.count && !characters[lead].isBlank && characters[lead].code != 0
        var afterBreak = true
        var leadingBlank = true
        for character in characters {
            if character.isBreak {
                if !afterBreak && !leadingBlank && character.code == 0x0A && followsContent { putBreak() }
                writeBreak(character)
                afterBreak = true
            } else {
                if afterBreak {
                    writeIndent()
                    leadingBlank = character.isBlank
                }
                write(character)
                isAtIndention = false
                afterBreak = false
            }
        }
    }
}
