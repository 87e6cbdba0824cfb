internal import Attest
internal import Bytes
internal import Keys

/// What is signed.
package enum SigningContent: Sendable {
    /// An artifact in full, or by its digest, which some keys can't sign.
    case artifact(any Artifact)
    /// A statement, or another payload with its type, in an envelope.
    case payload(type: String, [UInt8])

    /// The content with a signature, and the digest that the signature is over.
    func signed(by signer: any Signer) async throws(SigstoreError) -> (UnverifiedBundle.Content, MessageDigest) {
        do {
            let hash = signer.publicKey.algorithm.defaultHash
            switch self {
            case .artifact(let artifact):
                let logged = hash ?? .sha256
                guard let digest = try artifact.digest(logged) else {
                    throw SigstoreError(
                        .unsupported,
                        "a key of \(signer.publicKey.algorithm) signs a \(logged.rawValue) digest; give the file itself"
                    )
                }
                var message = SignedMessage.digest(digest)
                if hash == nil {
                    guard let bytes = try artifact.bytes() else {
                        throw SigstoreError(
                            .unsupported,
                            "a key of \(signer.publicKey.algorithm) signs the whole file; give it in place of its digest"
                        )
                    }
                    message = .bytes(bytes)
                }
                return (.message(digest: digest, signature: try await signer.sign(message)), digest)
            case .payload(let type, let payload):
                var envelope = Envelope(payloadType: type, payload: payload)
                envelope.signatures = [
                    Envelope.Signature(signature: try await signer.sign(.bytes(envelope.signedBytes)))
                ]
                return (.envelope(envelope), (hash ?? .sha256).digest(of: envelope.signedBytes))
            }
        } catch let error as SigstoreError {
            throw error
        } catch {
            throw SigstoreError(.refused, "\(error)")
        }
    }
}

/// A bundle that was made here, and has been verified as a stranger would before anybody gets it.
package struct SignedBundle: Sendable {
    package let bundle: UnverifiedBundle
    package let verified: VerifiedBundle

    /// The file's content.
    package var bytes: [UInt8] { bundle.json.bytes() + [0x0A] }

    /// Verifies the bytes that are to leave.
    static func verify(
        _ bundle: UnverifiedBundle, _ content: SigningContent, _ trustedRoot: TrustedRoot, _ policy: VerificationPolicy
    ) throws(SigstoreError) -> VerifiedBundle {
        do {
            let read = try UnverifiedBundle(parsing: bundle.json.bytes())
            var artifact: (any Artifact)?
            if case .artifact(let own) = content { artifact = own }
            return try Verifier(trustedRoot: trustedRoot, policy: policy).verify(read, artifact: artifact)
        } catch let error as VerificationFailure {
            let reasons = error.report.failures.map { "\($0.title): \($0.detail)" }.joined(separator: ", ")
            throw SigstoreError(
                .refused,
                "what was signed does not verify, so no bundle is written (\(reasons)); check that the trusted root is that of the services"
            )
        } catch {
            throw SigstoreError(.refused, "\(error)")
        }
    }
}
