internal import Bytes
internal import JWTKit
internal import Keys

/// The door to JWTKit, which checks the signatures of tokens.
enum TokenSignature {
    /// Takes any payload: what it says is read elsewhere, strictly.
    private struct AnyPayload: JWTPayload {
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    /// Checks that `key` signed `token`. Key and algorithm fit each other already.
    static func check(_ token: WebToken, by key: PublicKey) async throws(AuthorityError) {
        do {
            let keys = JWTKeyCollection()
            let pem = key.pem
            switch token.algorithm {
            case .es256: await keys.add(ecdsa: try ES256PublicKey(pem: pem))
            case .es384: await keys.add(ecdsa: try ES384PublicKey(pem: pem))
            case .es512: await keys.add(ecdsa: try ES512PublicKey(pem: pem))
            case .rs256: await keys.add(rsa: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: .sha256)
            case .rs384: await keys.add(rsa: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: .sha384)
            case .rs512: await keys.add(rsa: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: .sha512)
            case .ps256: await keys.add(pss: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: .sha256)
            case .ps384: await keys.add(pss: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: .sha384)
            case .ps512: await keys.add(pss: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: .sha512)
            case .edDSA:
                let x = Base64.encode(key.ed25519Bytes ?? [], alphabet: .urlSafe, padded: false)
                await keys.add(eddsa: try EdDSA.PublicKey(x: x, curve: .ed25519))
            }
            _ = try await keys.verify(token.text, as: AnyPayload.self)
        } catch {
            throw AuthorityError(.unauthenticated, "the token is not signed by its issuer's key")
        }
    }
}
