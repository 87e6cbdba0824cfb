/// Why a remote cache can't be used, or an entry of it is not believed.
package struct RemoteCacheError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A class of failures that callers tell apart. More may be added.
    package struct Code: Hashable, Sendable {
        package let name: String

        /// What somebody wrote can't be meant: no address, no namespace, no policy.
        package static let configuration = Code(name: "configuration")
        /// Nobody can say: the cache can't be reached, or does not answer.
        package static let unreachable = Code(name: "unreachable")
        /// The cache definitely said no.
        package static let refused = Code(name: "refused")
        /// The bytes break the format.
        package static let malformed = Code(name: "malformed")
        /// More than the limit allows.
        package static let limit = Code(name: "limit")
        /// Nobody signed it.
        package static let unsigned = Code(name: "unsigned")
        /// A signature that is not to be believed.
        package static let signature = Code(name: "signature")
        /// The policy does not let whoever signed it speak.
        package static let policy = Code(name: "policy")
        /// It is about another result, or from another namespace, than was asked for.
        package static let replayed = Code(name: "replayed")
        /// The bytes are not those that the digest names.
        package static let mismatch = Code(name: "mismatch")
        /// It ends before its end, however often it is asked for.
        package static let truncated = Code(name: "truncated")
        /// Something that an entry names is not there.
        package static let absent = Code(name: "absent")
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
