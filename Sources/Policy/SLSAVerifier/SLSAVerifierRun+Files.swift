internal import Attest
package import Bytes
internal import Host
package import Registry
package import Sigstore
package import SystemPackage

/// What `SLSAVerifierRun` believes, beside the statement that it is given.
package struct SLSAVerifierTrust: Sendable {
    package var trustedRoot: TrustedRoot
    /// The log's answer about a statement that does not have it beside it.
    package var logEntry: LogEntry?
    /// The keys of npm's registry; without them the registry's attestation can't be decided.
    package var registryKeys: NamedKeys?

    package init(trustedRoot: TrustedRoot) { self.trustedRoot = trustedRoot }
}

extension SLSAVerifierRun {
    /// Verifies the bundles of a file, and checks each; one that passes is enough.
    ///
    /// - Parameter digest: The artifact's digest in hexadecimal: SHA-512 of packages, SHA-256 of all else.
    package func verify(_ path: FilePath, digest: String, trust: SLSAVerifierTrust) throws -> Verified {
        guard try authority() == .gitHub else {
            throw SLSAVerifierError(.notSupported, "Google Cloud Build makes images; use verify-image")
        }
        if command == .npmPackage { return try verifyPackage(path, digest, trust) }
        do {
            let file = try AttestationFile(parsing: Files.read(path, limit: 512 << 20))
            // What is a bundle has its log entry inside or has none; an envelope's may be in the log alone.
            return try verify(file.bundles, digest: digest, trust: trust, mayLackEntries: file.format != .bundle)
        } catch let error as SigstoreError {
            throw SLSAVerifierError(.invalidFormat, error.message)
        }
    }

    /// Verifies what is attached to an image in a registry or a layout.
    package func verify(
        image digest: MessageDigest, in source: any ImageSource, trust: SLSAVerifierTrust
    ) async throws -> Verified {
        var bundles: [UnverifiedBundle] = []
        for attachment in try await source.attachments(of: digest) where attachment.layout.isSigned {
            let content = try await source.content(attachment.content, limit: Attachment.greatestByteCount)
            // What can't be read is as good as absent: somebody else may have put it there.
            let found = (try? ImageVerification.read(attachment, content, digest)) ?? []
            bundles += found.map(\.0).filter { if case .envelope = $0.content { true } else { false } }
        }
        guard !bundles.isEmpty else {
            throw SLSAVerifierError(.noValidSignature, "no signed statement is attached to the image")
        }
        return try verify(bundles, digest: digest.hex, trust: trust, mayLackEntries: true)
    }

    private func verify(
        _ bundles: [UnverifiedBundle], digest: String, trust: SLSAVerifierTrust, mayLackEntries: Bool
    ) throws(SLSAVerifierError) -> Verified {
        var failure: SLSAVerifierError?
        for bundle in bundles {
            do throws(SLSAVerifierError) {
                return try verify(bundle, digest: digest, trust: trust, mayLackEntries: mayLackEntries)
            } catch {
                // One that could be right leaves all undecided.
                if failure.map({ error.isUndecided && !$0.isUndecided }) ?? true { failure = error }
            }
        }
        throw failure ?? SLSAVerifierError(.notPresent, "the file has no provenance")
    }

    private func verify(
        _ bundle: UnverifiedBundle, digest: String, trust: SLSAVerifierTrust, mayLackEntries: Bool
    ) throws(SLSAVerifierError) -> Verified {
        if mayLackEntries, bundle.entries.isEmpty, bundle.timestamps.isEmpty, trust.logEntry == nil {
            let search = SLSAVerifierError(
                .rekorSearch,
                "the statement has no log entry beside it, and the log is not asked; fetch the entry and give it with --log-entry",
                isUndecided: true)
            guard case .certificates = bundle.identity else { throw search }
            _ = try verify(try Self.examined(bundle, trust.trustedRoot), digest: digest)
            throw search
        }
        return try verify(try verified(bundle, trust), digest: digest)
    }

    // MARK: - Signatures

    /// The entries of older images do not record the signature: only a holder of the short-lived key could have made
    /// another one over the same statement.
    private static func verifier(_ root: TrustedRoot, acceptsEntriesWithoutSignature: Bool = false) -> Verifier {
        var policy = VerificationPolicy(signer: .identities([.init(issuer: .any, name: .any)]))
        policy.ignoresUnknownTimestamps = true
        policy.acceptsEntriesWithoutSignature = acceptsEntriesWithoutSignature
        policy.ignoresChain = true
        return Verifier(trustedRoot: root, policy: policy)
    }

    /// Checks that a bundle is of the kind that workflows sign.
    private static func checkKind(of bundle: UnverifiedBundle) throws(SLSAVerifierError) {
        guard case .certificates = bundle.identity else {
            throw SLSAVerifierError(.missingCertificateInBundle, "the statement is signed by a key")
        }
        guard case .envelope = bundle.content else {
            throw SLSAVerifierError(
                .unexpectedBundleContent, "the bundle holds a signature over a file, not a statement")
        }
    }

    private func verified(
        _ bundle: UnverifiedBundle, _ trust: SLSAVerifierTrust
    ) throws(SLSAVerifierError) -> SignedProvenance {
        try Self.checkKind(of: bundle)
        var bundle = bundle
        var verifier = Self.verifier(trust.trustedRoot, acceptsEntriesWithoutSignature: command == .image)
        if bundle.entries.isEmpty, let entry = trust.logEntry {
            bundle.entries = [entry]
            // An envelope by itself has no version. What the log promised is enough, as in the first one.
            if entry.inclusionProof?.checkpoint == nil { bundle.version = .v0_1 }
            verifier = Self.verifier(trust.trustedRoot, acceptsEntriesWithoutSignature: true)
        }
        do throws(VerificationFailure) {
            let verified = try verifier.verify(bundle, artifact: nil)
            guard case .certificate(let certificate, _, _) = verified.signer, let envelope = verified.envelope else {
                throw VerificationFailure(report: verified.report)
            }
            return SignedProvenance(certificate, payloadType: envelope.payloadType, payload: envelope.payload)
        } catch {
            throw Self.error(error.report)
        }
    }

    private static func examined(
        _ bundle: UnverifiedBundle, _ root: TrustedRoot
    ) throws(SLSAVerifierError) -> SignedProvenance {
        try checkKind(of: bundle)
        do throws(VerificationFailure) {
            let found = try verifier(root).examine(bundle)
            return SignedProvenance(
                found.certificate, payloadType: found.envelope.payloadType, payload: found.envelope.payload)
        } catch {
            throw Self.error(error.report)
        }
    }

    /// slsa-verifier's error for a bundle that is not to be believed.
    static func error(_ report: VerificationReport) -> SLSAVerifierError {
        guard let step = report.failures.first else {
            return SLSAVerifierError(.noValidSignature, "nothing was verified")
        }
        let identity: SLSAVerifierError.Identity =
            switch step.check {
            case .format: .invalidFormat
            case .logKnown: .rekorPublicKey
            case .logBody, .promise, .inclusion, .checkpoint, .witnesses, .logPeriod: .invalidRekorEntry
            case .entryMatch: .mismatchSignature
            case .logThreshold, .timeThreshold, .timestamp: .noValidRekorEntries
            case .chain, .profile, .certificateLog, .key, .issuer, .identity, .claim: .invalidCertificate
            case .keyPeriod: .invalidPublicKey
            case .signature: .invalidSignature
            // Without an artifact only the statement itself can be wrong.
            case .artifact: .invalidDSSEPayload
            }
        return SLSAVerifierError(identity, "\(step.title): \(step.detail)")
    }

    // MARK: - npm

    private func verifyPackage(_ path: FilePath, _ digest: String, _ trust: SLSAVerifierTrust) throws -> Verified {
        let (provenance, publication) = try Self.attestations(of: path)
        let built = try verified(provenance, trust)
        let verified = try verifyPackage(built, digest: digest)
        guard let keys = trust.registryKeys else {
            // What the registry seems to say can still be wrong.
            if case .envelope(let envelope) = publication.content {
                let claimed = SignedProvenance(
                    subject: nil, issuer: "", claims: [:], payloadType: envelope.payloadType, payload: envelope.payload)
                try checkPublication(claimed, built, digest: digest)
            }
            throw SLSAVerifierError(
                .missingRegistryKey,
                "the registry's attestation needs its keys; give them with --registry-keys, or have `martlet trust init --target registry.npmjs.org/keys.json` keep them",
                isUndecided: true)
        }
        try checkPublication(
            try Self.published(publication, keys, trust.trustedRoot), built, digest: digest)
        return verified
    }

    /// The statement that the registry signed with one of its keys.
    private static func published(
        _ bundle: UnverifiedBundle, _ keys: NamedKeys, _ root: TrustedRoot
    ) throws(SLSAVerifierError) -> SignedProvenance {
        guard case .envelope(let envelope) = bundle.content else {
            throw SLSAVerifierError(.unexpectedBundleContent, "the registry's bundle holds no statement")
        }
        guard case .publicKey(let hint) = bundle.identity, keys.entries.contains(where: { $0.hint == hint }) else {
            throw SLSAVerifierError(.missingRegistryKey, "the registry's attestation is signed by none of its keys")
        }
        do throws(VerificationFailure) {
            var policy = VerificationPolicy(signer: .namedKeys(keys))
            policy.ignoresUnknownTimestamps = true
            _ = try Verifier(trustedRoot: root, policy: policy).verify(bundle, artifact: nil)
        } catch {
            throw Self.error(error.report)
        }
        return SignedProvenance(
            subject: nil, issuer: "", claims: [:], payloadType: envelope.payloadType, payload: envelope.payload)
    }

    /// The two attestations of npm's answer: that of the build, and that of the publication.
    private static func attestations(
        of path: FilePath
    ) throws -> (provenance: UnverifiedBundle, publication: UnverifiedBundle) {
        let bytes = try Files.read(path, limit: 64 << 20)
        guard let json = try? JSON(parsing: bytes, limits: JSONLimits(byteCount: 64 << 20, depth: 64)),
            let list = json["attestations"]?.arrayValue, 2...100 ~= list.count
        else {
            throw SLSAVerifierError(.invalidAttestations, "the file does not have two or more `attestations`")
        }
        func last(_ isMeant: (String) -> Bool) throws -> UnverifiedBundle {
            guard let found = list.last(where: { isMeant($0["predicateType"]?.stringValue ?? "") }) else {
                throw SLSAVerifierError(.invalidAttestations, "provenance or publication is not among the attestations")
            }
            do {
                return try UnverifiedBundle(found["bundle"] ?? .null)
            } catch {
                throw SLSAVerifierError(.invalidFormat, error.message)
            }
        }
        return (
            try last { [WorkflowProvenance.v0_2, WorkflowProvenance.v1].contains($0) },
            try last { $0.hasPrefix(publication) }
        )
    }
}
