import Bytes
import Testing

@testable import Policy

/// The tables of requirements.
@Suite struct LevelTests {
    func assess(_ policy: String?, _ evidence: Evidence...) throws -> [LevelTrack: LevelAssessment.Table] {
        let facts = LevelFacts(
            PolicyFixtures.subject, pool: EvidencePool(evidence),
            policy: try policy.map { try PolicyFixtures.read($0) },
            unsigned: nil, place: "server.tar.gz", at: PolicyFixtures.now)
        return Dictionary(uniqueKeysWithValues: facts.assess(PolicyFixtures.subject).tables.map { ($0.track, $0) })
    }

    @Test("levels follow from the trust in signer and builder, not from what provenance says of itself")
    func builders() throws {
        let trusted = try assess(PolicyFixtures.policy, PolicyFixtures.provenance())
        #expect(trusted[.build1_2]?.level == 3)
        #expect(trusted[.v0_1]?.level == 2)
        #expect(trusted[.source1_2]?.level == 0)
        let unknown = try assess(nil, PolicyFixtures.provenance())
        #expect(unknown[.build1_0]?.level == 1)
        #expect(unknown[.v0_1]?.level == 1)
        let nothing = try assess(nil)
        #expect(nothing[.build1_2]?.level == 0 && nothing[.v0_1]?.level == 0)
        #expect(nothing[.v0_1]?.rows.allSatisfy { $0.next != nil } == true)
    }

    @Test("the sources' level comes from a summary of the commit")
    func sources() throws {
        let text = PolicyFixtures.policy + "\nsummaries: [{signer: verifier, verifier: https://verifier.example}]\n"
        let about = ["gitCommit": PolicyFixtures.commit]
        for level in 1...4 {
            let summary = PolicyFixtures.summary(levels: ["SLSA_SOURCE_LEVEL_\(level)"], about: about)
            #expect(try assess(text, PolicyFixtures.provenance(), summary)[.source1_2]?.level == level)
        }
        let four = PolicyFixtures.summary(levels: ["SLSA_SOURCE_LEVEL_4"], about: about)
        #expect(try assess(text, PolicyFixtures.provenance(), four)[.v0_1]?.level == 3)
    }

    @Test("the rows of level 2 of v0.1 are those that distroless was held against")
    func rows() {
        let rows = LevelRequirement.version0_1.filter { $0.level <= 2 }.map { "\($0.group) \($0.name)" }
        #expect(
            rows == [
                "Source Version controlled", "Build Scripted build", "Build Build service", "Provenance Available",
                "Provenance Authenticated", "Provenance Service generated",
            ])
    }
}
