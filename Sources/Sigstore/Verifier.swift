internal import Attest
internal import Bytes
internal import Keys
internal import Ledger

/// Verifies bundles against a trusted root and a policy: the one place where an `UnverifiedBundle` becomes a
/// `VerifiedBundle`.
///
/// It opens no connection, reads no file and asks no clock. All checks that can still say something are made after one
/// has failed, so that the report is complete; any failure at all is a refusal.
package struct Verifier: Sendable {
    package let trustedRoot: TrustedRoot
    package let policy: VerificationPolicy
    let links: LinkCache

    /// `links` may be shared by verifiers of a batch.
    package init(trustedRoot: TrustedRoot, policy: VerificationPolicy, links: LinkCache = LinkCache()) {
        self.trustedRoot = trustedRoot
        self.policy = policy
        self.links = links
    }

    /// Verifies `bundle` as one about `artifact`.
    ///
    /// Without an artifact only a statement can be verified, and for whatever its subjects are.
    package func verify(
        _ bundle: UnverifiedBundle, artifact: (any Artifact)?
    ) throws(VerificationFailure) -> VerifiedBundle {
        var run = VerificationRun(verifier: self, bundle: bundle, artifact: artifact)
        run.checkForm()
        run.checkSigner()
        run.checkEntries()
        run.checkTimes()
        run.checkLogPeriods()
        run.checkCertificate()
        run.checkIdentity()
        run.checkSignature()
        run.checkEntryMatches()
        guard run.report.hasPassed, let signer = run.signer else { throw VerificationFailure(report: run.report) }
        var envelope: Envelope?
        if case .envelope(let signed) = bundle.content { envelope = signed }
        return VerifiedBundle(
            signer: signer, times: run.times, entries: bundle.entries, envelope: envelope, statement: run.statement,
            report: run.report)
    }
}

/// One bundle on its way through the checks, and what they have established.
struct VerificationRun {
    let verifier: Verifier
    let bundle: UnverifiedBundle
    let artifact: (any Artifact)?
    var report = VerificationReport()

    var trustedRoot: TrustedRoot { verifier.trustedRoot }
    var policy: VerificationPolicy { verifier.policy }

    /// The signer's certificate; `nil` where the signer is a key, or could not be read.
    var certificate: Certificate?
    /// The key that the signature must verify with.
    var key: PublicKey?
    /// When the key was in use, where somebody says so.
    var keyPeriod: ValidityPeriod?
    /// Entries whose log is known and vouches for them.
    var loggedEntries: [LoggedEntry] = []
    /// When the signature existed, by everyone who could be checked.
    var times: [VerifiedBundle.Time] = []
    var signer: VerifiedBundle.Signer?
    var statement: Statement?

    struct LoggedEntry {
        let number: Int
        let entry: LogEntry
        let log: TrustedRoot.Log
        let body: LogEntryBody?
        let hasPromise: Bool
    }

    init(verifier: Verifier, bundle: UnverifiedBundle, artifact: (any Artifact)?) {
        self.verifier = verifier
        self.bundle = bundle
        self.artifact = artifact
    }

    func title(_ number: Int, _ what: String) -> String {
        bundle.entries.count == 1 ? what : "\(what) of log entry \(number)"
    }

    /// What each version of the format asks for (sigstore_bundle.proto).
    mutating func checkForm() {
        let title = "bundle format"
        for (index, entry) in bundle.entries.enumerated() {
            if bundle.version == .v0_1 {
                if entry.signedEntryTimestamp == nil {
                    report.fail(
                        .format, title, "log entry \(index + 1) has no promise, which a bundle 0.1 must have",
                        remedy: "ask whoever made the bundle for one of version 0.3")
                }
            } else if entry.inclusionProof?.checkpoint == nil {
                report.fail(
                    .format, title,
                    "log entry \(index + 1) has no inclusion proof with a checkpoint, which a bundle \(bundle.version.rawValue) must have",
                    remedy: "ask whoever made the bundle to fetch the proof from the log")
            }
        }
        if case .certificates(let chain) = bundle.identity, !policy.ignoresChain {
            // A bundle that brings its own root invites verifiers to trust it.
            for der in chain.dropFirst() {
                if let extra = try? Certificate(der: der), extra.issuerBytes == extra.subjectBytes {
                    report.fail(
                        .format, title, "the bundle carries the root certificate of \(extra.subject.safeForTerminal)",
                        remedy:
                            "roots come from the trusted root alone; make the bundle without it, or pass over it with --ignore-chain"
                    )
                }
            }
        }
        if report.hasPassed { report.pass(.format, title, "version \(bundle.version.rawValue)") }
    }

    /// Finds the key that the signature must verify with: that of the certificate, or the policy's own.
    mutating func checkSigner() {
        switch (bundle.identity, policy.signer) {
        case (.publicKey(let hint), .key(let key)):
            self.key = key
            signer = .key(key)
            report.pass(
                .key, "key",
                "\(key.algorithm), id \(key.id.hex)" + (hint.isEmpty ? "" : ", hint \(hint.safeForTerminal)"))
        case (.publicKey(let hint), .namedKeys(let keys)):
            guard let named = keys.entries.first(where: { $0.hint.hasSameBytes(as: hint) }) else {
                report.fail(
                    .key, "key", "nobody's key has the name that the bundle gives",
                    expected: keys.entries.map(\.hint).joined(separator: " or ").safeForTerminal,
                    got: hint.safeForTerminal)
                return
            }
            self.key = named.key
            keyPeriod = named.period
            signer = .key(named.key)
            report.pass(.key, "key", "\(named.key.algorithm), \(hint.safeForTerminal)")
        case (.certificates, .namedKeys):
            report.fail(
                .key, "key", "the bundle is signed with a certificate", expected: "a named key", got: "a certificate",
                remedy: "give the identity of the certificate's owner")
        case (.publicKey, .identities):
            report.fail(
                .key, "key", "the bundle is signed with a key that it does not hold", expected: "a certificate",
                got: "a public key", remedy: "give the public key of the signer with --key")
        case (.certificates(let chain), .identities), (.certificates(let chain), .key):
            do {
                let certificate = try Certificate(der: chain[0])
                self.certificate = certificate
                key = try certificate.key.get()
            } catch {
                report.fail(.key, "certificate", "\(error)")
                return
            }
            if case .key(let wanted) = policy.signer {
                guard wanted == key else {
                    report.fail(
                        .key, "key", "the certificate is for another key", expected: wanted.id.hex,
                        got: key?.id.hex, remedy: "verify with the identity of the certificate's owner")
                    return
                }
                signer = .key(wanted)
                report.pass(.key, "key", "\(wanted.algorithm), id \(wanted.id.hex)")
            }
        }
    }

    /// Checks who the certificate is for against the policy.
    mutating func checkIdentity() {
        guard case .identities(let identities) = policy.signer else { return }
        guard let certificate else {
            report.skip(.identity, "identity", "there is no certificate")
            return
        }
        let name: Certificate.SubjectAlternativeName
        let issuer: String
        do {
            name = try certificate.signerName()
            issuer = try certificate.claim(.issuer) ?? ""
        } catch {
            report.fail(.identity, "identity", error.message)
            return
        }
        guard !issuer.isEmpty else {
            report.fail(.issuer, "issuer", "the certificate does not say who vouched for the signer")
            return
        }
        var best: [Mismatch]?
        for identity in identities {
            do {
                let mismatches = try Self.mismatches(identity, certificate, issuer, name.text)
                if mismatches.isEmpty {
                    report.pass(.issuer, "issuer", issuer.safeForTerminal)
                    report.pass(.identity, "identity", name.text.safeForTerminal)
                    for (oid, match) in identity.extensions {
                        report.pass(.claim, "extension \(oid)", match.text.safeForTerminal)
                    }
                    signer = .certificate(certificate, issuer: issuer, name: name)
                    return
                }
                if best.map({ mismatches.count < $0.count }) ?? true { best = mismatches }
            } catch {
                report.fail(.identity, "identity", error.message, remedy: "correct the policy")
                return
            }
        }
        for mismatch in best ?? [] {
            report.fail(
                mismatch.check, mismatch.what, "the signer is not the one that was asked for",
                expected: mismatch.expected.safeForTerminal, got: mismatch.got?.safeForTerminal ?? "nothing",
                remedy: "verify with the identity that you expect, or do not use the artifact")
        }
        if best == nil { report.fail(.identity, "identity", "the policy accepts no identity at all") }
    }

    private struct Mismatch {
        let check: VerificationReport.Check
        let what: String
        let expected: String
        let got: String?
    }

    private static func mismatches(
        _ identity: VerificationPolicy.Identity, _ certificate: Certificate, _ issuer: String, _ name: String
    ) throws(SigstoreError) -> [Mismatch] {
        var out: [Mismatch] = []
        if try !identity.issuer.accepts(issuer) {
            out.append(Mismatch(check: .issuer, what: "issuer", expected: identity.issuer.text, got: issuer))
        }
        if try !identity.name.accepts(name) {
            out.append(Mismatch(check: .identity, what: "identity", expected: identity.name.text, got: name))
        }
        for (oid, match) in identity.extensions {
            let got = try certificate.extensionText(oid: oid)
            if let got, try match.accepts(got) { continue }
            out.append(Mismatch(check: .claim, what: "extension \(oid)", expected: match.text, got: got))
        }
        return out
    }
}
