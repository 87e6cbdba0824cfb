/// Why an image can't be locked, built, tested or compared.
package struct ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The bytes break the format.
        package static let malformed = Code(name: "malformed")
        /// The file is of a kind that martlet does not know.
        package static let unsupported = Code(name: "unsupported")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// There definitely is no such thing.
        package static let absent = Code(name: "absent")
        /// Nobody can say: an archive can't be reached.
        package static let unreachable = Code(name: "unreachable")
        /// A signature or a digest is not what the lock or the keyring says.
        package static let untrusted = Code(name: "untrusted")
        /// The lock does not fit the definition.
        package static let stale = Code(name: "stale")
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
