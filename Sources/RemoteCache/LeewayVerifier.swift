internal import Attest
package import Build
package import Bytes
package import Policy
package import Sigstore
internal import Workspace

/// What somebody whom the policy lets speak says of an object in Leeway's cache.
package struct VerifiedLeewayObject: Sendable {
    /// The digest of the archive.
    package let archive: Digest
    /// Who built it.
    package let builder: String
    /// Where its sources are from.
    package let repository: String

    fileprivate init(archive: Digest, builder: String, repository: String) {
        self.archive = archive
        self.builder = builder
        self.repository = repository
    }
}

/// Decides which of Leeway's attestations are believed: the one place that makes a `VerifiedLeewayObject`. It opens no
/// file and no connection.
package struct LeewayVerifier: Sendable {
    private let policy: ArtifactPolicy
    /// Copied for each attestation; what it learns about certificates is shared.
    private let collector: EvidenceCollector

    /// - Parameter policy: must name signers and repositories. Leeway itself takes anybody's.
    package init(policy: ArtifactPolicy, trustedRoot: TrustedRoot?) throws(RemoteCacheError) {
        guard !policy.signers.isEmpty else {
            throw RemoteCacheError(
                .configuration,
                "the policy \(policy.name) names no signers, so that anybody's attestations would count; give it signers"
            )
        }
        guard policy.sources?.repositories.isEmpty == false else {
            throw RemoteCacheError(
                .configuration,
                "the policy \(policy.name) does not say which repository Leeway's artifacts are from; give it sources.repositories, or --slsa-source-uri"
            )
        }
        self.policy = policy
        collector = EvidenceCollector([policy], trustedRoot: trustedRoot)
    }

    /// Verifies the bytes of an attestation as one about the artifact of `wanted`.
    package func verify(
        _ bytes: [UInt8], for wanted: WantedImport, at now: Timestamp
    ) throws(RemoteCacheError) -> VerifiedLeewayObject {
        let bundle: UnverifiedBundle
        do {
            bundle = try UnverifiedBundle(parsing: bytes)
        } catch {
            throw RemoteCacheError(.malformed, "its attestation is no Sigstore bundle: \(error)")
        }
        var collector = collector
        let evidence = try collector.evidence(bundle, "attestation")
        guard let statement = evidence.statement, let provenance = evidence.provenance else {
            throw RemoteCacheError(.malformed, "its attestation is no SLSA provenance")
        }
        // A good attestation beside another object would put one package in place of another.
        guard let subject = statement.subjects.first, statement.subjects.count == 1,
            let archive = subject.digest["sha256"].flatMap({ Digest(hex: $0) })
        else { throw RemoteCacheError(.malformed, "its attestation is not about one archive with a SHA-256 digest") }
        guard LeewayObject.names(wanted).contains(where: { $0.utf8.elementsEqual(subject.name.utf8) }) else {
            throw RemoteCacheError(.replayed, "its attestation is about \(subject.name.safeForTerminal)")
        }
        let named = provenance.entryPoint
        guard named.isEmpty || named.utf8.elementsEqual(wanted.name.description.utf8) else {
            throw RemoteCacheError(.replayed, "its attestation is about the package \(named.safeForTerminal)")
        }
        try policy.requireMet(about: PolicySubject(name: subject.name, digest: archive), collector.pool, at: now)
        return VerifiedLeewayObject(
            archive: archive, builder: provenance.builderID, repository: evidence.repository ?? "")
    }
}

/// How Leeway names what it keeps of a package.
enum LeewayObject {
    /// The names that a package's archive may have.
    static func names(_ wanted: WantedImport) -> [String] {
        [".tar.gz", ".tar"].map { wanted.leewayVersion + $0 }
    }
}
