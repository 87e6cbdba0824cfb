/// Why a server can't start or go on.
package struct ServeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The configuration is wrong.
        package static let configuration = Code(name: "configuration")
        /// An address can't be bound, or a service does not answer.
        package static let unreachable = Code(name: "unreachable")
        /// The data directory does not agree with itself.
        package static let damaged = Code(name: "damaged")
        /// Another server uses the data directory.
        package static let busy = Code(name: "busy")
    }

    package var code: Code
    /// What is wrong, and what to do where something can be done.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
