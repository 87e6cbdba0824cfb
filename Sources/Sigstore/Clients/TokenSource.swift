package import Bytes
internal import Host
package import SystemPackage
package import Wire

/// Where the tokens come from that say who signs.
package enum TokenSource: Sendable {
    case token(IdentityToken)
    /// A file or pipe, read again when its token is no longer good: some services keep it fresh.
    case file(FilePath)
    /// What the build service has ready for its jobs.
    case ambient(environment: [String: String])
    /// An issuer that names the build itself.
    case builds(BuildTokenClient)

    /// A token.
    /// - Parameter claims: what `.builds` is to say of the build.
    package func token(for claims: JSONObject, transport: any HTTPTransport) async throws(SigstoreError)
        -> IdentityToken
    {
        switch self {
        case .token(let token): return token
        case .file(let path):
            let bytes: [UInt8]
            do {
                bytes = try Files.readStream(path, limit: IdentityToken.greatestByteCount)
            } catch {
                throw SigstoreError(.absent, "the file with the identity token can't be read: \(error)")
            }
            return try IdentityToken(String(decoding: bytes, as: UTF8.self))
        case .ambient(let environment):
            guard let token = try await AmbientToken.find(environment: environment, transport: transport) else {
                throw SigstoreError(
                    .absent,
                    "nobody says who signs: this is no build service with tokens; give --key or --identity-token-file")
            }
            return token
        case .builds(let client): return try await client.token(for: claims)
        }
    }

    /// Whether a token is good for one statement alone.
    package var isForEachStatement: Bool {
        if case .builds = self { true } else { false }
    }
}
