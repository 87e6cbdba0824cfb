/// Why a key can't be read or used, or a signature is not accepted.
package struct KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The code of this name, as another process tells it.
        package init(name: String) { self.name = name }

        /// The bytes break the format of a key or a signature.
        package static let malformed = Code(name: "malformed")
        /// An algorithm, curve, hash function or container that martlet does not know, or not for this use.
        package static let unsupported = Code(name: "unsupported")
        /// The key is shorter than what resists an attacker today.
        package static let weak = Code(name: "weak")
        /// The signature was made by another key or over other bytes.
        package static let invalidSignature = Code(name: "invalid-signature")
        /// The passphrase or PIN does not open the key.
        package static let wrongPassphrase = Code(name: "wrong-passphrase")
        /// There is no such file, module, token or key.
        package static let absent = Code(name: "absent")
        /// More than one key or token is what was asked for.
        package static let ambiguous = Code(name: "ambiguous")
        /// Others on this machine could read the key.
        package static let exposed = Code(name: "exposed")
        /// Whoever holds the key gave no answer, in time or at all.
        package static let unavailable = Code(name: "unavailable")
        /// The key is there, but its holder refused or failed to use it.
        package static let refused = Code(name: "refused")
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
