internal import ArgumentParser
internal import Attest
internal import Build
internal import Bytes
internal import Host
internal import Policy
internal import Reports
internal import Sigstore
internal import SystemPackage

/// Holds policies against artifacts and what is known about them.
struct PolicyRun {
    let policies: [ArtifactPolicy]
    let trustedRoot: TrustedRoot?
    let now: Timestamp

    struct Result {
        var decisions: [Decision]
        var refusals: [EvidenceCollector.Refusal]
        var pool: EvidencePool
    }

    init(policyFiles: [String], trustedRoot: TrustedRoot?, now: Timestamp) throws {
        policies = try policyFiles.flatMap { try ArtifactPolicy.read(FilePath($0)) }
        self.trustedRoot = trustedRoot
        self.now = now
        if let policy = policies.first(where: { !$0.namesSigners }) {
            throw CommandError.usage(
                "the policy \(policy.name) names no signer, so that anybody's word would count; give it signers")
        }
    }

    /// Decides about an artifact, a digest, or where neither is given what the bundles say that they are about.
    func decide(artifact: String?, bundles: [String]) throws -> Result {
        var collector = EvidenceCollector(policies, trustedRoot: trustedRoot)
        let paths = bundles.map { FilePath($0) }
        let subject: PolicySubject
        if let artifact {
            if case .digest(let digest) = try VerifyCommand.target(artifact) {
                for path in paths { try collector.add(file: path, artifact: DigestArtifact(digest)) }
                subject = PolicySubject(name: artifact, digests: [digest.description])
            } else {
                subject = try collector.add(artifact: FilePath(artifact), bundles: paths)
            }
        } else {
            for path in paths { try collector.add(file: path, artifact: nil) }
            guard let first = collector.pool.all.first else {
                throw CommandError.no("no bundle could be verified: \(Self.reasons(collector.refusals))")
            }
            subject = PolicySubject(name: first.name, digests: first.digests.sorted())
        }
        return Result(
            decisions: policies.map { PolicyEvaluation.decide($0, about: subject, with: collector.pool, at: now) },
            refusals: collector.refusals, pool: collector.pool)
    }

    /// Holds a policy against a provenance bundle, for `provenance assert`.
    static func assert(
        _ file: String, _ bundle: ProvenanceBundle, _ name: String, _ artifact: String?, _ trustedRoot: String?,
        json: Bool
    ) async throws {
        var arguments = try VerificationArguments.parse([])
        arguments.trustedRoot = trustedRoot
        let run = try PolicyRun(
            policyFiles: [file],
            trustedRoot: try await arguments.readTrustedRoot(VerificationArguments.trustedRootVariable),
            now: try TrustArguments.clock())
        var collector = EvidenceCollector(run.policies, trustedRoot: run.trustedRoot)
        for entry in bundle.entries {
            for unverified in try AttestationFile(parsing: entry.line).bundles {
                collector.add(unverified, name: "line \(entry.number)", artifact: nil)
            }
        }
        // The target's statement is the last one; what it is about is decided about.
        var digests =
            try bundle.entries.last.map { try Statement(parsing: $0.envelope.payload) }?.subjects.first
            .map { $0.digest.map { "\($0.key):\($0.value)" }.sorted() } ?? []
        if let artifact { digests = ["\(try BundleFile.artifactDigest(of: FilePath(artifact)))"] }
        let subject = PolicySubject(name: name, digests: digests)
        let decisions = run.policies.map {
            PolicyEvaluation.decide($0, about: subject, with: collector.pool, at: run.now)
        }
        let result = Result(decisions: decisions, refusals: collector.refusals, pool: collector.pool)
        try finish([result], json: json, verbose: false)
    }

    private static func reasons(_ refusals: [EvidenceCollector.Refusal]) -> String {
        refusals.flatMap { $0.report.failures.map { "\($0.title): \($0.detail)" } }.prefix(3).joined(separator: ", ")
    }

    /// Prints the results, and fails unless every policy allows.
    static func finish(_ results: [Result], json: Bool, verbose: Bool) throws {
        if json {
            Output.write(
                .array(
                    results.flatMap { result in
                        result.decisions.map { decision in
                            var object = decision.json.objectValue ?? [:]
                            object["refused"] = .array(
                                result.refusals.map { ["name": .string($0.name), "report": $0.report.json] })
                            return .object(object)
                        }
                    }))
        } else {
            let screen = Terminal(.standardOutput)
            let text = DecisionText(ink: Ink(for: screen), showsAll: verbose)
            for result in results {
                screen.say(
                    (result.decisions.flatMap { text.lines($0) } + text.lines(result.refusals)).joined(separator: "\n"))
            }
        }
        guard results.flatMap(\.decisions).allSatisfy({ $0.verdict != .denied }) else { throw ExitCode(1) }
    }
}
