/// The text of a scalar, and in which styles it can be written.
struct YAMLScalarText {
    /// One Unicode scalar value.
    struct Character: Hashable {
        let scalar: Unicode.Scalar

        init(_ scalar: Unicode.Scalar) { self.scalar = scalar }

        var code: UInt32 { scalar.value }

        var isSpace: Bool { code == 0x20 }
        var isBlank: Bool { code == 0x20 || code == 0x09 }
        var isBreak: Bool { code == 0x0A || code == 0x0D || code == 0x85 || code == 0x2028 || code == 0x2029 }

        /// What YAML lets stand unescaped.
        var isPrintable: Bool {
            switch code {
            case 0x0A, 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD: true
            default: false
            }
        }
    }

    let characters: [Character]
    private(set) var isMultiline = false
    private(set) var allowsFlowPlain = true
    private(set) var allowsBlockPlain = true
    private(set) var allowsSingleQuoted = true
    private(set) var allowsBlock = true

    init(_ text: String) {
        characters = text.unicodeScalars.map(Character.init)
        guard !characters.isEmpty else {
            allowsFlowPlain = false
            allowsBlock = false
            return
        }
        analyze()
    }

    private mutating func analyze() {
        var blockIndicators = false
        var flowIndicators = false
        var special = false
        var tabs = false
        var edge = false
        var trailingSpace = false
        var breakSpace = false
        var spaceBreak = false
        var previousSpace = false
        var previousBreak = false
        var afterWhitespace = true
        let prefix = characters.prefix(3).map(\.code)
        if prefix == [0x2D, 0x2D, 0x2D] || prefix == [0x2E, 0x2E, 0x2E] {
            blockIndicators = true
            flowIndicators = true
        }
        let last = characters.count - 1
        for (index, character) in characters.enumerated() {
            let beforeWhitespace = index == last || characters[index + 1].isBlank
            let sign = character.code < 0x80 ? UInt8(character.code) : 0
            if index == 0 {
                switch sign {
                case UInt8(ascii: "#"), UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
                    UInt8(ascii: "}"), UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "|"),
                    UInt8(ascii: ">"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "@"),
                    UInt8(ascii: "`"):
                    flowIndicators = true
                    blockIndicators = true
                case UInt8(ascii: "?"), UInt8(ascii: ":"):
                    flowIndicators = true
                    if beforeWhitespace { blockIndicators = true }
                case UInt8(ascii: "-") where beforeWhitespace:
                    flowIndicators = true
                    blockIndicators = true
                default: break
                }
            } else {
                switch sign {
                case UInt8(ascii: ","), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
                    UInt8(ascii: "}"):
                    flowIndicators = true
                case UInt8(ascii: ":"):
                    flowIndicators = true
                    if beforeWhitespace { blockIndicators = true }
                case UInt8(ascii: "#") where afterWhitespace:
                    flowIndicators = true
                    blockIndicators = true
                default: break
                }
            }
            if character.code == 0x09 { tabs = true } else if !character.isPrintable { special = true }
            if character.isSpace {
                if index == 0 { edge = true }
                if index == last {
                    edge = true
                    trailingSpace = true
                }
                if previousBreak { breakSpace = true }
                previousSpace = true
                previousBreak = false
            } else if character.isBreak {
                isMultiline = true
                if index == 0 || index == last { edge = true }
                if previousSpace { spaceBreak = true }
                previousSpace = false
                previousBreak = true
            } else {
                previousSpace = false
                previousBreak = false
            }
            afterWhitespace = character.isBlank || character.isBreak || character.code == 0
        }
        let needsEscapes = spaceBreak || special
        let forbidsPlain = edge || breakSpace || needsEscapes || tabs || isMultiline
        allowsFlowPlain = !forbidsPlain && !flowIndicators
        allowsBlockPlain = !forbidsPlain && !blockIndicators
        allowsSingleQuoted = !breakSpace && !needsEscapes && !tabs
        allowsBlock = !trailingSpace && !needsEscapes
    }

    /// The style in which `node` is written: its own, unless its text or place forbids it.
    func style(for node: YAMLNode, inFlow: Bool, isSimpleKey: Bool) -> YAMLNode.ScalarStyle {
        var style = node.style
        if style == .plain, characters.contains(where: { $0.code == 0x0A }) { style = .literal }
        if isSimpleKey && isMultiline { style = .doubleQuoted }
        if style == .plain {
            if inFlow ? !allowsFlowPlain : !allowsBlockPlain { style = .singleQuoted }
            if characters.isEmpty && (inFlow || isSimpleKey) { style = .singleQuoted }
        }
        if style == .singleQuoted && !allowsSingleQuoted { style = .doubleQuoted }
        if (style == .literal || style == .folded) && (!allowsBlock || inFlow || isSimpleKey) {
            style = .doubleQuoted
        }
        return style
    }
}
