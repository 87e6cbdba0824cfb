/// Why a certificate, timestamp or token is not issued.
package struct AuthorityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The request breaks the format.
        package static let malformed = Code(name: "malformed")
        /// The request is for a kind that this authority does not issue.
        package static let unsupported = Code(name: "unsupported")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// The request is understood, and the answer is no.
        package static let refused = Code(name: "refused")
        /// The token or password does not show who is asking.
        package static let unauthenticated = Code(name: "unauthenticated")
        /// There definitely is no such thing.
        package static let absent = Code(name: "absent")
        /// Nobody can say: a key or an issuer can't be reached.
        package static let unreachable = Code(name: "unreachable")
        /// What is stored does not agree with itself.
        package static let damaged = Code(name: "damaged")
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
