/// Why a release was not made, and what to do about it.
package struct ReleaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        private enum Value { case configuration, exists, refused, busy, unreachable }
        private var value: Value

        /// The definition asks for something that can't be.
        package static let configuration = Code(value: .configuration)
        /// This version was released already, and is something else.
        package static let exists = Code(value: .exists)
        /// A place does not let anybody publish like this.
        package static let refused = Code(value: .refused)
        /// Somebody else publishes there right now.
        package static let busy = Code(value: .busy)
        /// A place gave no answer that counts.
        package static let unreachable = Code(value: .unreachable)
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
