internal import Attest
package import Bytes
package import Registry
package import Sigstore

/// Verifies images with what is attached to them, wherever it is kept.
package struct ImageVerification: Sendable {
    package let verifier: Verifier
    /// Statements must have this predicate type; `nil` where any will do.
    package let predicateType: String?

    package init(verifier: Verifier, predicateType: String? = nil) {
        self.verifier = verifier
        self.predicateType = predicateType
    }

    /// What was found out about an image.
    package struct Outcome: Sendable {
        package let digest: MessageDigest
        package var verdict: BundleVerification.Verdict
        /// How many statements nobody signed are beside the image. They prove nothing.
        package var unsigned = 0
    }

    /// The verdict on the image called `name`. What the registry does not answer is an error and no verdict.
    package func verify(_ name: ManifestName, in source: any ImageSource, shown: String) async throws -> Outcome {
        let found: Descriptor
        var index: ImageIndex?
        switch name {
        // By its digest the image is known, whether it is there or not; only BuildKit's need its index.
        case .digest(let digest): found = Descriptor(mediaType: .imageManifest, digest: digest, size: 0)
        case .tag: found = try await source.resolve(name)
        }
        if found.mediaType.isIndex, case .index(let read) = try await source.manifest(found).manifest { index = read }
        var outcome = Outcome(digest: found.digest, verdict: BundleVerification.Verdict(name: shown))
        try await check(source.bundles(of: found.digest, predicateType: predicateType), in: source, &outcome)
        if !outcome.verdict.isVerified {
            let older = try await source.olderAttachments(
                of: found.digest, predicateType: predicateType, index: index)
            try await check(older, in: source, &outcome)
        }
        if outcome.verdict.verified.isEmpty, outcome.verdict.failures.isEmpty, outcome.verdict.problem == nil {
            outcome.verdict.problem =
                outcome.unsigned > 0
                ? "no signatures found; \(outcome.unsigned) statements of BuildKit are there, which nobody signed"
                : "no signatures found; `martlet sign` and `martlet attest` make them"
        }
        return outcome
    }

    private func check(
        _ attachments: [Attachment], in source: any ImageSource, _ outcome: inout Outcome
    ) async throws {
        for attachment in attachments {
            guard attachment.layout.isSigned else {
                outcome.unsigned += 1
                continue
            }
            let content = try await source.content(attachment.content, limit: Attachment.greatestByteCount)
            check(attachment, content, &outcome)
        }
    }

    private func check(_ attachment: Attachment, _ content: [UInt8], _ outcome: inout Outcome) {
        do {
            for (bundle, artifact) in try Self.read(attachment, content, outcome.digest) {
                do throws(VerificationFailure) {
                    let verified = try verifier.verify(bundle, artifact: artifact)
                    if let predicateType, verified.statement?.predicateType != predicateType {
                        outcome.verdict.problem =
                            "what is verified states \(verified.statement?.predicateType ?? "nothing"), not \(predicateType)"
                        continue
                    }
                    outcome.verdict.verified.append(verified)
                } catch {
                    outcome.verdict.failures.append(error.report)
                }
            }
        } catch let error as SigstoreError {
            outcome.verdict.failures.append(VerificationFailure(unreadable: error).report)
        } catch {
            outcome.verdict.failures.append(
                VerificationFailure(unreadable: SigstoreError(.malformed, "\(error)")).report)
        }
    }

    /// The bundles of an attachment, and what each must be about.
    static func read(
        _ attachment: Attachment, _ content: [UInt8], _ digest: MessageDigest
    ) throws -> [(UnverifiedBundle, any Artifact)] {
        let facts = attachment.content.annotations
        let isSimple = attachment.content.mediaType == .simpleSigning || attachment.layout == .signatureTag
        guard isSimple else {
            var bundles = try AttestationFile(parsing: content).bundles
            if attachment.layout == .attestationTag, let legacy = try legacy(facts, signature: []) {
                // The envelope has the signature, and the annotations who made it and where it is logged.
                for index in bundles.indices {
                    // What is recorded there is the log's promise, as in the first version of bundles.
                    bundles[index].version = legacy.version
                    bundles[index].identity = legacy.identity
                    bundles[index].entries = legacy.entries
                    bundles[index].timestamps = legacy.timestamps
                }
            }
            return bundles.map { ($0, DigestArtifact(digest)) }
        }
        let json = try JSON(parsing: content, limits: JSONLimits(byteCount: 1 << 20, depth: 16))
        // The specification writes the name of this field in two ways.
        let image = json["critical"]?["image"]
        let named = image?["docker-manifest-digest"]?.stringValue ?? image?["Docker-manifest-digest"]?.stringValue
        guard named == "\(digest)" else {
            throw SigstoreError(
                .refused, "the signature is about \((named ?? "nothing").safeForTerminal), not \(digest)")
        }
        guard let text = facts[Attachment.signature], let signature = try? Base64.decode(text) else {
            throw SigstoreError(.malformed, "the signature's annotation is no base64")
        }
        let bundle = try legacy(facts, signature: signature)
        let bare = try UnverifiedBundle(cosignSignature: signature, certificate: "", rekorBundle: nil)
        return [(bundle ?? bare, BytesArtifact(content))]
    }

    /// What cosign 2 wrote into annotations; `nil` where there is nothing.
    private static func legacy(_ facts: [String: String], signature: [UInt8]) throws -> UnverifiedBundle? {
        let certificate = facts[Attachment.certificate] ?? ""
        let bundle = facts[Attachment.rekorBundle]
        var timestamps: [[UInt8]] = []
        if let text = facts[Attachment.timestamp] {
            let json = try JSON(parsing: text)
            guard let token = json["SignedRFC3161Timestamp"]?.stringValue else {
                throw SigstoreError(.malformed, "the timestamp's annotation has no timestamp")
            }
            timestamps = [try Base64.decode(token)]
        }
        guard !certificate.isEmpty || bundle != nil || !timestamps.isEmpty else { return nil }
        return try UnverifiedBundle(
            cosignSignature: signature, certificate: certificate, rekorBundle: bundle, timestamps: timestamps)
    }
}
