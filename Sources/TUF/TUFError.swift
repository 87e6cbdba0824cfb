package import Bytes

/// Why metadata or a target is not accepted.
package struct TUFError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The bytes break the format.
        package static let malformed = Code(name: "malformed")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// Fewer valid signatures than the threshold of the role.
        package static let signatures = Code(name: "signatures")
        /// The metadata was good until a moment that has passed. Nobody need have tampered with it.
        package static let expired = Code(name: "expired")
        /// A version is lower than one that was seen before.
        package static let rollback = Code(name: "rollback")
        /// Length, digest or version is not what the referring metadata says.
        package static let mismatch = Code(name: "mismatch")
        /// There is no such role or target.
        package static let absent = Code(name: "absent")
        /// The repository can't be read now.
        package static let unreachable = Code(name: "unreachable")
        /// The place where metadata is kept can't be read or written.
        package static let storage = Code(name: "storage")
    }

    package var code: Code
    /// What is wrong, and what to do where something can be done.
    package var message: String
    /// The role whose metadata it is about.
    package var role: String?
    /// For `.expired`, the moment that has passed.
    package var expires: Timestamp?

    package init(_ code: Code, _ message: String, role: String? = nil, expires: Timestamp? = nil) {
        self.code = code
        self.message = message
        self.role = role
        self.expires = expires
    }

    package var description: String { role.map { "\($0.safeForTerminal): \(message)" } ?? message }
}
