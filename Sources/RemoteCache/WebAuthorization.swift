internal import Bytes
internal import Wire

/// What goes along with requests to a web server, so that it knows who asks.
enum WebAuthorization: Sendable {
    case none
    case bearer(String)
    case basic(user: String, password: String)
    case bucket(BucketSigner)

    /// Adds what the server wants to see. Nothing secret is sent where others can read it.
    /// - Parameter payload: the digest of what is sent.
    func authorize(_ request: inout HTTPRequest, payload: Digest) throws {
        switch self {
        case .none: break
        case .bearer(let token):
            try Self.requireConfidential(request.url)
            request.fields["Authorization"] = "Bearer \(token)"
        case .basic(let user, let password):
            try Self.requireConfidential(request.url)
            request.fields["Authorization"] = "Basic \(Base64.encode(Array("\(user):\(password)".utf8)))"
        // A signature gives nothing away but who asks, and nobody else has a use for it or for a session's token.
        case .bucket(let signer):
            request.staysAtOrigin = true
            signer.sign(&request, payload: payload)
        }
    }

    private static func requireConfidential(_ url: HTTPURL) throws {
        guard url.isConfidential else {
            throw RemoteCacheError(
                .configuration,
                "\(url.origin) is not encrypted, so that it gets no password or token; use https, or unset the variables with them"
            )
        }
    }
}
