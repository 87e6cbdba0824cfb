internal import Attest
package import Bytes
internal import Keys
package import Wire

/// Signs with a key that lives for one signature: a token says who signs, a certificate authority vouches for it, a log
/// records it, and a timestamp authority tells when.
///
/// What it makes has been through `Verifier` with the same trusted root. A bundle that the signer's own side would not
/// accept never leaves it.
package struct KeylessSigner: Sendable {
    private let config: SigningConfig
    private let trustedRoot: TrustedRoot
    private let transport: any HTTPTransport

    package init(config: SigningConfig, trustedRoot: TrustedRoot, transport: any HTTPTransport) {
        self.config = config
        self.trustedRoot = trustedRoot
        self.transport = transport
    }

    /// The versions of the certificate authority's interface that are spoken here. A Fulcio says 1 for both it has.
    private static let versions: Set<Int> = [1, 2]

    /// Signs `content` for the token's owner.
    package func sign(_ content: SigningContent, token: IdentityToken, at now: Timestamp) async throws(SigstoreError)
        -> SignedBundle
    {
        try token.check(at: now)
        let authority = try config.certificateAuthority(at: now, versions: Self.versions)
        let services = SigningServices(config: config, transport: transport)
        try services.check(at: now)

        let key: PrivateKey
        do {
            key = try PrivateKey.generate(.ecdsaP256)
        } catch {
            throw SigstoreError(.unsupported, "\(error)")
        }
        let signer = PrivateKeySigner(key)
        let chain = try await CertificateAuthorityClient(url: authority.url, transport: transport)
            .certificates(for: signer, token: token)
        let leaf = chain[0]
        guard leaf.keyBytes == key.publicKey.der else {
            throw SigstoreError(.refused, "the certificate authority answers with a certificate for another key")
        }
        let (signed, digest) = try await content.signed(by: signer)
        let submission = LogClient.Submission(
            content: signed, digest: digest, verifier: .certificate(leaf.der), keyDetails: .ecdsaP256SHA256)
        let timestamps = try await services.timestamps(for: submission.signature, at: now)
        let entries = try await services.entries(for: submission, at: now)
        let bundle = UnverifiedBundle(
            identity: .certificates([leaf.der]), entries: entries, timestamps: timestamps, content: signed)
        return SignedBundle(bundle: bundle, verified: try verify(bundle, leaf, content))
    }

    /// Checks what was made as anybody else would, for the identity that the certificate names. Whether that is the
    /// right one, only the policy of whoever verifies can say.
    private func verify(
        _ bundle: UnverifiedBundle, _ leaf: Certificate, _ content: SigningContent
    ) throws(SigstoreError) -> VerifiedBundle {
        let identity: VerificationPolicy.Identity
        do {
            identity = VerificationPolicy.Identity(
                issuer: .exactly(try leaf.claim(.issuer) ?? ""), name: .exactly(try leaf.signerName().text))
        } catch {
            throw SigstoreError(.refused, "the certificate authority's answer is of no use: \(error.message)")
        }
        return try SignedBundle.verify(
            bundle, content, trustedRoot, VerificationPolicy(signer: .identities([identity])))
    }
}
