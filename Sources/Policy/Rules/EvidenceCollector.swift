internal import Attest
internal import Bytes
internal import Keys
package import Sigstore
package import SystemPackage

/// Turns bundles into evidence: each is verified with the keys of a policy and with the authorities of a trusted root.
/// Who signed is no reason to refuse here; what that is worth is for the policy to say.
package struct EvidenceCollector: Sendable {
    /// A bundle that is not to be believed.
    package struct Refusal: Sendable {
        package var name: String
        package var report: VerificationReport
    }

    private let certificates: Verifier
    private let keys: [Verifier]
    private let hasRoot: Bool
    package private(set) var pool = EvidencePool()
    package private(set) var refusals: [Refusal] = []

    /// - Parameter trustedRoot: `nil` where there is none, so that only signatures by keys can be verified.
    package init(_ policies: [ArtifactPolicy], trustedRoot: TrustedRoot?) {
        let root = trustedRoot ?? TrustedRoot()
        hasRoot = trustedRoot != nil
        var anybody = VerificationPolicy(signer: .identities([.init(issuer: .any, name: .any)]))
        // Policies ask for log entries by themselves; a time by somebody is needed in any case.
        anybody.logEntries = 0
        anybody.ignoresUnknownTimestamps = true
        certificates = Verifier(trustedRoot: root, policy: anybody)
        var known: Set<PublicKey> = []
        keys = policies.flatMap(\.keys).filter { known.insert($0).inserted }.map { key in
            var policy = VerificationPolicy(signer: .key(key))
            policy.logEntries = 0
            policy.ignoresUnknownTimestamps = true
            return Verifier(trustedRoot: root, policy: policy)
        }
    }

    /// Adds a bundle, as evidence or as refused.
    ///
    /// - Parameter artifact: what signatures without a statement are about.
    package mutating func add(_ bundle: UnverifiedBundle, name: String, artifact: (any Sigstore.Artifact)?) {
        let verifiers: [Verifier]
        switch bundle.identity {
        case .certificates: verifiers = [certificates]
        case .publicKey: verifiers = keys
        }
        // A statement is verified for whatever it is about, so that those about dependencies count too.
        var target = artifact
        if case .envelope = bundle.content { target = nil }
        var failure: VerificationReport?
        for verifier in verifiers {
            do {
                let verified = try verifier.verify(bundle, artifact: target)
                var digests: [MessageDigest] = []
                if verified.statement == nil, let digest = try? target?.digest(.sha256) { digests = [digest] }
                pool.add(Evidence(verified, name: name, artifact: digests))
                return
            } catch {
                failure = failure ?? error.report
            }
        }
        let reason =
            verifiers.isEmpty
            ? "the policy has no key, so signatures by keys are worth nothing" : "nothing could verify it"
        let report = failure ?? VerificationFailure(unreadable: SigstoreError(.refused, reason)).report
        refusals.append(Refusal(name: name, report: report))
    }

    /// Adds the bundles of a file.
    package mutating func add(file path: FilePath, artifact: (any Sigstore.Artifact)?) throws {
        add(try BundleVerification.read(path), name: path.string, artifact: artifact)
    }

    mutating func add(_ bundles: [UnverifiedBundle], name: String, artifact: (any Sigstore.Artifact)?) {
        for (index, bundle) in bundles.enumerated() {
            add(bundle, name: bundles.count == 1 ? name : "\(name):\(index + 1)", artifact: artifact)
        }
    }

    /// Adds what is beside a file or inside it, and gives what the file is to a policy.
    package mutating func add(artifact path: FilePath, bundles: [FilePath]) throws -> PolicySubject {
        let contents = try BundleVerification.contents(of: path)
        if bundles.isEmpty { add(contents.bundles, name: path.string, artifact: contents.artifact) }
        for bundle in bundles { try add(file: bundle, artifact: contents.artifact) }
        guard let digest = try contents.artifact.digest(.sha256) else {
            throw PolicyError("\(path) has no SHA-256 digest")
        }
        return PolicySubject(name: path.string, digests: [digest.description])
    }
}

extension ArtifactPolicy {
    /// All keys that may have signed.
    var keys: [PublicKey] {
        let authorities = authorities.flatMap { authority -> [Signer] in
            if case .signers(let signers) = authority.kind { signers } else { [] }
        }
        return (signers + authorities).compactMap { signer in
            if case .key(let key) = signer.kind { key } else { nil }
        }
    }

    /// Whether the policy says who must have signed. One that does not would believe anybody with a certificate.
    package var namesSigners: Bool { !signers.isEmpty || !authorities.isEmpty }
}
