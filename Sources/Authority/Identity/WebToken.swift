internal import Bytes

/// A JSON Web Token (RFC 7519) in the compact form of a signature (RFC 7515 section 7.1), as it was sent. Nothing in it is
/// to be believed before `TokenVerifier` has seen it.
package struct WebToken: Sendable {
    package enum Algorithm: String, Hashable, Sendable, CaseIterable {
        case es256 = "ES256"
        case es384 = "ES384"
        case es512 = "ES512"
        case rs256 = "RS256"
        case rs384 = "RS384"
        case rs512 = "RS512"
        case ps256 = "PS256"
        case ps384 = "PS384"
        case ps512 = "PS512"
        case edDSA = "EdDSA"
    }

    /// The whole token. It is a secret until it expires.
    let text: String
    let algorithm: Algorithm
    let keyID: String?
    let claims: JSONObject

    /// The most bytes of a token.
    package static let greatestByteCount = 32 << 10
    private static let limits = JSONLimits(byteCount: greatestByteCount, depth: 16)

    package init(_ text: String) throws(AuthorityError) {
        guard text.utf8.count <= Self.greatestByteCount else {
            throw AuthorityError(
                .limit, "the token has \(text.utf8.count) bytes; the limit is \(Self.greatestByteCount)")
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw AuthorityError(.unauthenticated, "the token is no signed JWT: it should have three parts")
        }
        let header = try Self.object(parts[0], "header")
        // What must be understood and is not (RFC 7515 section 4.1.11), and what would replace the issuer's keys.
        guard header["crit"] == nil else {
            throw AuthorityError(.unauthenticated, "the token's header has critical members, and none is known")
        }
        if let type = header["typ"]?.stringValue, !["jwt", "at+jwt", "application/jwt"].contains(type.lowercased()) {
            throw AuthorityError(.unauthenticated, "the token is of type \(type.safeForTerminal), which is no JWT")
        }
        guard let name = header["alg"]?.stringValue else {
            throw AuthorityError(.unauthenticated, "the token's header names no algorithm")
        }
        guard let algorithm = Algorithm(rawValue: name) else {
            // "none", and HMAC with a public key for its secret, among them.
            throw AuthorityError(
                .unauthenticated,
                "the token is signed with \(name.safeForTerminal); only signatures by public keys are taken")
        }
        guard !parts[2].isEmpty else { throw AuthorityError(.unauthenticated, "the token has no signature") }
        _ = try Self.bytes(parts[2], "signature")
        self.text = text
        self.algorithm = algorithm
        keyID = header["kid"]?.stringValue
        claims = try Self.object(parts[1], "payload")
    }

    private static func bytes(_ part: Substring, _ what: String) throws(AuthorityError) -> [UInt8] {
        do {
            return try Base64.decode(String(part), alphabet: .urlSafe, requiresPadding: false)
        } catch {
            throw AuthorityError(.unauthenticated, "the token's \(what) is not base64url: \(error)")
        }
    }

    private static func object(_ part: Substring, _ what: String) throws(AuthorityError) -> JSONObject {
        let bytes = try bytes(part, what)
        guard let object = try? JSON(parsing: bytes, limits: limits).objectValue else {
            throw AuthorityError(.unauthenticated, "the token's \(what) is no JSON object")
        }
        return object
    }

    /// The text of a claim; `nil` where it is absent, or no text.
    package func text(_ claim: String) -> String? { claims[claim]?.stringValue }

    /// For whom the token is: one name, or several (RFC 7519 section 4.1.3).
    var audiences: [String] {
        switch claims["aud"] {
        case .string(let one)?: [one]
        case .array(let list)?: list.compactMap(\.stringValue)
        default: []
        }
    }

    /// A claim that is a moment in seconds, perhaps with a fraction.
    func moment(_ claim: String) throws(AuthorityError) -> Timestamp? {
        guard let value = claims[claim], !value.isNull else { return nil }
        guard let seconds = value.doubleValue, seconds.magnitude < 0x1p53,
            let moment = Timestamp(seconds: Int64(seconds))
        else { throw AuthorityError(.unauthenticated, "the token's \(claim) is no moment") }
        return moment
    }
}

extension WebToken: CustomStringConvertible, CustomReflectable {
    package var description: String { "(token)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
