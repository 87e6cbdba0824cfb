package import Bytes

/// Tokens that no provider signed, which is nobody's business here but the certificate authority's.
package enum TestToken {
    /// A token of `subject`; an address makes it a person's.
    package static func make(
        _ subject: String, issuer: String = "https://accounts.example", audience: String = "sigstore",
        expires: Timestamp
    ) -> String {
        var claims: JSONObject = [
            "iss": .string(issuer), "sub": .string(subject), "aud": .string(audience),
            "exp": .integer(expires.seconds), "iat": .integer(expires.seconds - 3600),
            "nbf": .integer(expires.seconds - 3600),
        ]
        if subject.contains("@"), !subject.contains("://") {
            claims["email"] = .string(subject)
            claims["email_verified"] = true
        }
        let header: JSON = ["alg": "ES256", "typ": "JWT"]
        return [header, .object(claims)].map { encode($0.bytes()) }.joined(separator: ".") + "." + encode([1, 2, 3])
    }

    private static func encode(_ bytes: [UInt8]) -> String {
        String(
            Base64.encode(bytes).compactMap { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 == "=" ? nil : $0 })
    }
}
