/// Why the store of statements can't be read, written or asked.
package struct LineageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case malformed, limit, unknown, damaged, configuration, unverified }
        private var value: Value

        /// What should be imported is none of the formats.
        package static let malformed = Code(value: .malformed)
        /// More than the limit allows.
        package static let limit = Code(value: .limit)
        /// Nothing of that name is known.
        package static let unknown = Code(value: .unknown)
        /// The store's own files are not as they were written.
        package static let damaged = Code(value: .damaged)
        /// A setting says what can't be.
        package static let configuration = Code(value: .configuration)
        /// A statement was not verified, and unverified ones were not asked for.
        package static let unverified = Code(value: .unverified)
    }

    package var code: Code
    /// What is wrong and, after a semicolon, what to do about it.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
