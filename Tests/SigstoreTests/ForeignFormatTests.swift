import Attest
import Bytes
import Host
import Sigstore
import SystemPackage
import TestKit
import Testing

/// Shapes other than the bundle.
@Suite struct ForeignFormatTests {
    static let absence = "\(TestData.absence)"

    static func verifier(_ instance: String) throws -> Verifier {
        let trust = try #require(TestData.folder("sigstore-trust"))
        let root = try Files.read(trust.appending(instance).appending("trusted_root.json"), limit: 1 << 20)
        return Verifier(
            trustedRoot: try TrustedRoot(parsing: root),
            policy: VerificationPolicy(signer: .identities([.init(issuer: .any, name: .any)])))
    }

    @Test(
        "attestations of the Python Package Index are verified (PEP 740)",
        .enabled(if: TestData.folder("pep740") != nil, "\(Self.absence)"),
        arguments: [
            ("rfc8785-0.1.2-py3-none-any.whl", "publish.attestation", "staging"),
            ("pypi_attestations-0.0.19.tar.gz", "slsa.attestation", "public-good"),
            ("pypi_attestations-0.0.19.tar.gz", "provenance", "public-good"),
        ])
    func pep740(name: String, suffix: String, instance: String) throws {
        let folder = try #require(TestData.folder("pep740"))
        let artifact = FileArtifact(folder.appending(name))
        let file = try AttestationFile(
            parsing: Files.read(folder.appending("\(name).\(suffix)"), limit: 1 << 20))
        #expect(file.bundles.count == 1)
        let verifier = try Self.verifier(instance)
        for bundle in file.bundles {
            let verified = try verifier.verify(bundle, artifact: artifact)
            #expect(verified.statement?.subjects.first?.name == name)
            #expect(throws: VerificationFailure.self) { try verifier.verify(bundle, artifact: BytesArtifact([1])) }
        }
    }

    @Test("a bundle is the same when it is written and read again", arguments: MutationTests.good)
    func roundTrip(name: String) throws {
        let test = try ConformanceTests.Case(name)
        let bundle = try UnverifiedBundle(parsing: test.bundle)
        let again = try UnverifiedBundle(bundle.json)
        #expect(again.version == .v0_3)
        #expect(again.content == bundle.content)
        #expect(again.entries == bundle.entries)
        #expect(again.timestamps == bundle.timestamps)
    }

    @Test("JSON lines, a list and a single document hold the same bundles")
    func containers() throws {
        guard let name = MutationTests.good.first else { return }
        let json = try JSON(parsing: try ConformanceTests.Case(name).bundle)
        let line = json.text()
        #expect(try AttestationFile(parsing: Array("\(line)\n\n\(line)\n".utf8)).bundles.count == 2)
        let list: JSON = ["attestations": [["predicateType": "x", "bundle": json], ["bundle": json]]]
        #expect(try AttestationFile(parsing: list.bytes()).bundles.count == 2)
        #expect(try AttestationFile(parsing: json.bytes(indented: true)).bundles.count == 1)
    }

    @Test(
        "what is no bundle is refused with its reason",
        arguments: [
            "", "{}", "[]x", "null", "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\"}",
            "{\"payloadType\":\"x\",\"payload\":\"\",\"signatures\":[]}", "{\"base64Signature\":\"\"}",
            "{\"verification_material\":{}}", "{\"attestations\":[{}]}",
        ])
    func malformed(text: String) {
        #expect(throws: SigstoreError.self) { try AttestationFile(parsing: Array(text.utf8)) }
    }
}
