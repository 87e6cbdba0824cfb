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
        /// The server does not prove to be who it is asked as.
        package static let untrusted = Code(name: "untrusted")
        /// An address, a header or a setting that can't be used.
        package static let malformed = Code(name: "malformed")
        /// The server sends the client to where it may not or need not go.
        package static let redirect = Code(name: "redirect")
        /// The caller has no more use for the answer.
        package static let cancelled = Code(name: "cancelled")
        /// The server answered that it won't or can't; `status` says how.
        package static let status = Code(name: "status")
    }

    package var code: Code
    /// What is wrong, and what to do where something can be done.
    package var message: String
    /// The status of the answer, where there was one.
    package var status: Int?

    package init(_ code: Code, _ message: String, status: Int? = nil) {
        self.code = code
        self.message = message
        self.status = status
    }

    package var description: String { message }
}
