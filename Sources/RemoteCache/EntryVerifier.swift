internal import Attest
package import Build
package import Bytes
package import Policy
internal import Sandbox
package import Sigstore
internal import Workspace

/// An entry that somebody whom the policy lets speak has signed, about exactly the result that was asked for.
package struct VerifiedEntry: Sendable {
    package let built: BuiltPackage
    package let predicate: EntryPredicate
    /// All documents by their names.
    package let documents: [String: [UInt8]]

    fileprivate init(built: BuiltPackage, predicate: EntryPredicate, documents: [String: [UInt8]]) {
        self.built = built
        self.predicate = predicate
        self.documents = documents
    }
}

/// Decides which entries of a namespace are believed: the one place that makes a `VerifiedEntry`. It opens no file and no
/// connection.
package struct EntryVerifier: Sendable {
    package let namespace: Namespace
    private let policy: ArtifactPolicy
    /// Copied for each entry; what it learns about certificates is shared.
    private let collector: EvidenceCollector

    /// - Parameter policy: must name signers; whatever else it asks for, an entry must be signed by one of them.
    package init(
        _ namespace: Namespace, policy: ArtifactPolicy, trustedRoot: TrustedRoot?
    ) throws(RemoteCacheError) {
        guard !policy.signers.isEmpty else {
            throw RemoteCacheError(
                .configuration,
                "the policy \(policy.name) names no signers, so that anybody's entries would count; give it signers")
        }
        self.namespace = namespace
        let policy = policy.requiring(predicate: EntryPredicate.type)
        self.policy = policy
        collector = EvidenceCollector([policy], trustedRoot: trustedRoot)
    }

    /// Verifies the bytes of an entry as one about the result `wanted`.
    package func verify(
        _ bytes: [UInt8], for wanted: WantedResult, at now: Timestamp
    ) throws(RemoteCacheError) -> VerifiedEntry {
        let entry = try CacheEntry(parsing: bytes)
        var collector = collector
        let vouching = try collector.evidence(entry.entry, "entry")
        let provenance = try collector.evidence(entry.provenance, "provenance")
        guard let statement = vouching.statement else {
            throw RemoteCacheError(.malformed, "what is signed is no statement")
        }
        let predicate = try EntryPredicate(statement)
        // A good entry under another name would put one result in place of another.
        guard predicate.key == wanted.key else {
            throw RemoteCacheError(
                .replayed, "it is about the key \(predicate.key.hex), not the one that was asked for")
        }
        guard predicate.package.utf8.elementsEqual(wanted.name.description.utf8) else {
            throw RemoteCacheError(.replayed, "it is about the package \(predicate.package.safeForTerminal)")
        }
        guard predicate.namespace.utf8.elementsEqual(namespace.text.utf8) else {
            throw RemoteCacheError(
                .replayed,
                "it was made for the namespace \(predicate.namespace.safeForTerminal), and lies in \(namespace)")
        }
        let documents = try Self.documents(entry, predicate)
        let built = try Self.result(documents, predicate)
        guard let said = provenance.statement, provenance.provenance != nil,
            said.subjects.contains(where: { $0.digest["sha256"] == predicate.artifact.hex })
        else { throw RemoteCacheError(.mismatch, "its provenance is not about its artifact") }
        try policy.requireMet(
            about: PolicySubject(name: built.name.description, digest: built.artifact), collector.pool, at: now)
        return VerifiedEntry(built: built, predicate: predicate, documents: documents)
    }

    /// The documents, each as the statement has it.
    private static func documents(
        _ entry: CacheEntry, _ predicate: EntryPredicate
    ) throws(RemoteCacheError) -> [String: [UInt8]] {
        guard case .envelope(let envelope) = entry.provenance.content else {
            throw RemoteCacheError(.malformed, "its provenance is no statement")
        }
        var documents = entry.documents
        documents[PackageRecord.documentName(.slsa)] = envelope.payload
        guard Set(documents.keys) == Set(PackageRecord.documentNames), documents.count == predicate.documents.count
        else {
            throw RemoteCacheError(.mismatch, "it has other documents than a result has")
        }
        for (name, bytes) in documents {
            guard predicate.documents[name] == .of(bytes) else {
                throw RemoteCacheError(.mismatch, "its document \(name) is not the one that was signed for")
            }
        }
        return documents
    }

    private static func result(
        _ documents: [String: [UInt8]], _ predicate: EntryPredicate
    ) throws(RemoteCacheError) -> BuiltPackage {
        guard let bytes = documents[PackageRecord.packageName], bytes.count <= PackageRecord.documentLimit,
            let json = try? JSON(parsing: bytes), let built = BuiltPackage(json: json)
        else { throw RemoteCacheError(.malformed, "its description of the result can't be read") }
        guard built.key == predicate.key, built.name.description.utf8.elementsEqual(predicate.package.utf8),
            built.artifact == predicate.artifact, built.ownTree == predicate.ownTree
        else { throw RemoteCacheError(.mismatch, "its description is of another result than its statement") }
        guard built.imported == nil else {
            throw RemoteCacheError(.policy, "it was made by Leeway, and not by who signed it")
        }
        guard built.sandbox != .off else {
            throw RemoteCacheError(.policy, "it was built without walls; such results are not shared")
        }
        return built
    }
}

extension EvidenceCollector {
    /// Verifies a bundle; `what` is said of it in errors.
    mutating func evidence(_ bundle: UnverifiedBundle, _ what: String) throws(RemoteCacheError) -> Evidence {
        let count = pool.all.count
        add(bundle, name: what, artifact: nil)
        guard pool.all.count == count + 1, let evidence = pool.all.last else {
            let failures = refusals.last?.report.failures ?? []
            let reasons = failures.map { "\($0.title): \($0.detail)" }.joined(separator: ", ")
            throw RemoteCacheError(.signature, "the signature of its \(what) is not to be believed: \(reasons)")
        }
        return evidence
    }
}

extension ArtifactPolicy {
    /// Throws unless every rule is met.
    func requireMet(
        about subject: PolicySubject, _ pool: EvidencePool, at now: Timestamp
    ) throws(RemoteCacheError) {
        let decision = PolicyEvaluation.decide(self, about: subject, with: pool, at: now)
        // A policy that only warns would let everything in.
        guard decision.failures.isEmpty, !decision.rules.isEmpty else {
            let reasons = decision.failures.map { rule in
                "\(rule.title)\(rule.expected.map { ": expected \($0)" } ?? "")\(rule.got.map { ", got \($0)" } ?? "")"
            }
            throw RemoteCacheError(
                .policy, "the policy \(name) refuses it: \(reasons.joined(separator: "; "))".safeForTerminal)
        }
    }
}
