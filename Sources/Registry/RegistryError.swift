/// Why an image or a registry can't be read or written.
package struct RegistryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The bytes break the format.
        package static let malformed = Code(name: "malformed")
        /// The registry or martlet does not know the way.
        package static let unsupported = Code(name: "unsupported")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// There definitely is no such thing.
        package static let absent = Code(name: "absent")
        /// Nobody can say: the registry can't be reached, or does not answer.
        package static let unreachable = Code(name: "unreachable")
        /// The registry definitely said no.
        package static let refused = Code(name: "refused")
        /// The bytes are not those that the digest or size names.
        package static let mismatch = Code(name: "mismatch")
        /// What somebody wrote can't be meant: no reference, no platform, no position.
        package static let input = Code(name: "input")
        /// An index has several images, and nobody said which.
        package static let platform = Code(name: "platform")
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
