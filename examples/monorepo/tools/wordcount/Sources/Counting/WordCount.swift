/// How much text there is.
public struct WordCount: Equatable, Sendable {
    /// Lines, the last one also where no line feed ends it.
    public private(set) var lines = 0
    /// Runs of characters that are not white space.
    public private(set) var words = 0

    /// No text.
    public init() {}

    /// Adds a line of text.
    public mutating func add(line: String) {
        lines += 1
        words += line.split(whereSeparator: \.isWhitespace).count
    }
}
