import Attest
import Bytes
import Testing

@testable import Policy

/// Verification summaries: what is written reads back, and the seven steps.
@Suite struct SummaryTests {
    @Test("the example of the specification is read and written back")
    func example() throws {
        let text = """
            {"verifier":{"id":"https://example.com/publication_verifier","version":{"slsa-verifier-linux-amd64":"v2.3.0"}},
            "timeVerified":"1985-04-12T23:20:50.52Z","resourceUri":"https://example.com/example-1.2.3.tar.gz",
            "policy":{"uri":"https://example.com/example_tarball.policy","digest":{"sha256":"1234"}},
            "inputAttestations":[{"uri":"https://example.com/provenances/example-1.2.3.tar.gz.intoto.jsonl","digest":{"sha256":"abcd"}}],
            "verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_3"],
            "dependencyLevels":{"SLSA_BUILD_LEVEL_3":5,"SLSA_BUILD_LEVEL_2":"7"},"slsaVersion":"1.0"}
            """
        let summary = try VerificationSummary(JSON(parsing: text))
        #expect(summary.dependencyLevels == ["SLSA_BUILD_LEVEL_3": 5, "SLSA_BUILD_LEVEL_2": 7])
        #expect(summary.verifierVersion == ["slsa-verifier-linux-amd64": "v2.3.0"])
        #expect(try VerificationSummary(JSON(parsing: summary.json.text())) == summary)
        for part in [
            "\"verificationResult\":\"PASSED\"", "\"resourceUri\":\"https://example.com/example-1.2.3.tar.gz\"",
            "\"id\":\"https://example.com/publication_verifier\"",
        ] {
            let name = part.split(separator: "\"")[0]
            #expect(throws: AttestError.self) {
                try VerificationSummary(JSON(parsing: text.replacing(part, with: "\"\(name)\":5")))
            }
        }
    }

    @Test(
        "levels are compared within their track",
        arguments: [
            ("SLSA_BUILD_LEVEL_2", ["SLSA_BUILD_LEVEL_3"], true), ("SLSA_BUILD_LEVEL_3", ["SLSA_BUILD_LEVEL_2"], false),
            ("SLSA_BUILD_LEVEL_1", ["SLSA_SOURCE_LEVEL_4"], false),
            ("SLSA_BUILD_REPRODUCED", ["SLSA_BUILD_LEVEL_3"], false),
            ("SLSA_BUILD_REPRODUCED", ["SLSA_BUILD_REPRODUCED"], true),
            ("SLSA_BUILD_LEVEL_10", ["SLSA_BUILD_LEVEL_9"], false),
            ("X", ["x"], false),
        ])
    func levels(wanted: String, got: [String], expected: Bool) {
        #expect(VerifiedLevel(wanted).isReached(by: got.map { VerifiedLevel($0) }) == expected)
    }

    @Test("each of the seven steps is reported, and each can fail by itself")
    func steps() throws {
        func verify(
            _ evidence: Evidence, verifier: String = "https://verifier.example",
            resource: String = "pkg:generic/server",
            subject: PolicySubject = PolicyFixtures.subject, levels: [VerifiedLevel] = [.build(2)],
            isTrusted: Bool = true
        ) -> [Int] {
            let result = SummaryVerification(
                evidence, .init(subject: subject, verifier: verifier, resource: .exactly(resource), levels: levels),
                isTrustedSigner: isTrusted, signer: "verifier", at: PolicyFixtures.now)
            #expect(result.findings.map(\.step.rawValue) == [1, 2, 3, 4, 5, 6, 7])
            return result.findings.filter { !$0.isMet }.map(\.step.rawValue)
        }
        let good = PolicyFixtures.summary()
        #expect(verify(good) == [])
        #expect(verify(good, isTrusted: false) == [1])
        #expect(verify(good, subject: PolicySubject(name: "x", digests: ["sha256:00"])) == [2])
        #expect(verify(PolicyFixtures.provenance()) == [3, 4, 5, 6, 7])
        #expect(verify(good, verifier: "https://other.example") == [4])
        #expect(verify(good, resource: "pkg:generic/client") == [5])
        #expect(verify(PolicyFixtures.summary(result: .failed)) == [6])
        #expect(verify(good, levels: [.build(4)]) == [7])
        #expect(verify(good, levels: [.reproduced]) == [7])
    }

    @Test("the summary of a decision says what was verified by which policy")
    func written() throws {
        let policy = try PolicyFixtures.read(PolicyFixtures.policy)
        let evidence = PolicyFixtures.provenance()
        let passed = VerificationSummary(
            PolicyFixtures.decide(policy, evidence), verifier: "https://v.example", version: "1",
            resource: "pkg:generic/server", inputs: [evidence])
        #expect(passed.result == .passed)
        #expect(passed.verifiedLevels == ["SLSA_BUILD_LEVEL_3"])
        #expect(passed.policy.digest == ["sha256": policy.digest.hex])
        let failed = VerificationSummary(
            PolicyFixtures.decide(policy), verifier: "https://v.example", version: "1", resource: "pkg:generic/server",
            inputs: [])
        #expect(failed.result == .failed)
        #expect(failed.verifiedLevels == ["FAILED"])
    }
}
