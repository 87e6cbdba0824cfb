/// The order of Maven's versions (https://maven.apache.org/pom.html#Version_Order_Specification).
struct MavenVersion {
    private indirect enum Item {
        case number([UInt8])
        case word(String)
        case list([Item])

        var isNull: Bool {
            switch self {
            case .number(let digits): digits.allSatisfy { $0 == 0x30 }
            case .word(let word): word.isEmpty
            case .list(let items): items.isEmpty
            }
        }
    }

    private var items: [Item]
    private static let depthLimit = 100

    init(_ text: String) {
        let bytes = Array(text.lowercased().utf8.prefix(4096))
        var stack: [[Item]] = [[]]
        var start = 0
        var isDigits = false

        func close() {
            guard stack.count > 1, let last = stack.popLast() else { return }
            stack[stack.count - 1].append(.list(Self.normalized(last)))
        }
        func item(_ end: Int, followedByDigit: Bool) -> Item {
            if isDigits { return .number(Array(bytes[start..<end])) }
            return .word(
                Self.word(String(decoding: bytes[start..<end], as: UTF8.self), followedByDigit: followedByDigit))
        }
        func open() { if stack.count < Self.depthLimit { stack.append([]) } }

        for (index, byte) in bytes.enumerated() {
            let isDigit = VersionOrder.isDigit(byte)
            switch byte {
            case UInt8(ascii: "."):
                stack[stack.count - 1].append(
                    index == start ? .number([0x30]) : item(index, followedByDigit: false))
                start = index + 1
            case UInt8(ascii: "-"), UInt8(ascii: "_"):
                stack[stack.count - 1].append(
                    index == start ? .number([0x30]) : item(index, followedByDigit: false))
                start = index + 1
                if byte == UInt8(ascii: "-") { open() }
            case _ where isDigit:
                if !isDigits, index > start {
                    // A word right before digits begins a list of its own, as does the number behind it.
                    if stack[stack.count - 1].isEmpty == false { open() }
                    stack[stack.count - 1].append(item(index, followedByDigit: true))
                    start = index
                    open()
                }
                isDigits = true
            default:
                if isDigits, index > start {
                    stack[stack.count - 1].append(item(index, followedByDigit: false))
                    start = index
                    open()
                }
                isDigits = false
            }
        }
        if bytes.count > start {
            if !isDigits, stack[stack.count - 1].isEmpty == false { open() }
            stack[stack.count - 1].append(item(bytes.count, followedByDigit: false))
        }
        while stack.count > 1 { close() }
        items = Self.normalized(stack[0])
    }

    private static func word(_ word: String, followedByDigit: Bool) -> String {
        if followedByDigit, word.utf8.count == 1 {
            switch word {
            case "a": return "alpha"
            case "b": return "beta"
            case "m": return "milestone"
            default: break
            }
        }
        switch word {
        case "ga", "final", "release": return ""
        case "cr": return "rc"
        default: return word
        }
    }

    /// Without what says nothing at the end of a list.
    private static func normalized(_ items: [Item]) -> [Item] {
        var items = items
        var index = items.count - 1
        while index >= 0 {
            if items[index].isNull {
                items.remove(at: index)
            } else if case .list = items[index] {
            } else {
                break
            }
            index -= 1
        }
        return items
    }

    func compare(_ other: MavenVersion) -> Int { Self.compare(items, other.items) }

    private static func compare(_ left: [Item], _ right: [Item]) -> Int {
        for index in 0..<max(left.count, right.count) {
            let order: Int
            if index < left.count {
                order = compare(left[index], index < right.count ? right[index] : nil)
            } else {
                order = -compare(right[index], nil)
            }
            if order != 0 { return order }
        }
        return 0
    }

    private static let qualifiers = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"]

    /// Known words by their place, others behind them by their letters.
    private static func rank(_ word: String) -> (Int, String) {
        qualifiers.firstIndex(of: word).map { ($0, "") } ?? (qualifiers.count, word)
    }

    private static func compare(_ left: Item, _ right: Item?) -> Int {
        switch (left, right) {
        case (.number(let digits), nil): return digits.allSatisfy { $0 == 0x30 } ? 0 : 1
        case (.number(let left), .number(let right)): return VersionOrder.compareNumbers(left, right)
        case (.number, .word), (.number, .list): return 1
        case (.word(let left), nil): return compareWords(left, "")
        case (.word(let left), .word(let right)): return compareWords(left, right)
        case (.word, .number), (.word, .list): return -1
        case (.list(let left), nil):
            for item in left {
                let order = compare(item, nil)
                if order != 0 { return order }
            }
            return 0
        case (.list, .number): return -1
        case (.list, .word): return 1
        case (.list(let left), .list(let right)): return compare(left, right)
        }
    }

    private static func compareWords(_ left: String, _ right: String) -> Int {
        let (leftRank, leftWord) = rank(left)
        let (rightRank, rightWord) = rank(right)
        if leftRank != rightRank { return leftRank < rightRank ? -1 : 1 }
        return VersionOrder.compareBytes(leftWord.utf8, rightWord.utf8)
    }
}
