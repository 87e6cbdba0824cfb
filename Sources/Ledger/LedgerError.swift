/// Why a proof, a note or a checkpoint is not accepted.
package struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// The bytes break the format.
        package static let malformed = Code(name: "malformed")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// The proof leads to another root hash.
        package static let wrongRoot = Code(name: "wrong-root")
        /// No signature is by the key that was asked for.
        package static let noSignature = Code(name: "no-signature")
        /// A signature is by the right name and key id, and wrong.
        package static let invalidSignature = Code(name: "invalid-signature")
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
