/// Why an expression can't be read, or has no value.
package struct ExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The text is no expression.
        case syntax
        /// An operation has no value: a missing key, a wrong type, an overflow.
        case noValue
        /// More work than allowed.
        case limit
    }

    package let code: Code
    package let message: String
    /// Where in the text, as a count of bytes before it.
    package let offset: Int

    package init(_ code: Code, _ message: String, at offset: Int) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    package var description: String { "\(message) (byte \(offset) of the expression)" }
}
