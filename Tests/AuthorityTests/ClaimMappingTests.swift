import Bytes
import Keys
import Sigstore
import Testing

@testable import Authority

/// What tokens become in certificates.
@Suite struct ClaimMappingTests {
    private static func identity(_ trusted: TrustedIssuer, _ claims: JSONObject) throws -> CertifiedIdentity {
        let text = try TestIssuer().token(TestIssuer.claims(claims))
        return try trusted.identity(of: WebToken(text))
    }

    private static func refusal(_ trusted: TrustedIssuer, _ claims: JSONObject) -> String {
        do {
            return "accepted: \(try identity(trusted, claims).name)"
        } catch {
            return "\(error)"
        }
    }

    /// A token of GitHub Actions, as its documentation shows it.
    private static let gitHub: JSONObject = [
        "iss": "https://token.actions.githubusercontent.com", "sub": "repo:octo/repo:ref:refs/heads/main",
        "event_name": "push", "sha": "aaaa", "workflow": "Release", "repository": "octo/repo",
        "ref": "refs/heads/main", "job_workflow_ref": "octo/flows/.github/workflows/r.yml@refs/tags/v1",
        "job_workflow_sha": "bbbb", "runner_environment": "github-hosted", "repository_id": "7",
        "repository_owner": "octo", "repository_owner_id": "8",
        "workflow_ref": "octo/repo/.github/workflows/c.yml@refs/heads/main", "workflow_sha": "cccc", "run_id": "9",
        "run_attempt": "2", "repository_visibility": "private", "environment": "production",
    ]

    @Test("GitHub's claims fill every extension")
    func gitHub() throws {
        let trusted = TrustedIssuer("https://token.actions.githubusercontent.com", .gitHub)
        let identity = try Self.identity(trusted, Self.gitHub)
        let signer = "https://github.com/octo/flows/.github/workflows/r.yml@refs/tags/v1"
        #expect(identity.name == .uri(signer))
        let expected: [UInt: String] = [
            1: "https://token.actions.githubusercontent.com", 2: "push", 3: "aaaa", 4: "Release", 5: "octo/repo",
            6: "refs/heads/main", 8: "https://token.actions.githubusercontent.com", 9: signer, 10: "bbbb",
            11: "github-hosted", 12: "https://github.com/octo/repo", 13: "aaaa", 14: "refs/heads/main", 15: "7",
            16: "https://github.com/octo", 17: "8",
            18: "https://github.com/octo/repo/.github/workflows/c.yml@refs/heads/main", 19: "cccc", 20: "push",
            21: "https://github.com/octo/repo/actions/runs/9/attempts/2", 22: "private", 23: "production",
            24: "repo:octo/repo:ref:refs/heads/main",
        ]
        #expect(Dictionary(uniqueKeysWithValues: identity.claims.map { ($0.number, $0.text) }) == expected)
        #expect(identity.claims.map(\.number) == expected.keys.sorted())
        #expect(identity.challenge == "repo:octo/repo:ref:refs/heads/main")
        for needed in ["job_workflow_ref", "sha", "runner_environment", "run_id"] {
            var claims = Self.gitHub
            claims[needed] = .null
            #expect(Self.refusal(trusted, claims).contains(needed))
        }
    }

    @Test("GitLab, Buildkite and Kubernetes have their own")
    func others() throws {
        let gitLab = try Self.identity(
            TrustedIssuer("https://gitlab.example", .gitLab),
            [
                "iss": "https://gitlab.example", "ref": "main", "ref_type": "branch", "sha": "aaaa",
                "ci_config_ref_uri": "gitlab.example/team/app//.gitlab-ci.yml@refs/heads/main",
                "ci_config_sha": "bbbb", "runner_environment": "self-hosted", "project_path": "team/app",
                "project_id": "1", "namespace_path": "team", "namespace_id": "2", "pipeline_source": "push",
                "job_id": "3", "project_visibility": "internal",
            ])
        #expect(gitLab.name == .uri("https://gitlab.example/team/app//.gitlab-ci.yml@refs/heads/main"))
        #expect(gitLab[14] == "refs/heads/main")
        #expect(gitLab[21] == "https://gitlab.example/team/app/-/jobs/3")
        let account = try Self.identity(
            TrustedIssuer("https://kubernetes.default.svc", .kubernetes),
            ["kubernetes.io": ["namespace": "ci", "serviceaccount": ["name": "builder", "uid": "4"]]])
        #expect(account.name == .uri("https://kubernetes.io/namespaces/ci/serviceaccounts/builder"))
        #expect(account[9] == account.name.text)
        #expect(account[11] == "self-hosted")
        let job = try Self.identity(
            TrustedIssuer("https://agent.buildkite.com", .buildkite),
            [
                "organization_slug": "o", "pipeline_slug": "p", "build_number": 5, "job_id": "j",
                "build_commit": "aaaa",
            ])
        #expect(job[21] == "https://buildkite.com/o/p/builds/5#j")
    }

    @Test("subjects stay inside of what an issuer may speak for")
    func domains() throws {
        let spiffe = TrustedIssuer("https://i.example", .spiffe, trustDomain: "td.example")
        #expect(try Self.identity(spiffe, ["sub": "spiffe://td.example/ns/a"]).name == .uri("spiffe://td.example/ns/a"))
        for subject in [
            "spiffe://td.example.evil/a", "spiffe://td.example", "spiffe://td.example/", "https://td.example/a",
        ] {
            #expect(Self.refusal(spiffe, ["sub": .string(subject)]).contains("trust domain"), "\(subject)")
        }
        let uri = TrustedIssuer("https://i.example", .uri, subjectDomain: "https://app.example")
        #expect(try Self.identity(uri, ["sub": "https://app.example/a"]).name == .uri("https://app.example/a"))
        for subject in ["https://app.example.evil/a", "http://app.example/a", "https://app.example@evil/a", "app"] {
            #expect(Self.refusal(uri, ["sub": .string(subject)]).contains("not below"), "\(subject)")
        }
        let user = TrustedIssuer("https://i.example", .username, subjectDomain: "i.example")
        #expect(try Self.identity(user, ["sub": "alice"]).name == .otherName("alice!i.example"))
        for subject in ["alice@i.example", "a!b", "a b"] {
            #expect(Self.refusal(user, ["sub": .string(subject)]).contains("no user's name"))
        }
    }

    @Test("a federating issuer names the one behind it")
    func federation() throws {
        let trusted = TrustedIssuer(TestIssuer.url, .email, issuerClaim: "$.federated_claims.connector_id")
        let identity = try Self.identity(trusted, ["federated_claims": ["connector_id": "https://behind.example"]])
        #expect(identity[8] == "https://behind.example")
        #expect(Self.refusal(trusted, [:]).contains("federated_claims"))
    }

    @Test("a wildcard stands for one label")
    func wildcards() {
        let trusted = TrustedIssuer("https://oidc.*.example/id/*", .uri, subjectDomain: "https://a.example")
        #expect(trusted.accepts("https://oidc.eu-1.example/id/AB_c"))
        for name in [
            "https://oidc.a.b.example/id/x", "https://oidc..example/id/x", "https://oidc.a.example/id/x/y",
            "https://oidc.a.example/id/", "https://oidc.a@evil.example/id/x", "https://evil/oidc.a.example/id/x",
        ] {
            #expect(!trusted.accepts(name), "\(name)")
        }
    }

    @Test("issuers and templates are read from a configuration, and a misspelt word is refused")
    func configuration() throws {
        let issuers = try TrustedIssuer.list(
            JSON(
                parsing: """
                    [{"issuerUrl": "https://ci.example", "issuerType": "ci-provider", "templates": {
                       "subjectAlternativeName": "https://ci.example/{pipeline/name}",
                       "claims": {"buildSignerURI": "https://ci.example/{pipeline/name}",
                                  "runnerEnvironment": "{runner}", "buildTrigger": "{cause}"},
                       "defaults": {"runner": "self-hosted"}}}]
                    """))
        let identity = try Self.identity(issuers[0], ["iss": "https://ci.example", "pipeline": ["name": "p"]])
        #expect(identity.name == .uri("https://ci.example/p"))
        #expect(identity[11] == "self-hosted")
        #expect(identity[20] == nil)
        for text in [
            #"[{"issuerUrl": "https://a", "issuerType": "email", "audiense": "x"}]"#,
            #"[{"issuerUrl": "https://a", "issuerType": "emial"}]"#, #"[{"issuerType": "email"}]"#,
            #"[{"issuerUrl": "https://a", "issuerType": "spiffe"}]"#,
            #"[{"issuerUrl": "https://a", "issuerType": "ci-provider"}]"#, #"{}"#,
            #"[{"issuerUrl": "https://a", "issuerType": "ci-provider", "templates": {"subjectAlternativeName": "x", "claims": {"runnerEnvironment": "y"}}}]"#,
        ] {
            #expect(throws: AuthorityError.self) { try TrustedIssuer.list(JSON(parsing: text)) }
        }
    }
}
