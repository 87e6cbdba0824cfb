/// Why a request gave no answer that can be used.
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// No connection, or it broke off: nobody can say what the server would have answered.
        package static let unreachable = Code(name: "unreachable")
        /// The deadline passed.
        package static let timedOut = Code(name: "timed-out")
        /// The answer is longer than the caller takes.
        package static let tooLarge = Code(name: "too-large")
        /// The caller forbade every connection.
        package static let offline = Code(name: "offline")
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
