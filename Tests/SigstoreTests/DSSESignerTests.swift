import Attest
import Bytes
import Keys
import Sigstore
import Testing

@Suite struct DSSESignerTests {
    static let statement: [UInt8] = Statement(
        subjects: [Subject(name: "a", digest: ["sha256": HashAlgorithm.sha256.digest(of: Array("content".utf8)).hex])],
        predicateType: "https://example.org/x", predicate: ["a": 1]
    ).payload

    private func verifier(_ key: PublicKey) -> Verifier {
        var policy = VerificationPolicy(signer: .key(key))
        policy.logEntries = 0
        policy.certificateLogs = 0
        return Verifier(trustedRoot: TrustedRoot(), policy: policy)
    }

    @Test(
        "a signed statement becomes a bundle that verifies with the key, for its subjects only",
        arguments: [KeyAlgorithm.ecdsaP256, .ecdsaP384, .ecdsaP521, .ed25519, .mlDSA65])
    func bundle(algorithm: KeyAlgorithm) async throws {
        let signer = DSSESigner(PrivateKeySigner(try PrivateKey.generate(algorithm)))
        let envelope = try await signer.envelope(around: Self.statement)
        #expect(envelope.payload == Self.statement)
        #expect(envelope.signatures.first?.keyID == signer.publicKey.id.hex)
        try envelope.verify(by: signer.publicKey, padding: .pkcs1v15)
        let written = UnverifiedBundle(envelope, signedBy: signer.publicKey).json.bytes()
        let bundle = try UnverifiedBundle(parsing: written)
        let verified = try verifier(signer.publicKey).verify(bundle, artifact: BytesArtifact(Array("content".utf8)))
        #expect(verified.envelope?.payload == Self.statement)
        #expect(throws: VerificationFailure.self) {
            try verifier(signer.publicKey).verify(bundle, artifact: BytesArtifact(Array("other".utf8)))
        }
        let other = try PrivateKey.generate(algorithm).publicKey
        #expect(throws: VerificationFailure.self) { try verifier(other).verify(bundle, artifact: nil) }
        #expect(throws: KeyError.self) { try envelope.verify(by: other, padding: .pkcs1v15) }
    }

    @Test("only statements are signed")
    func others() async throws {
        let signer = DSSESigner(PrivateKeySigner(try PrivateKey.generate(.ed25519)))
        for text in ["", "{}", "hello", "{\"_type\": \"https://example.org\"}"] {
            let error = await #expect(throws: KeyError.self) { try await signer.envelope(around: Array(text.utf8)) }
            #expect(error?.code == .malformed)
        }
    }
}
