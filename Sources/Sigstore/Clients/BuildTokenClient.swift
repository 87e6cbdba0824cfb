package import Bytes
package import Keys
internal import Synchronization
package import Wire

/// Gets tokens for builds from an identity issuer of martlet's: a program that the issuer knows says what is built, and
/// the token names the builder and the commit (docs/formats/identity.md, `client_credentials`).
package struct BuildTokenClient: Sendable {
    /// The issuer's address, as tokens name it.
    package let issuer: String
    /// The program's id there.
    private let client: String
    private let secret: Secret
    private let transport: any HTTPTransport
    private let known = KnownEndpoint()

    /// Where tokens are given out, once the issuer has said so. Guards itself alone.
    private final class KnownEndpoint: Sendable {
        let url = Mutex<HTTPURL?>(nil)
    }

    package init(issuer: String, client: String, secret: Secret, transport: any HTTPTransport) {
        self.issuer = issuer
        self.client = client
        self.secret = secret
        self.transport = transport
    }

    /// A token for the build that `claims` describe, which must be of the issuer that was asked.
    package func token(for claims: JSONObject) async throws(SigstoreError) -> IdentityToken {
        do {
            let form = [
                ("grant_type", "client_credentials"), ("audience", IdentityToken.audience),
                ("build", JSON.object(claims).text()),
            ]
            let body = form.map { "\($0.0)=\(Self.encoded(Array($0.1.utf8)))" }.joined(separator: "&")
            let basic = "\(Self.encoded(Array(client.utf8))):\(Self.encoded(secret.bytes))"
            var request = HTTPRequest(
                .post, try await tokenEndpoint(),
                fields: [
                    "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
                    "Authorization": "Basic \(Base64.encode(Array(basic.utf8)))",
                ], body: .bytes(Array(body.utf8)), isRepeatable: true)
            request.staysAtOrigin = true
            let answer = try await transport.fetch(request, limit: IdentityToken.greatestByteCount)
            let json = try? JSON(parsing: answer.bytes)
            if let code = json?["error"]?.stringValue, (400..<500).contains(answer.status) {
                let reason = json?["error_description"]?.stringValue ?? code
                throw SigstoreError(.refused, "the identity issuer gives no token: \(reason.safeForTerminal)")
            }
            _ = try answer.success()
            guard let text = json?["id_token"]?.stringValue else {
                throw SigstoreError(.refused, "the identity issuer answers without a token")
            }
            let token = try IdentityToken(text)
            guard token.issuer.hasSameBytes(as: issuer) else {
                throw SigstoreError(
                    .refused, "the token is of \(token.issuer.safeForTerminal), not of \(issuer.safeForTerminal)")
            }
            return token
        } catch let error as SigstoreError {
            throw error
        } catch let error as WireError {
            throw SigstoreError(error, asking: "the identity issuer for a token")
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }

    /// Where tokens are given out (OpenID Connect Discovery, section 4): at the issuer's own origin, or whoever answers
    /// for its configuration could have the secret sent elsewhere.
    private func tokenEndpoint() async throws -> HTTPURL {
        if let known = known.url.withLock({ $0 }) { return known }
        let base = try HTTPURL(issuer)
        guard base.isConfidential else {
            throw SigstoreError(.refused, "\(base.shown) is not encrypted, and no secret is sent there")
        }
        let configuration = try base.appending(".well-known/openid-configuration")
        let bytes = try await transport.fetch(HTTPRequest(.get, configuration), limit: 64 << 10).success()
        guard let json = try? JSON(parsing: bytes), let text = json["token_endpoint"]?.stringValue else {
            throw SigstoreError(.refused, "\(configuration.shown) names no token_endpoint")
        }
        let endpoint = try HTTPURL(text)
        guard endpoint.origin == base.origin else {
            throw SigstoreError(.refused, "\(configuration.shown) sends the secret to \(endpoint.origin)")
        }
        known.url.withLock { $0 = endpoint }
        return endpoint
    }

    /// application/x-www-form-urlencoded, which RFC 6749 section 2.3.1 wants of ids and secrets too.
    private static func encoded(_ bytes: [UInt8]) -> String {
        var out = ""
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }
}
