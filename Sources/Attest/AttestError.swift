/// Why an envelope, statement, predicate or bundle can't be used.
package struct AttestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case malformed, unsupported, limit }
        private var value: Value

        /// The bytes break the format.
        package static let malformed = Code(value: .malformed)
        /// The format is of a kind or version that martlet does not know.
        package static let unsupported = Code(value: .unsupported)
        /// More than the limit allows.
        package static let limit = Code(value: .limit)
    }

    package var code: Code
    /// What is wrong, with the name of the field where there is one.
    package var message: String
    /// The line of the bundle, from 1.
    package var line: Int?

    package init(_ code: Code, _ message: String, line: Int? = nil) {
        self.code = code
        self.message = message
        self.line = line
    }

    package var description: String { line.map { "line \($0): \(message)" } ?? message }
}
