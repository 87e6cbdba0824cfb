/// Why a byte sequence is not what it should be: what is wrong, what was expected, and where.
package struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong and, where it helps, what would be right.
    package var message: String
    /// The offset of the first offending byte.
    package var offset: Int

    package init(_ message: String, at offset: Int) {
        self.message = message
        self.offset = offset
    }

    package var description: String { "\(message) (at byte \(offset))" }
}
