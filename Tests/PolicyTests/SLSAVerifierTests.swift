import Attest
import Bytes
import Testing

@testable import Policy

/// slsa-verifier's checks of what trusted builders of GitHub Actions sign: each error has its name.
@Suite struct SLSAVerifierTests {
    static let workflows = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    static let generator = workflows + "generator_generic_slsa3.yml"
    static let delegator = workflows + "delegator_generic_slsa3.yml"
    static let generatorType = "https://github.com/slsa-framework/slsa-github-generator/"
    static let digest = PolicyFixtures.digest.hex

    /// What a statement and its certificate say; tests change one thing of it.
    struct Facts {
        var workflow = SLSAVerifierTests.generator + "@refs/tags/v2.0.0"
        var claims = [
            "issuer": "https://token.actions.githubusercontent.com",
            "sourceRepositoryURI": "https://github.com/acme/app", "buildTrigger": "push",
            "sourceRepositoryDigest": PolicyFixtures.commit, "buildConfigDigest": PolicyFixtures.commit,
            "sourceRepositoryRef": "refs/tags/v1.2.3",
            "runInvocationURI": "https://github.com/acme/app/actions/runs/7/attempts/1",
            "runnerEnvironment": "github-hosted",
        ]
        var payloadType = "application/vnd.in-toto+json"
        var predicateType = "https://slsa.dev/provenance/v0.2"
        var builder = SLSAVerifierTests.generator + "@refs/tags/v2.0.0"
        var buildType = SLSAVerifierTests.generatorType + "generic@v1"
        var trigger = "git+https://github.com/acme/app@refs/tags/v1.2.3"
        var source = "git+https://github.com/acme/app@refs/tags/v1.2.3"
        var subjects: JSON = [["name": "app", "digest": ["sha256": .string(SLSAVerifierTests.digest)]]]
        var extra: JSONObject = [:]
        var environment: JSONObject = [
            "github_event_name": "push", "github_ref": "refs/tags/v1.2.3", "github_ref_type": "tag",
            "github_base_ref": "", "github_sha1": .string(PolicyFixtures.commit), "github_run_id": "7",
            "github_event_payload": ["base_ref": "refs/heads/main", "inputs": ["release": "yes", "count": 3]],
        ]

        /// Makes it one of a builder that somebody brought.
        mutating func delegate(to builder: String) {
            workflow = SLSAVerifierTests.delegator + "@refs/tags/v2.0.0"
            buildType = SLSAVerifierTests.generatorType + "delegator-generic@v0"
            self.builder = builder
            var capitals = JSONObject()
            for member in environment { capitals[member.key.uppercased()] = member.value }
            environment = capitals
        }

        mutating func dispatch() {
            claims["buildTrigger"] = "workflow_dispatch"
            environment["github_event_name"] = "workflow_dispatch"
        }

        var statement: JSON {
            var predicate: JSONObject = [
                "builder": ["id": .string(builder)], "buildType": .string(buildType),
                "invocation": [
                    "configSource": ["uri": .string(trigger), "digest": ["sha1": "aa"], "entryPoint": "r.yml"],
                    "environment": .object(environment),
                ],
                "metadata": ["buildInvocationID": "7-1", "completeness": ["parameters": true]],
                "materials": [["uri": .string(source), "digest": ["sha1": .string(PolicyFixtures.commit)]]],
            ]
            for member in extra { predicate[member.key] = member.value }
            return [
                "_type": "https://in-toto.io/Statement/v0.1", "subject": subjects,
                "predicateType": .string(predicateType), "predicate": .object(predicate),
            ]
        }

        var signed: SignedProvenance {
            SignedProvenance(
                subject: workflow, issuer: claims["issuer"] ?? "", claims: claims, payloadType: payloadType,
                payload: statement.bytes())
        }
    }

    typealias Change = (inout Facts) -> Void
    typealias Ask = (inout SLSAVerifierRun.Options) -> Void

    static func error(
        _ change: Change = { _ in }, _ ask: Ask = { _ in }, command: SLSAVerifierRun.Command = .artifact
    ) -> String? {
        var facts = Facts()
        change(&facts)
        var asked = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
        ask(&asked)
        do {
            _ = try SLSAVerifierRun(command, asked).verify(facts.signed, digest: digest)
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
        for id in [Self.generator, Self.generator + "@v2.0.0", Self.generator + "@refs/tags/v2.0.0", ""] {
            #expect(Self.error({ _ in }, { $0.builderID = id }) == nil, "\(id)")
        }
        #expect(Self.error({ _ in }, { $0.sourceURI = "git+https://github.com/acme/app" }) == nil)
    }

    @Test("the signer must be a workflow that is believed, of a release")
    func signers() {
        #expect(Self.error({ $0.claims["issuer"] = "https://evil.example" }) == "ErrorInvalidCertificate")
        #expect(
            Self.error({ $0.claims["issuer"] = "https://evil.example" }, command: .image) == "ErrorInvalidOIDCIssuer")
        #expect(Self.error({ $0.workflow = "someone@example.org" }) == "ErrorInvalidCertificate")
        #expect(Self.error({ $0.workflow = Self.generator }) == "ErrorMalformedURI")
        #expect(
            Self.error({ $0.workflow = "https://github.com/evil/x/.github/workflows/a.yml@refs/tags/v1.0.0" })
                == "ErrorUntrustedReusableWorkflow")
        #expect(
            Self.error({ $0.workflow = Self.workflows + "builder_docker-based_slsa3.yml@refs/tags/v1.0.0" })
                == "ErrorUntrustedReusableWorkflow")
        #expect(Self.error(command: .image) == "ErrorUntrustedReusableWorkflow")
        for ref in ["refs/heads/main", "refs/tags/v2.0.0-rc.1", "refs/tags/v2", "refs/tags/2.0.0", "v2.0.0"] {
            #expect(Self.error({ $0.workflow = "\(Self.generator)@\(ref)" }) == "ErrorInvalidRef", "\(ref)")
        }
        for id in [Self.generator + "@v1.0.0", Self.workflows + "not-trusted.yml"] {
            #expect(Self.error({ _ in }, { $0.builderID = id }) == "ErrorUntrustedReusableWorkflow", "\(id)")
        }
    }

    @Test("certificates that contradict themselves are refused")
    func certificates() {
        let changes: [Change] = [
            { $0.claims["buildTrigger"] = nil }, { $0.claims["sourceRepositoryDigest"] = nil },
            { $0.claims["workflowTrigger"] = "schedule" }, { $0.claims["workflowSHA"] = "aa" },
            { $0.claims["buildConfigDigest"] = "aa" }, { $0.claims["issuerV1"] = "https://other.example" },
            { $0.claims["workflowRepository"] = "acme/other" },
            { $0.claims["buildConfigURI"] = "https://github.com/acme/other/.github/workflows/r.yml@refs/heads/main" },
            { $0.claims["buildConfigURI"] = "https://github.com/acme/app/.github/workflows/r.yml" },
        ]
        for (index, change) in changes.enumerated() {
            #expect(Self.error(change) == "ErrorInvalidFormat", "\(index)")
        }
        // Certificates of before 2023 have the first extensions alone.
        #expect(
            Self.error {
                $0.claims = [
                    "issuer": "https://token.actions.githubusercontent.com", "workflowTrigger": "push",
                    "workflowSHA": PolicyFixtures.commit, "workflowRepository": "acme/app",
                ]
            } == nil)
    }

    @Test("the builder that a user names says who verifies")
    func authorities() {
        func error(_ id: String, _ command: SLSAVerifierRun.Command) -> String? {
            var options = SLSAVerifierRun.Options(sourceURI: "github.com/acme/app")
            options.builderID = id
            do {
                _ = try SLSAVerifierRun(command, options).authority()
                return nil
            } catch { return error.identity.rawValue }
        }
        #expect(error("https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.3", .image) == nil)
        #expect(error("https://cloudbuild.googleapis.com/GoogleHostedWorker", .artifact) == "ErrorNotSupported")
        #expect(error("https://cloudbuild.googleapis.com/GoogleHostedWorkera", .image) == "ErrorVerifierNotSupported")
        #expect(error("https://builder.example/x", .artifact) == "ErrorVerifierNotSupported")
        #expect(error("https://github.com/a/b@v1@v2", .artifact) == "ErrorInvalidFormat")
        #expect(error("https://github.com/a/b@", .artifact) == "ErrorInvalidFormat")
    }

    @Test("the statement must be one that its builder writes")
    func statements() {
        #expect(Self.error({ $0.payloadType = "text/plain" }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.predicateType = "https://x.example" }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.subjects = [] }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.extra["surprise"] = "!" }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.extra["buildType"] = 7 }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.extra["metadata"] = ["buildStartedOn": "noon"] }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.predicateType = "https://slsa.dev/provenance/v1" }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.buildType = "https://x.example" }) == "ErrorInvalidBuildType")
        #expect(
            Self.error(
                { $0.workflow = "https://github.com/a/b/c.yml@refs/tags/v1.0.0" },
                { $0.builderID = "https://github.com/a/b/c.yml" })
                == "ErrorInvalidBuilderID")
        for id in ["https://elsewhere.example", Self.generator, Self.generator + "@v2.0.0"] {
            #expect(Self.error({ $0.builder = id }) == "ErrorMismatchBuilderID", "\(id)")
        }
        #expect(Self.error({ $0.builder = "a@b@c" }) == "ErrorInvalidFormat")
    }

    @Test("the source is that of the certificate, the workflow and the materials")
    func sources() {
        for uri in ["acme", "Agithub.com/acme/app", "github.com/acme/appA", "https://github.com/acme/app"] {
            #expect(Self.error({ _ in }, { $0.sourceURI = uri }) == "ErrorMismatchSource", "\(uri)")
        }
        #expect(Self.error({ _ in }, { $0.sourceURI = "acme/app" }) == "ErrorMalformedURI")
        let other = "git+https://github.com/acme/other@refs/tags/v1.2.3"
        #expect(
            Self.error({ $0.claims["sourceRepositoryURI"] = "https://github.com/acme/other" }) == "ErrorMismatchSource")
        #expect(Self.error({ $0.trigger = other }) == "ErrorMismatchSource")
        #expect(Self.error({ $0.source = other }) == "ErrorMismatchSource")
        #expect(Self.error({ $0.trigger = "" }) == "ErrorMalformedURI")
        #expect(Self.error({ $0.source = "https://github.com/acme/app@refs/tags/v1.2.3" }) == "ErrorMalformedURI")
        #expect(Self.error({ $0.trigger = "git+https://github.com/acme/app" }) == "ErrorMalformedURI")
        #expect(Self.error({ $0.source = "git+https://github.com/acme/app" }) == "ErrorMalformedURI")
        #expect(Self.error({ $0.source = "git+https://github.com/acme/app@refs/heads/x" }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.extra["materials"] = [] }) == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0.subjects = [["name": "app", "digest": ["sha256": "aa"]]] }) == "ErrorMismatchHash")
    }

    @Test("branches and tags are those of the run")
    func references() {
        let onBranch: Change = {
            $0.environment["github_ref"] = "refs/heads/main"
            $0.environment["github_ref_type"] = "branch"
            $0.claims["sourceRepositoryRef"] = nil
        }
        #expect(Self.error(onBranch, { $0.sourceBranch = "main" }) == nil)
        #expect(Self.error(onBranch, { $0.sourceBranch = "master" }) == "ErrorMismatchBranch")
        #expect(Self.error(onBranch, { $0.sourceTag = "v1.2.3" }) == "ErrorInvalidRef")
        #expect(Self.error(onBranch, { $0.sourceVersionedTag = "1" }) == "ErrorInvalidRef")
        #expect(Self.error({ _ in }, { $0.sourceTag = "v1.2" }) == "ErrorMismatchTag")
        #expect(
            Self.error({ $0.environment["github_ref_type"] = nil }, { $0.sourceTag = "v1" })
                == "ErrorInvalidDssePayload")
        // The branch of a tag is where the event says so.
        #expect(
            Self.error({ $0.environment["github_event_payload"] = [:] }, { $0.sourceBranch = "main" })
                == "ErrorInvalidDssePayload")
        #expect(
            Self.error({ $0.environment["github_event_payload"] = ["base_ref": nil] }, { $0.sourceBranch = "main" })
                == "ErrorInvalidRef")
        let released: Change = {
            $0.claims["buildTrigger"] = "release"
            $0.environment["github_event_name"] = "release"
            $0.environment["github_event_payload"] = ["release": ["target_commitish": "main"]]
        }
        #expect(Self.error(released, { $0.sourceBranch = "main" }) == nil)
    }

    @Test("versions may leave parts out, and be tags that do")
    func versions() {
        func error(_ wanted: String, _ tag: String) -> String? {
            do {
                try SLSAVerifierRun.checkVersion(tag, wanted)
                return nil
            } catch { return error.identity.rawValue }
        }
        for (wanted, tag) in [
            ("v13", "v13.0.30"), ("v13.0", "v13.0.30"), ("v13.0.30", "v13.0.30"), ("v14", "v14"), ("v14.0", "v14"),
            ("v14.2", "v14.2"), ("v14.2.0", "v14.2"), ("v1.2.3", "v1.2.3+build.7"), ("v1.2.3-rc", "v1.2.3-rc"),
        ] { #expect(error(wanted, tag) == nil, "\(wanted) \(tag)") }
        for (wanted, tag) in [
            ("v2", "v13.0.30"), ("v0", "v13.0.30"), ("v13.1", "v13.0.30"), ("v13.0.29", "v13.0.30"), ("v14.1", "v14"),
            ("v14.2.1", "v14.2"), ("v1.2.3", "v1.2.3-rc"), ("v1.2.3-rc.1", "v1.2.3-rc.2"),
        ] { #expect(error(wanted, tag) == "ErrorMismatchVersionedTag", "\(wanted) \(tag)") }
        for (wanted, tag) in [("1.2", "v1.2.3"), ("v01", "v1"), ("v1", "release-1"), ("", "v1")] {
            #expect(error(wanted, tag) == "ErrorInvalidSemver", "\(wanted) \(tag)")
        }
    }

    @Test("inputs are texts of a workflow that was started by hand")
    func inputs() {
        #expect(Self.error({ _ in }, { $0.workflowInputs = ["release": "yes"] }) == "ErrorMismatchWorkflowInputs")
        let dispatched: Change = { $0.dispatch() }
        #expect(Self.error(dispatched, { $0.workflowInputs = ["release": "yes"] }) == nil)
        for inputs in [["release": "no"], ["release": "yes", "absent": "1"], ["count": "3"]] {
            #expect(Self.error(dispatched, { $0.workflowInputs = inputs }) == "ErrorMismatchWorkflowInputs")
        }
        #expect(
            Self.error(
                {
                    $0.dispatch()
                    $0.environment["github_event_payload"] = [:]
                }, { $0.workflowInputs = ["release": "yes"] }) == "ErrorInvalidDssePayload")
    }

    @Test("the run is that of the certificate")
    func run() {
        for (name, value) in [("event_name", "pull_request"), ("sha1", "aa"), ("ref", "refs/heads/x"), ("run_id", "8")]
        {
            #expect(
                Self.error { $0.environment["github_\(name)"] = .string(value) } == "ErrorMismatchCertificate",
                "\(name)")
        }
    }

    @Test("builders that others bring are named by their statements")
    func delegators() {
        let own = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_maven_slsa3.yml"
        let foreign = "https://github.com/acme/builders/.github/workflows/b.yml"
        func error(_ builder: String, _ wanted: String? = nil, _ change: Change = { _ in }) -> String? {
            Self.error(
                {
                    $0.delegate(to: builder)
                    change(&$0)
                }, { $0.builderID = wanted })
        }
        #expect(error(own + "@refs/tags/v2.0.0") == nil)
        #expect(error(own + "@refs/tags/v2.0.0", own + "@v2.0.0") == nil)
        #expect(error(own + "@refs/tags/v2.0.0", own + "@v1.0.0") == "ErrorMismatchBuilderID")
        #expect(error(own) == "ErrorInvalidBuilderID")
        #expect(error(own + "@refs/heads/main") == "ErrorInvalidRef")
        #expect(error(foreign + "@refs/tags/v1.0.0") == "ErrorInvalidBuilderID")
        #expect(error(foreign + "@refs/tags/v1.0.0", foreign) == nil)
        #expect(error(foreign + "@refs/tags/v1.0.0", "") == "ErrorMismatchBuilderID")
        #expect(error(own + "@refs/tags/v2.0.0", foreign) == "ErrorMismatchBuilderID")
        let releaser = "https://github.com/jreleaser/release-action/.github/workflows/b.yml"
        #expect(error(releaser + "@refs/tags/v1.0.0-java", releaser) == nil)
        #expect(error(releaser + "@refs/tags/v1.0.0", releaser) == "ErrorInvalidRef")
        // They may build a commit of their own, which has no reference then.
        let commit: Change = { $0.source = "git+https://github.com/acme/app" }
        #expect(error(own + "@refs/tags/v2.0.0", nil, commit) == nil)
        #expect(
            Self.error(
                {
                    $0.delegate(to: own + "@refs/tags/v2.0.0")
                    commit(&$0)
                }, { $0.sourceTag = "v1.2.3" }) == "ErrorInvalidDssePayload")
        #expect(
            Self.error({ $0.delegate(to: own + "@refs/tags/v2.0.0") }, { $0.sourceTag = "v1.2.3" }) == nil)
        #expect(
            Self.error({ $0.delegate(to: own + "@refs/tags/v2.0.0") }, command: .image)
                == "ErrorUntrustedReusableWorkflow")
    }
}
