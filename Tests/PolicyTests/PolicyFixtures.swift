import Attest
import Bytes
import Keys
import Testing

@testable import Policy

/// Evidence and policies that tests share.
enum PolicyFixtures {
    static let now = moment("2026-11-01T00:00:00Z")
    static let digest = Digest.of(Array("artifact".utf8))
    static let subject = PolicySubject(name: "server.tar.gz", digest: digest)
    static let commit = "0123456789abcdef0123456789abcdef01234567"
    static let releaser = Evidence.Signer.identity(
        issuer: "https://token.actions.githubusercontent.com",
        name: "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3",
        claims: ["sourceRepositoryURI": "https://github.com/acme/app", "sourceRepositoryRef": "refs/tags/v1.2.3"])
    static let scanner = Evidence.Signer.identity(
        issuer: "https://issuer.example", name: "scanner@example.org", claims: [:])
    static let verifier = Evidence.Signer.identity(
        issuer: "https://issuer.example", name: "verifier@example.org", claims: [:])

    static let policy = """
        policy: v1
        name: release
        signers:
          release:
            issuer: https://token.actions.githubusercontent.com
            identity: https://github.com/acme/app/.github/workflows/release.yml@refs/tags/*
          scanner: {issuer: "https://issuer.example", identity: scanner@example.org}
          verifier: {issuer: "https://issuer.example", identity: verifier@example.org}
        builders:
          - {signer: release, id: "https://builder.example/*", level: 3, operator: acme}
        sources:
          repositories: [https://github.com/acme/app]
          tags: ["v*"]
        buildTypes:
          https://build.example/v1:
            parameters:
              source: {type: map}
              target: app
              optimise: {type: bool, optional: true}
        levels: {build: 3}
        ages: {provenance: 30d}
        """

    static func moment(_ text: String) -> Timestamp {
        guard let moment = Timestamp(text) else { preconditionFailure("\(text) is no moment") }
        return moment
    }

    static func read(_ text: String) throws -> ArtifactPolicy {
        try #require(try ArtifactPolicy.policies(parsing: Array(text.utf8), file: "policy.yaml") { _ in [] }.first)
    }

    static func statement(_ type: String, _ predicate: JSON, digest: Digest = digest) -> Statement {
        Statement(subjects: [Subject(name: "server.tar.gz", digest: digest)], predicateType: type, predicate: predicate)
    }

    static func provenance(
        builder: String = "https://builder.example/one", parameters: JSON? = nil,
        finished: String = "2026-10-20T00:00:00Z",
        ref: String = "refs/tags/v1.2.3", repository: String = "git+https://github.com/acme/app",
        signer: Evidence.Signer = releaser,
        name: String = "provenance",
        isLogged: Bool = true
    ) -> Evidence {
        let parameters: JSON =
            parameters ?? [
                "source": ["uri": .string("\(repository)@\(ref)"), "digest": ["gitCommit": .string(commit)]],
                "target": "app",
            ]
        return Evidence(
            name: name, signer: signer,
            statement: statement(
                "https://slsa.dev/provenance/v1",
                [
                    "buildDefinition": [
                        "buildType": "https://build.example/v1", "externalParameters": parameters,
                        "resolvedDependencies": [
                            ["uri": "pkg:npm/left-pad@1.0.0", "digest": ["sha256": .string(Digest.of([1]).hex)]]
                        ],
                    ],
                    "runDetails": ["builder": ["id": .string(builder)], "metadata": ["finishedOn": .string(finished)]],
                ]), isLogged: isLogged)
    }

    static func summary(
        levels: [String] = ["SLSA_BUILD_LEVEL_3"], result: VerificationSummary.Result = .passed,
        signer: Evidence.Signer = verifier,
        verifier: String = "https://verifier.example", about: [String: String]? = nil,
        time: String = "2026-10-31T00:00:00Z"
    ) -> Evidence {
        let summary = VerificationSummary(
            verifierID: verifier, timeVerified: Timestamp(time), resourceURI: "pkg:generic/server",
            policy: .init(name: "p", digest: ["sha256": digest.hex]), result: result, verifiedLevels: levels)
        return Evidence(
            name: "summary", signer: signer,
            statement: summary.statement(about: [Subject(name: "", digest: about ?? ["sha256": digest.hex])]),
            isLogged: true)
    }

    static func decide(_ policy: ArtifactPolicy, _ evidence: Evidence...) -> Decision {
        PolicyEvaluation.decide(policy, about: subject, with: EvidencePool(evidence), at: now)
    }
}
