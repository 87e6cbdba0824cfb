import Attest
import Bytes
import Testing

@testable import Policy

/// slsa-verifier's checks: each error has its name.
@Suite struct SLSAVerifierTests {
    static let generator =
        "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml"

    /// What a statement and its certificate say; tests change one thing of it.
    struct Facts {
        var workflow = SLSAVerifierTests.generator + "@refs/tags/v2.0.0"
        var issuer = "https://token.actions.githubusercontent.com"
        var builder = SLSAVerifierTests.generator + "@refs/tags/v2.0.0"
        var buildType = "https://github.com/slsa-framework/slsa-github-generator/generic@v1"
        var source = "git+https://github.com/acme/app@refs/tags/v1.2.3"
        var certifiedSource = "https://github.com/acme/app"
        var event = "push"
        var certifiedEvent = "push"
        var ref = "refs/tags/v1.2.3"
        var base = "refs/heads/main"
        var digest = PolicyFixtures.digest
        var predicateType = "https://slsa.dev/provenance/v0.2"

        var evidence: Evidence {
            let predicate: JSON = [
                "builder": ["id": .string(builder)], "buildType": .string(buildType),
                "invocation": [
                    "configSource": [
                        "uri": .string(source), "digest": ["sha1": .string(PolicyFixtures.commit)],
                        "entryPoint": "r.yml",
                    ],
                    "environment": [
                        "github_event_name": .string(event), "github_ref": .string(ref),
                        "github_base_ref": .string(base),
                        "github_sha1": .string(PolicyFixtures.commit), "github_run_id": "7", "github_run_attempt": "1",
                        "github_event_payload": ["inputs": ["release": "yes"]],
                    ],
                ],
            ]
            let claims = [
                "sourceRepositoryURI": certifiedSource, "buildTrigger": certifiedEvent,
                "sourceRepositoryDigest": PolicyFixtures.commit, "sourceRepositoryRef": ref,
                "runInvocationURI": "https://github.com/acme/app/actions/runs/7/attempts/1",
            ]
            return Evidence(
                name: "e", signer: .identity(issuer: issuer, name: workflow, claims: claims),
                statement: PolicyFixtures.statement(predicateType, predicate, digest: digest), isLogged: true)
        }
    }

    static func error(
        _ change: (inout Facts) -> Void = { _ in }, _ options: (inout SLSAVerifierRun.Options) -> Void = { _ in },
        command: SLSAVerifierRun.Command = .artifact
    ) -> String? {
        var facts = Facts()
        change(&facts)
        var asked = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
        options(&asked)
        do {
            _ = try SLSAVerifierRun(command, asked).verify(facts.evidence, digests: PolicyFixtures.subject.digests)
            return nil
        } catch {
            return error.identity.rawValue
        }
    }

    @Test("what is right passes")
    func passes() {
        #expect(Self.error() == nil)
        #expect(Self.error({ _ in }, { $0.sourceTag = "v1.2.3" }) == nil)
        #expect(Self.error({ _ in }, { $0.sourceBranch = "main" }) == nil)
        for version in ["v1", "v1.2", "v1.2.3"] {
            #expect(Self.error({ _ in }, { $0.sourceVersionedTag = version }) == nil)
        }
        #expect(Self.error({ _ in }, { $0.builderID = Self.generator }) == nil)
        #expect(Self.error({ _ in }, { $0.builderID = Self.generator + "@v2.0.0" }) == nil)
        #expect(Self.error({ _ in }, { $0.sourceURI = "git+https://github.com/acme/app" }) == nil)
    }

    @Test("what is wrong has slsa-verifier's name")
    func fails() {
        #expect(Self.error({ $0.issuer = "https://evil.example" }) == "ErrorInvalidOIDCIssuer")
        #expect(Self.error({ $0.workflow = Self.generator }) == "ErrorMalformedURI")
        #expect(
            Self.error({ $0.workflow = "https://github.com/evil/x/.github/workflows/a.yml@refs/tags/v1.0.0" })
                == "ErrorUntrustedReusableWorkflow")
        #expect(Self.error(command: .image) == "ErrorUntrustedReusableWorkflow")
        #expect(Self.error({ $0.workflow = Self.generator + "@refs/heads/main" }) == "ErrorInvalidRef")
        #expect(Self.error({ $0.workflow = Self.generator + "@refs/tags/v2.0.0-rc.1" }) == "ErrorInvalidRef")
        #expect(Self.error({ $0.workflow = Self.generator + "@refs/tags/v2" }) == "ErrorInvalidRef")
        #expect(Self.error({ $0.builder = "https://elsewhere.example" }) == "ErrorMismatchBuilderID")
        #expect(Self.error({ _ in }, { $0.builderID = Self.generator + "@v1.0.0" }) == "ErrorUntrustedReusableWorkflow")
        #expect(Self.error({ $0.buildType = "https://x.example" }) == "ErrorInvalidBuildType")
        #expect(
            Self.error({ $0.source = "git+https://github.com/acme/other@refs/tags/v1.2.3" }) == "ErrorMismatchSource")
        #expect(Self.error({ $0.certifiedSource = "https://github.com/acme/other" }) == "ErrorMismatchSource")
        #expect(Self.error({ _ in }, { $0.sourceURI = "acme" }) == "ErrorMalformedURI")
        #expect(Self.error({ $0.certifiedEvent = "pull_request" }) == "ErrorMismatchCertificate")
        #expect(Self.error({ $0.digest = Digest.of([1]) }) == "ErrorMismatchHash")
        #expect(Self.error({ $0.predicateType = "https://x.example" }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ _ in }, { $0.sourceBranch = "dev" }) == "ErrorMismatchBranch")
        #expect(Self.error({ _ in }, { $0.sourceTag = "v1.2.4" }) == "ErrorMismatchTag")
        #expect(Self.error({ _ in }, { $0.sourceVersionedTag = "1.2" }) == "ErrorInvalidSemver")
        #expect(Self.error({ _ in }, { $0.sourceVersionedTag = "v1.3" }) == "ErrorMismatchVersionedTag")
        #expect(Self.error({ _ in }, { $0.workflowInputs = ["release": "yes"] }) == "ErrorMismatchWorkflowInputs")
        let dispatched: (inout Facts) -> Void = { facts in
            facts.event = "workflow_dispatch"
            facts.certifiedEvent = "workflow_dispatch"
        }
        #expect(Self.error(dispatched, { $0.workflowInputs = ["release": "yes"] }) == nil)
        #expect(Self.error(dispatched, { $0.workflowInputs = ["release": "no"] }) == "ErrorMismatchWorkflowInputs")
    }

    @Test("summaries are refused with slsa-verifier's names")
    func summaries() {
        func error(_ evidence: Evidence, _ change: (inout SLSAVerifierSummary) -> Void = { _ in }) -> String? {
            var asked = SLSAVerifierSummary(
                subjectDigests: PolicyFixtures.subject.digests, verifierID: "https://verifier.example",
                resourceURI: "pkg:generic/server", verifiedLevels: ["SLSA_BUILD_LEVEL_2"])
            change(&asked)
            do {
                try asked.verify(evidence, at: PolicyFixtures.now)
                return nil
            } catch { return error.identity.rawValue }
        }
        let good = PolicyFixtures.summary()
        #expect(error(good) == nil)
        #expect(error(good) { $0.subjectDigests = [] } == "ErrorMissingSubjectDigest")
        #expect(error(good) { $0.subjectDigests.append("sha256:00") } == "ErrorMissingSubjectDigest")
        #expect(error(good) { $0.verifierID = "x" } == "ErrorMismatchVerifierID")
        #expect(error(good) { $0.resourceURI = "x" } == "ErrorMismatchResourceURI")
        #expect(error(good) { $0.verifiedLevels = ["SLSA_BUILD_LEVEL_4"] } == "ErrorMismatchVerifiedLevels")
        #expect(error(good) { $0.verifiedLevels = ["SLSA_BUILD_LEVEL_X"] } == "ErrorInvalidSLSALevel")
        #expect(error(PolicyFixtures.summary(result: .failed)) == "ErrorInvalidVerificationResult")
        #expect(error(PolicyFixtures.provenance()) == "ErrorInvalidDssePayload")
        let empty = Evidence(
            name: "e", signer: PolicyFixtures.verifier,
            statement: PolicyFixtures.statement(VerificationSummary.predicateType, ["verifier": ["id": "x"]]),
            isLogged: true)
        #expect(error(empty) == "ErrorEmptyRequiredField")
    }

    @Test("packages of npm are checked by name, version and runner")
    func packages() throws {
        func evidence(_ runner: String, _ name: String) -> Evidence {
            let statement = Statement(
                subjects: [Subject(name: name, digest: ["sha512": "ab"])],
                predicateType: "https://slsa.dev/provenance/v1",
                predicate: [
                    "buildDefinition": [
                        "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
                        "externalParameters": [
                            "workflow": ["repository": "https://github.com/acme/app", "ref": "refs/heads/main"]
                        ],
                    ], "runDetails": ["builder": ["id": "https://github.com/actions/runner/github-hosted"]],
                ])
            return Evidence(
                name: "e",
                signer: .identity(
                    issuer: "https://token.actions.githubusercontent.com",
                    name: "https://github.com/acme/app/.github/workflows/a.yml@refs/heads/main",
                    claims: ["sourceRepositoryURI": "https://github.com/acme/app", "runnerEnvironment": runner]),
                statement: statement, isLogged: true)
        }
        func error(_ evidence: Evidence, _ name: String = "@acme/app", _ version: String = "1.2.3") -> String? {
            var options = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
            options.packageName = name
            options.packageVersion = version
            do {
                _ = try SLSAVerifierRun(.npmPackage, options).verify(evidence, digests: ["sha512:ab"])
                return nil
            } catch { return error.identity.rawValue }
        }
        let good = evidence("github-hosted", "pkg:npm/%40acme/app@1.2.3")
        #expect(error(good) == nil)
        #expect(error(good, "@acme/other") == "ErrorMismatchPackageName")
        #expect(error(good, "@acme/app", "2.0.0") == "ErrorMismatchPackageVersion")
        #expect(error(evidence("self-hosted", "pkg:npm/%40acme/app@1.2.3")) == "ErrorMismatchBuilderID")
        #expect(error(evidence("github-hosted", "app")) == "ErrorInvalidPackageName")
    }
}
