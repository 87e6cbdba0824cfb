import Attest
import Bytes
import Keys
import Testing

@testable import Policy

/// slsa-verifier's checks of verification summaries.
@Suite struct SLSAVerifierSummaryTests {
    static func error(
        _ predicate: (inout JSONObject) -> Void = { _ in },
        subjects: JSON = [["digest": ["gce_image_id": "89", "sha256": "ab"]]],
        type: String = VerificationSummary.predicateType, _ ask: (inout SLSAVerifierSummary) -> Void = { _ in }
    ) -> String? {
        var facts: JSONObject = [
            "verifier": ["id": "https://verifier.example"], "timeVerified": "2026-10-31T00:00:00Z",
            "resourceUri": "pkg:generic/server", "policy": ["uri": "p", "digest": ["sha256": "00"]],
            "verificationResult": "PASSED",
            "verifiedLevels": ["BCID_L1", "SLSA_BUILD_LEVEL_2", "SLSA_BUILD_REPRODUCED"],
        ]
        predicate(&facts)
        let statement: JSON = [
            "_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": .string(type),
            "predicate": .object(facts),
        ]
        var asked = SLSAVerifierSummary(
            subjectDigests: ["gce_image_id:89"], verifierID: "https://verifier.example",
            resourceURI: "pkg:generic/server", verifiedLevels: ["BCID_L1", "SLSA_BUILD_LEVEL_2"])
        ask(&asked)
        do {
            try asked.verify(statement.bytes())
            return nil
        } catch { return error.identity.rawValue }
    }

    static func asked(_ ask: (inout SLSAVerifierSummary) -> Void) -> String? { error({ _ in }, ask) }

    @Test("what is right passes")
    func passes() {
        #expect(Self.error() == nil)
        #expect(Self.asked { $0.subjectDigests.append("sha256:ab") } == nil)
        for levels in [[], ["SLSA_BUILD_LEVEL_1"], ["SLSA_BUILD_LEVEL_0"], ["BCID_L1"], ["SLSA_BUILD_REPRODUCED"]] {
            #expect(Self.asked { $0.verifiedLevels = levels } == nil, "\(levels)")
        }
    }

    @Test("what is wrong has slsa-verifier's name")
    func fails() {
        #expect(Self.asked { $0.subjectDigests = [] } == "ErrorEmptyRequiredField")
        #expect(Self.asked { $0.subjectDigests = ["zeit:geist"] } == "ErrorMissingSubjectDigest")
        #expect(Self.asked { $0.subjectDigests.append("sha256:00") } == "ErrorMissingSubjectDigest")
        #expect(Self.asked { $0.subjectDigests = ["89"] } == "ErrorInvalidDssePayload")
        #expect(Self.error(subjects: [["name": "x", "digest": [:]]]) == "ErrorInvalidDssePayload")
        #expect(Self.error(type: "https://x.example") == "ErrorInvalidDssePayload")
        #expect(Self.error({ $0["verifier"] = nil }) == "ErrorEmptyRequiredField")
        #expect(Self.error({ $0["resourceUri"] = nil }) == "ErrorEmptyRequiredField")
        #expect(Self.error({ $0["timeVerified"] = "noon" }) == "ErrorInvalidDssePayload")
        #expect(Self.asked { $0.verifierID = "x" } == "ErrorMismatchVerifierID")
        #expect(Self.asked { $0.resourceURI = "x" } == "ErrorMismatchResourceURI")
        for result in [nil, "FAILED", ""] as [JSON?] {
            #expect(Self.error({ $0["verificationResult"] = result }) == "ErrorInvalidVerificationResult")
        }
        for level in ["SLSA_BUILD_LEVEL_3", "SLSA_SOURCE_LEVEL_1", "FEDRAMP_LOW"] {
            #expect(Self.asked { $0.verifiedLevels = [level] } == "ErrorMismatchVerifiedLevels", "\(level)")
        }
        for level in ["SLSA_BUILD_LEVEL_X", "SLSA_BUILD_LEVEL", "SLSA_BUILD_LEVEL2", "SLSA_BUILD_STEP_2", "SLSA_"] {
            #expect(Self.asked { $0.verifiedLevels = [level] } == "ErrorInvalidSLSALevel", "\(level)")
            #expect(Self.error({ $0["verifiedLevels"] = [.string(level)] }) == "ErrorInvalidSLSALevel", "\(level)")
        }
    }

    @Test("one signature by the key is enough, unless it names another key")
    func signatures() async throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let summary = VerificationSummary(
            verifierID: "v", timeVerified: nil, resourceURI: "r", policy: .init(name: "p", digest: ["sha256": "00"]),
            result: .passed, verifiedLevels: ["SLSA_BUILD_LEVEL_3"])
        var envelope = Envelope(summary.statement(about: [Subject(name: "", digest: ["sha256": "ab"])]))
        let signature = try await PrivateKeySigner(key).sign(.bytes(envelope.signedBytes))
        let asked = SLSAVerifierSummary(
            subjectDigests: ["sha256:ab"], verifierID: "v", resourceURI: "r", verifiedLevels: ["SLSA_BUILD_LEVEL_3"])
        func error(as id: String? = nil, by key: PublicKey = key.publicKey, _ signatures: Envelope.Signature...)
            -> String?
        {
            envelope.signatures = signatures
            do {
                return try asked.verify(envelope.line, key: key, keyID: id) == envelope.payload ? nil : "other bytes"
            } catch { return error.identity.rawValue }
        }
        let fingerprint = try #require(key.publicKey.sshFingerprint)
        #expect(error(.init(signature: signature)) == nil)
        #expect(error(as: "mine", .init(signature: signature)) == nil)
        #expect(error(as: "mine", .init(keyID: "mine", signature: signature)) == nil)
        #expect(error(.init(keyID: fingerprint, signature: signature)) == nil)
        #expect(error(.init(signature: [1]), .init(signature: signature)) == nil)
        #expect(error() == "ErrorNoValidSignature")
        #expect(error(.init(signature: [1])) == "ErrorNoValidSignature")
        #expect(error(.init(keyID: "mine", signature: signature)) == "ErrorNoValidSignature")
        #expect(error(as: "", .init(keyID: "mine", signature: signature)) == "ErrorNoValidSignature")
        #expect(error(as: "other", .init(keyID: "mine", signature: signature)) == "ErrorNoValidSignature")
        let other = try PrivateKey.generate(.ecdsaP256).publicKey
        #expect(error(by: other, .init(signature: signature)) == "ErrorNoValidSignature")
        #expect(throws: SLSAVerifierError.self) { try asked.verify(Array("{}".utf8), key: key.publicKey) }
        #expect(throws: SLSAVerifierError.self) { try asked.verify([], key: key.publicKey) }
    }
}
