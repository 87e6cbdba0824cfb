/// The lines of a text file, with their numbers.
struct TextLines: Sequence {
    /// A line without its end.
    struct Line {
        /// From 1.
        let number: Int
        let text: Substring

        /// How many spaces the line begins with.
        var indentation: Int { text.utf8.prefix { $0 == UInt8(ascii: " ") }.count }
        /// The line without white space around it.
        var trimmed: Substring { text.trimmed }
    }

    /// The longest line, in bytes.
    static let lineLimit = 1 << 20

    private let lines: [Line]

    /// Takes UTF-8 with lines that end in LF or CRLF.
    init(_ bytes: [UInt8]) throws(InventoryError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw InventoryError(.malformed, "the text is not UTF-8")
        }
        var lines: [Line] = []
        for (index, part) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            guard part.count <= Self.lineLimit else {
                throw InventoryError(.limit, "the line is longer than \(Self.lineLimit) bytes", line: index + 1)
            }
            lines.append(Line(number: index + 1, text: Substring(part.last == 0x0D ? part.dropLast() : part)))
        }
        self.lines = lines
    }

    func makeIterator() -> IndexingIterator<[Line]> { lines.makeIterator() }
}

extension Substring {
    /// This text without spaces and tabs around it.
    var trimmed: Substring {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var view = self.utf8[...]
        while let first = view.first, isSpace(first) { view = view.dropFirst() }
        while let last = view.last, isSpace(last) { view = view.dropLast() }
        return Substring(view)
    }

    /// The words between spaces and tabs.
    var words: [Substring] {
        utf8.split { $0 == 0x20 || $0 == 0x09 }.map { Substring($0) }
    }
}
