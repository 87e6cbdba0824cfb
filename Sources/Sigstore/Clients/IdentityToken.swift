internal import Attest
package import Bytes

/// A token by which an identity provider says who somebody is (OpenID Connect Core section 2; RFC 7519).
///
/// Nothing here checks its signature: that is the certificate authority's part. It is read to see what will be asked
/// for, and to fail early.
package struct IdentityToken: Sendable {
    /// The token as it is sent. It is a secret as long as it has not expired.
    let text: String
    package let issuer: String
    package let subject: String
    package let audiences: [String]
    package let expires: Timestamp
    /// The e-mail address, where the provider says that it is its owner's.
    package let email: String?
    /// The workflow that a job of GitHub Actions runs, which is whom its certificates name.
    private let workflow: String?

    /// The most bytes of a token that is read.
    package static let greatestByteCount = 64 << 10
    /// The audience that Sigstore's services expect.
    package static let audience = "sigstore"

    /// Reads a token: three parts of base64url parted by dots, of which the middle one is JSON.
    package init(_ text: String) throws(SigstoreError) {
        let trimmed = text.trimmingWhitespace
        guard trimmed.utf8.count <= Self.greatestByteCount else {
            throw SigstoreError(.limit, "the identity token has \(trimmed.utf8.count) bytes")
        }
        let parts = trimmed.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.utf8.allSatisfy(Self.isInBase64URL) }),
            let payload = Self.decoded(parts[1]),
            let json = try? JSON(parsing: payload, limits: JSONLimits(byteCount: Self.greatestByteCount, depth: 32))
        else {
            throw SigstoreError(
                .malformed, "the identity token is no JWT: three parts in base64url, parted by dots, with JSON inside")
        }
        let text = String(trimmed)
        self = try SigstoreError.mapping { () throws(AttestError) in
            try IdentityToken(text, try Fields(json, at: "token"))
        }
    }

    private init(_ text: String, _ fields: Fields) throws(AttestError) {
        self.text = text
        issuer = try fields.text("iss")
        subject = try fields.optionalText("sub") ?? ""
        switch fields.value("aud") {
        case .string(let one): audiences = [one]
        case .array(let list): audiences = list.compactMap(\.stringValue)
        default: audiences = []
        }
        guard let expires = fields.value("exp")?.doubleValue, expires.magnitude < 0x1p53,
            let moment = Timestamp(seconds: Int64(expires))
        else { throw AttestError(.malformed, "token.exp is missing; it says until when the token is good") }
        self.expires = moment
        let isVerified = fields.value("email_verified").map { $0.boolValue ?? ($0.stringValue == "true") } ?? true
        email = isVerified ? try fields.optionalText("email") : nil
        workflow = try fields.optionalText("job_workflow_ref")
        guard email != nil || !subject.isEmpty else {
            throw AttestError(.malformed, "the token names nobody: it has neither sub nor a verified email")
        }
    }

    /// Checks what the certificate authority would refuse anyway.
    package func check(at now: Timestamp) throws(SigstoreError) {
        guard now < expires else {
            throw SigstoreError(
                .expired, "the identity token was good until \(expires), and it is \(now); get a new one")
        }
        guard audiences.isEmpty || audiences.contains(Self.audience) else {
            throw SigstoreError(
                .refused,
                "the identity token is meant for \(audiences.joined(separator: ", ").safeForTerminal); ask the provider for one with the audience \(Self.audience)"
            )
        }
    }

    /// What a proof of possession is over (fulcio, `pkg/challenges`): the address of a person, else the subject.
    package var challenge: String { email ?? subject }

    /// The names by which certificate authorities known here call the token's owner.
    package var certificateNames: [String] {
        [email, subject.isEmpty ? nil : subject, workflow.map { "https://github.com/\($0)" }].compactMap(\.self)
    }

    private static func isInBase64URL(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == 0x2D || byte == 0x5F
            || byte == 0x3D
    }

    private static func decoded(_ part: Substring) -> [UInt8]? {
        var standard = part.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        while standard.count % 4 != 0 { standard.append("=") }
        return try? Base64.decode(String(standard))
    }
}

extension IdentityToken: CustomStringConvertible, CustomReflectable {
    package var description: String { "(identity token of \(challenge.safeForTerminal))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension String {
    /// The text without white space around it.
    fileprivate var trimmingWhitespace: Substring {
        var rest = self[...]
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        return rest
    }
}
