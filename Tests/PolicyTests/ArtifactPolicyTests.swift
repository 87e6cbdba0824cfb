import Attest
import Bytes
import Keys
import Testing

@testable import Policy

/// Policies held against evidence.
@Suite struct ArtifactPolicyTests {
    typealias Fixtures = PolicyFixtures

    @Test("evidence that meets every rule is allowed, and every rule is listed")
    func allowed() throws {
        let decision = Fixtures.decide(try Fixtures.read(Fixtures.policy), Fixtures.provenance())
        #expect(decision.verdict == .allowed, "\(decision.failures)")
        #expect(
            decision.rules.map(\.code.rawValue) == [
                "provenance", "builder", "build-level", "source-repository", "source-ref", "build-type", "parameter",
                "parameter", "provenance-age",
            ])
        #expect(decision.rules.allSatisfy { $0.expected != nil && $0.got != nil && $0.evidence == ["provenance"] })
        #expect(decision.levels == ["SLSA_BUILD_LEVEL_3"])
    }

    @Test("each thing that is wrong is named with what was expected and found")
    func denied() throws {
        let policy = try Fixtures.read(Fixtures.policy)
        let good: JSON = ["uri": .string("git+https://github.com/acme/app@refs/tags/v1.2.3")]
        let cases: [(Evidence, [String])] = [
            (Fixtures.provenance(builder: "https://elsewhere.example"), ["builder", "build-level"]),
            (Fixtures.provenance(signer: Fixtures.scanner), ["builder", "build-level"]),
            (Fixtures.provenance(isLogged: false), ["builder", "build-level"]),
            (Fixtures.provenance(finished: "2026-09-01T00:00:00Z"), ["provenance-age"]),
            (Fixtures.provenance(finished: "2027-09-01T00:00:00Z"), ["provenance-age"]),
            (Fixtures.provenance(repository: "https://github.com/acme/fork"), ["source-repository"]),
            (Fixtures.provenance(ref: "refs/heads/main"), ["source-ref", "source-ref"]),
            (Fixtures.provenance(parameters: ["source": good, "target": "app", "extra": 1]), ["parameter"]),
            (Fixtures.provenance(parameters: ["source": good, "target": "other"]), ["parameter"]),
            (Fixtures.provenance(parameters: ["source": good]), ["parameter"]),
            (Fixtures.provenance(parameters: ["source": good, "target": "app", "optimise": "yes"]), ["parameter"]),
        ]
        for (evidence, expected) in cases {
            let decision = Fixtures.decide(policy, evidence)
            #expect(decision.verdict == .denied)
            #expect(decision.failures.map(\.code.rawValue) == expected)
        }
        #expect(Fixtures.decide(policy).failures.map(\.code.rawValue) == ["provenance"])
    }

    @Test("a signer's certificate that names another repository is found out")
    func certificate() throws {
        let signer = Evidence.Signer.identity(
            issuer: "https://token.actions.githubusercontent.com",
            name: "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3",
            claims: ["sourceRepositoryURI": "https://github.com/evil/app"])
        let decision = Fixtures.decide(try Fixtures.read(Fixtures.policy), Fixtures.provenance(signer: signer))
        #expect(decision.failures.map(\.field) == ["certificate"])
    }

    @Test("the best of several attestations decides")
    func best() throws {
        let decision = Fixtures.decide(
            try Fixtures.read(Fixtures.policy), Fixtures.provenance(builder: "https://elsewhere.example", name: "bad"),
            Fixtures.provenance(name: "good"))
        #expect(decision.verdict == .allowed)
        #expect(decision.evidence == ["bad", "good"])
    }

    @Test("a policy that warns never denies, and says what it would")
    func warn() throws {
        let policy = try Fixtures.read(
            Fixtures.policy.replacing("name: release\n", with: "name: release\nmode: warn\n"))
        let decision = Fixtures.decide(policy)
        #expect(decision.verdict == .warned)
        #expect(!decision.failures.isEmpty)
    }

    @Test("a summary by a trusted verifier takes the place of provenance, and no other does")
    func summary() throws {
        let text =
            Fixtures.policy + "\nsummaries: [{signer: verifier, verifier: https://verifier.example, maxAge: 7d}]\n"
        let policy = try Fixtures.read(text)
        let decision = Fixtures.decide(policy, Fixtures.summary())
        #expect(decision.verdict == .allowed, "\(decision.failures)")
        #expect(decision.rules.count { $0.code == .summary } == 8)
        #expect(decision.levels == ["SLSA_BUILD_LEVEL_3"])
        for bad in [
            Fixtures.summary(levels: ["SLSA_BUILD_LEVEL_2"]), Fixtures.summary(result: .failed),
            Fixtures.summary(signer: Fixtures.scanner), Fixtures.summary(verifier: "https://other.example"),
            Fixtures.summary(time: "2026-10-01T00:00:00Z"), Fixtures.summary(levels: ["SLSA_SOURCE_LEVEL_4"]),
        ] {
            #expect(Fixtures.decide(policy, bad).verdict == .denied)
        }
        // Where the provenance is enough, a bad summary does no harm.
        let both = Fixtures.decide(policy, Fixtures.summary(result: .failed), Fixtures.provenance())
        #expect(both.verdict == .allowed, "\(both.failures)")
    }

    @Test("dependencies are verified by their summaries")
    func dependencies() throws {
        let text =
            Fixtures.policy
            + "\nsummaries: [{signer: verifier, verifier: https://verifier.example}]\ndependencies: {level: 2}\n"
        let policy = try Fixtures.read(text)
        #expect(Fixtures.decide(policy, Fixtures.provenance()).failures.map(\.code) == [.dependencies])
        let about = ["sha256": Digest.of([1]).hex]
        #expect(Fixtures.decide(policy, Fixtures.provenance(), Fixtures.summary(about: about)).verdict == .allowed)
        let low = Fixtures.summary(levels: ["SLSA_BUILD_LEVEL_1"], about: about)
        #expect(Fixtures.decide(policy, Fixtures.provenance(), low).failures.map(\.code) == [.dependencies])
    }

    @Test("sources' levels and reviews come from a summary of the commit")
    func review() throws {
        let text = Fixtures.policy.replacing("tags: [\"v*\"]", with: "tags: [\"v*\"]\n  twoPersonReview: true")
            .replacing(
                "levels: {build: 3}", with: "levels: {build: 3, source: 3}")
        let policy = try Fixtures.read(text + "\nsummaries: [{signer: verifier, verifier: https://verifier.example}]\n")
        #expect(
            Fixtures.decide(policy, Fixtures.provenance()).failures.map(\.code) == [.twoPersonReview, .sourceLevel])
        let about = ["gitCommit": Fixtures.commit]
        let reviewed = Fixtures.summary(levels: ["SLSA_SOURCE_LEVEL_4"], about: about)
        #expect(Fixtures.decide(policy, Fixtures.provenance(), reviewed).verdict == .allowed)
        let level3 = Fixtures.summary(levels: ["SLSA_SOURCE_LEVEL_3"], about: about)
        #expect(Fixtures.decide(policy, Fixtures.provenance(), level3).failures.map(\.code) == [.twoPersonReview])
    }

    @Test("a rebuilder's summary confirms provenance, and takes the place of none")
    func rebuilt() throws {
        let policy = try Fixtures.read(
            Fixtures.policy
                + "\nreproducedBy: 2\nsummaries: [{signer: verifier, verifier: https://verifier.example}]\n")
        let verdict = Fixtures.summary(levels: ["SLSA_BUILD_REPRODUCED"])
        let decision = Fixtures.decide(policy, Fixtures.provenance(), verdict)
        #expect(decision.verdict == .allowed, "\(decision.failures)")
        #expect(Fixtures.decide(policy, Fixtures.provenance()).failures.map(\.code) == [.reproduced])
        #expect(Fixtures.decide(policy, verdict).verdict == .denied)
        let failed = Fixtures.summary(levels: ["FAILED"])
        #expect(Fixtures.decide(policy, Fixtures.provenance(), failed).failures.map(\.code) == [.reproduced])
    }

    @Test("builders of one operator don't confirm each other")
    func reproduced() throws {
        let text = Fixtures.policy.replacing(
            "operator: acme}",
            with: "operator: acme}\n  - {signer: scanner, id: https://rebuild.example, level: 3, operator: other}")
        let policy = try Fixtures.read(text + "\nreproducedBy: 2\n")
        let again = Fixtures.provenance(builder: "https://builder.example/two")
        let other = Fixtures.provenance(builder: "https://rebuild.example", signer: Fixtures.scanner)
        #expect(Fixtures.decide(policy, Fixtures.provenance(), again).failures.map(\.code) == [.reproduced])
        let decision = Fixtures.decide(policy, Fixtures.provenance(), other)
        #expect(decision.verdict == .allowed, "\(decision.failures)")
        #expect(decision.levels.contains("SLSA_BUILD_REPRODUCED"))
    }

    @Test("required attestations are looked for by type, signer, age and expression")
    func required() throws {
        let policy = try Fixtures.read(
            Fixtures.policy + """

                requires:
                  - predicate: https://test.example/result
                    signers: [scanner]
                    rules: [{name: tests passed, expression: "predicate.passed == true && signer.identity.endsWith('example.org')"}]
                rules:
                  - {name: built as a release, expression: "predicate.buildDefinition.externalParameters.target == 'app'"}
                """)
        func result(_ passed: JSON, _ signer: Evidence.Signer) -> Evidence {
            Evidence(
                name: "tests", signer: signer,
                statement: Fixtures.statement("https://test.example/result", ["passed": passed]), isLogged: true)
        }
        let good = Fixtures.decide(policy, Fixtures.provenance(), result(true, Fixtures.scanner))
        #expect(good.verdict == .allowed, "\(good.failures)")
        let failed = Fixtures.decide(policy, Fixtures.provenance(), result(false, Fixtures.scanner))
        #expect(failed.failures.map(\.title) == ["tests passed"])
        let missing = Fixtures.decide(policy, Fixtures.provenance(), result("x", Fixtures.verifier))
        #expect(missing.failures.map(\.code) == [.predicate])
        #expect(missing.failures.first?.got?.contains("verifier@example.org") == true)
    }

    @Test("vulnerabilities and licences are judged")
    func inventory() throws {
        let policy = try Fixtures.read(
            """
            policy: v1
            name: contents
            vulnerabilities:
              greatest: medium
              except: [{id: CVE-2, until: 2026-12-01, reason: not reachable}, {id: CVE-3, until: 2026-10-01, reason: over}]
            licences: {deny: [AGPL-3.0-only]}
            """)
        func scan(_ results: JSON) -> Evidence {
            Evidence(
                name: "scan", signer: Fixtures.scanner,
                statement: Fixtures.statement(
                    "https://in-toto.io/attestation/vulns/v0.1", ["scanner": ["result": results]]), isLogged: true)
        }
        func bill(_ licence: String) -> Evidence {
            Evidence(
                name: "sbom", signer: Fixtures.scanner,
                statement: Fixtures.statement(
                    "https://spdx.dev/Document", ["packages": [["name": "p", "licenseDeclared": .string(licence)]]]),
                isLogged: true)
        }
        func finding(_ id: String, _ score: String) -> JSON {
            ["id": .string(id), "severity": [["method": "CVSSv3", "score": .string(score)]]]
        }
        let good = Fixtures.decide(
            policy, scan([finding("CVE-1", "5.0"), finding("CVE-2", "9.8")]), bill("MIT OR AGPL-3.0-only"))
        #expect(good.verdict == .allowed, "\(good.failures)")
        let bad = Fixtures.decide(
            policy, scan([finding("CVE-3", "high"), ["id": "CVE-4"]]), bill("MIT AND AGPL-3.0-only"))
        #expect(bad.failures.map(\.code) == [.vulnerabilities, .licences])
        #expect(bad.failures.first?.got == "CVE-3 (high), CVE-4 (not rated)")
        #expect(Fixtures.decide(policy).failures.map(\.got) == ["no scan", "no bill of materials"])
        #expect(Fixtures.decide(policy, scan("text"), bill("MIT")).failures.map(\.outcome) == [.unsupported])
    }

    @Test(
        "a policy that could mean something else is refused with its line",
        arguments: [
            ("policy: v1\nname: x\n", "policy.yaml:1: the policy has no rule"),
            ("policy: v2\nname: x\n", "policy.yaml:1: policy says no version"),
            ("policy: v1\nname: x\nlevels: {build: 3}\n", "policy.yaml:3: levels ask for a build level"),
            ("policy: v1\nname: x\nbuilder: []\n", "policy.yaml:3: builder has no meaning; did you mean builders?"),
            (
                "policy: v1\nname: x\nbuilders:\n  - {signer: y, id: z, level: 2}\n",
                "policy.yaml:4: builders[0].signer names no signer"
            ),
            ("policy: v1\nname: x\nages: {provenance: soon}\n", "policy.yaml:3: ages.provenance is no span of time"),
            ("policy: v1\nname: x\nrules:\n- expression: 1 +\n", "policy.yaml:4: rules[0].expression can't be read"),
            ("policy: v1\nname: x\nname: y\n", "policy.yaml:3: 'name' appears twice"),
            ("policy: v1\nname: x\nsigners: {a: {issuer: b}}\n", "policy.yaml:3: signers.a names nobody"),
            ("policy: v1\nname: [x]\n", "policy.yaml:2: name is a list; it should be a text"),
            ("policy: v1\nname: x\nmode: maybe\n", "policy.yaml:3: mode is neither"),
            ("", "policy.yaml holds no policy"), ("a: *b\n", "policy.yaml:"),
        ])
    func refused(text: String, message: String) {
        do {
            _ = try PolicyFixtures.read(text)
            Issue.record("the policy was taken")
        } catch {
            #expect("\(error)".hasPrefix(message), "\(error)")
        }
    }
}
