/// Why a bundle, trusted root or signing configuration can't be read.
package struct SigstoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The code of this name, as another process tells it.
        package init(name: String) { self.name = name }

        /// The bytes break the format.
        package static let malformed = Code(name: "malformed")
        /// The format is of a kind or version that martlet does not know.
        package static let unsupported = Code(name: "unsupported")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// There definitely is no such thing.
        package static let absent = Code(name: "absent")
        /// Nobody can say: a service or a place can't be reached.
        package static let unreachable = Code(name: "unreachable")
        /// A service definitely said no, or its answer is not to be believed.
        package static let refused = Code(name: "refused")
        /// It was good until a moment that has passed.
        package static let expired = Code(name: "expired")
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
