package import Bytes
package import Keys
package import Sigstore
package import SystemPackage

extension SLSAVerifierRun {
    /// Verifies the bundles of a file, and checks each; one that passes is enough.
    ///
    /// - Parameter digests: of the artifact, as `sha256:HEX`.
    package func verify(
        _ path: FilePath, digests: [String], trustedRoot: TrustedRoot
    ) throws -> (builder: String, evidence: Evidence) {
        var collector = EvidenceCollector([], trustedRoot: trustedRoot)
        do {
            try collector.add(file: path, artifact: nil)
        } catch let error as SigstoreError {
            throw SLSAVerifierError(.invalidFormat, error.message)
        }
        var failure: SLSAVerifierError?
        for evidence in collector.pool.all where isLooked(at: evidence) {
            do throws(SLSAVerifierError) {
                guard evidence.isLogged else {
                    throw SLSAVerifierError(
                        .noValidRekorEntries, "the bundle has no log entry, and the log is not searched")
                }
                return (try verify(evidence, digests: digests), evidence)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        guard let refusal = collector.refusals.first else {
            throw SLSAVerifierError(.notPresent, "the file has no provenance")
        }
        throw Self.error(refusal.report)
    }

    /// npm's files hold the attestation of the publication, too.
    private func isLooked(at evidence: Evidence) -> Bool {
        command != .npmPackage || evidence.provenance != nil
    }

    /// slsa-verifier's error for a bundle that is not to be believed.
    static func error(_ report: VerificationReport) -> SLSAVerifierError {
        guard let step = report.failures.first else {
            return SLSAVerifierError(.noValidSignature, "nothing was verified")
        }
        let identity: SLSAVerifierError.Identity =
            switch step.check {
            case .format: .invalidFormat
            case .logKnown, .logBody, .promise, .inclusion, .checkpoint, .witnesses, .logPeriod, .entryMatch:
                .invalidRekorEntry
            case .logThreshold, .timeThreshold, .timestamp: .noValidRekorEntries
            case .chain, .profile, .certificateLog: .invalidCertificate
            case .key, .keyPeriod: .invalidPublicKey
            case .issuer: .invalidOIDCIssuer
            case .identity, .claim: .mismatchCertificate
            case .signature: .invalidSignature
            case .artifact: .mismatchHash
            }
        return SLSAVerifierError(identity, "\(step.title): \(step.detail)")
    }
}

extension SLSAVerifierSummary {
    /// Verifies the summaries of a file with the verifier's key; one that passes is enough.
    package func verify(_ path: FilePath, key: PublicKey, at now: Timestamp) throws -> Evidence {
        var policy = ArtifactPolicy(name: "key", digest: Digest.of([]))
        policy.signers = [ArtifactPolicy.Signer(name: "key", kind: .key(key))]
        var collector = EvidenceCollector([policy], trustedRoot: nil)
        do {
            try collector.add(file: path, artifact: nil)
        } catch let error as SigstoreError {
            throw SLSAVerifierError(.invalidFormat, error.message)
        }
        var failure: SLSAVerifierError?
        for evidence in collector.pool.all {
            do throws(SLSAVerifierError) {
                try verify(evidence, at: now)
                return evidence
            } catch {
                failure = failure ?? error
            }
        }
        throw failure
            ?? SLSAVerifierError(
                .noValidSignature, collector.refusals.first.map { SLSAVerifierRun.error($0.report).message } ?? "none")
    }
}
