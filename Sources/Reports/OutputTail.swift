/// The end of what a step printed.
package struct OutputTail: Sendable {
    /// At least so many of the last bytes are kept.
    package static let limit = 64 << 10

    private var kept: [UInt8] = []
    /// How many bytes came before those that are kept.
    package private(set) var omitted = 0

    package init() {}

    /// How many bytes of memory it holds.
    package var retained: Int { kept.count }

    package var isEmpty: Bool { kept.isEmpty && omitted == 0 }

    /// Adds bytes at the end.
    package mutating func append(_ bytes: [UInt8]) {
        kept += bytes
        // Twice the limit, so that the front is cut off once per `limit` bytes and not at every line.
        if kept.count > 2 * Self.limit {
            omitted += kept.count - Self.limit
            kept.removeFirst(kept.count - Self.limit)
        }
    }

    /// Forgets what is kept and counts it as omitted.
    package mutating func clear() {
        omitted += kept.count
        kept = []
    }

    /// The text, without anything that could steer a terminal; it begins with a note where the beginning is missing.
    package var text: String {
        let text = PrintableText.text(kept)
        return omitted == 0 ? text : "[\(omitted) bytes before this are not shown]\n" + text
    }

    /// The last `count` lines of the text that are not blank at the end.
    package func lastLines(_ count: Int) -> [String] {
        var lines = PrintableText.text(kept.suffix(count * 512)).split(
            separator: "\n", omittingEmptySubsequences: false)
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        return lines.suffix(count).map(String.init)
    }
}
