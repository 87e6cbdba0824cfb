package import Bytes
package import Keys
package import Wire

/// Signs with a key of one's own. With a signing configuration, logs and timestamp authorities witness it.
package struct KeySigner: Sendable {
    private let signer: any Signer
    private let services: SigningServices?
    private let trustedRoot: TrustedRoot

    /// Takes no more than a key: what is signed is in no log and has no time.
    package init(_ signer: any Signer) {
        self.signer = signer
        services = nil
        trustedRoot = TrustedRoot()
    }

    /// Takes services that witness what is signed.
    package init(
        _ signer: any Signer, config: SigningConfig, trustedRoot: TrustedRoot, transport: any HTTPTransport
    ) {
        self.signer = signer
        services = SigningServices(config: config, transport: transport)
        self.trustedRoot = trustedRoot
    }

    /// Signs `content`.
    package func sign(_ content: SigningContent, at now: Timestamp) async throws(SigstoreError) -> SignedBundle {
        let key = signer.publicKey
        try services?.check(at: now)
        let (signed, digest) = try await content.signed(by: signer)
        var timestamps: [[UInt8]] = []
        var entries: [LogEntry] = []
        if let services {
            guard let details = KeyDetails(defaultFor: key.algorithm) else {
                throw SigstoreError(.unsupported, "no log records signatures by keys of \(key.algorithm)")
            }
            let submission = LogClient.Submission(
                content: signed, digest: digest, verifier: .publicKey(key.der), keyDetails: details)
            timestamps = try await services.timestamps(for: submission.signature, at: now)
            entries = try await services.entries(for: submission, at: now)
        }
        let bundle = UnverifiedBundle(
            identity: .publicKey(hint: Base64.encode(key.id.bytes)), entries: entries, timestamps: timestamps,
            content: signed)
        var policy = VerificationPolicy(signer: .key(key))
        if services == nil { policy.logEntries = 0 }
        return SignedBundle(
            bundle: bundle, verified: try SignedBundle.verify(bundle, content, trustedRoot, policy))
    }
}
