import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing

@testable import Authority

/// What certificates look like, and who gets none.
@Suite struct CertificateAuthorityTests {
    /// Promises by a key, and keeps what it promised for.
    private actor Recorder: CertificateRecorder {
        let key: PrivateKey
        private(set) var precertificates: [Certificate] = []

        init() throws { key = try PrivateKey.generate(.ecdsaP256) }

        func promise(
            precertificate: [UInt8], toBeSigned: [UInt8], chain: [Certificate], at now: Timestamp
        ) async throws(AuthorityError) -> [UInt8] {
            do {
                precertificates.append(try Certificate(der: precertificate))
                return try await CertificatePromise(
                    index: 5, milliseconds: UInt64(now.seconds) * 1000, issuerKeyHash: Digest.of(chain[0].keyBytes),
                    toBeSigned: toBeSigned
                ).signed(by: PrivateKeySigner(key))
            } catch {
                throw AuthorityError(.unreachable, "\(error)")
            }
        }
    }

    private static let identity = CertifiedIdentity(
        name: .email("someone@example.org"),
        claims: [.init(24, "subject"), .init(8, "https://issuer.example"), .init(1, "https://issuer.example")],
        challenge: "someone@example.org")

    private static func issuer() async throws -> CertificateIssuer {
        let now = try TestIssuer.now()
        let end = try #require(Timestamp(seconds: now.seconds + 86400 * 30))
        let root = try await CertificateIssuer.root(
            PrivateKeySigner(PrivateKey.generate(.ecdsaP384)), organization: "Example", commonName: "root", from: now,
            to: end)
        let key = PrivateKeySigner(try PrivateKey.generate(.ecdsaP384))
        return try CertificateIssuer(
            key,
            chain: try await root.intermediate(
                key.publicKey, organization: "Example", commonName: "issuer", purpose: .codeSigning, from: now, to: end)
        )
    }

    @Test(
        "a certificate has Fulcio's profile, for every kind of key",
        arguments: [KeyAlgorithm.ecdsaP256, .ecdsaP384, .ecdsaP521, .ed25519, .rsa(bits: 2048)])
    func profile(algorithm: KeyAlgorithm) async throws {
        let (issuer, recorder, now) = (try await Self.issuer(), try Recorder(), try TestIssuer.now())
        let authority = CertificateAuthority(issuer, recorder: recorder)
        let key = try SharedKey.make(algorithm)
        let proof = try key.signature(of: .bytes(Array("someone@example.org".utf8)))
        let chain = try await authority.certify(Self.identity, .signature(key.publicKey, proof), at: now)
        let leaf = chain[0]
        #expect(chain.count == 3)
        #expect(leaf.keyBytes == key.publicKey.der)
        #expect(leaf.subject.isEmpty)
        #expect(try leaf.signerName() == .email("someone@example.org"))
        #expect(try leaf.claim(.issuer) == "https://issuer.example")
        #expect(try leaf.claim(.tokenSubject) == "subject")
        #expect(leaf.notBefore == now)
        #expect(leaf.notAfter.seconds == now.seconds + 600)
        #expect(leaf.serialNumber.count == 20)
        try leaf.checkSignature(of: chain[1])
        // The promise is for this certificate without it.
        let promises = try SignedCertificateTimestamp.embedded(in: leaf)
        #expect(promises.count == 1)
        #expect(promises[0].extensions == [0, 0, 5, 0, 0, 0, 0, 5])
        let log = try TrustedRoot.Log(
            url: "", key: recorder.key.publicKey, origin: "log", period: ValidityPeriod(start: now))
        try promises[0].verify(by: log, certificate: leaf, issuer: chain[1])
        let poisoned = try #require(await recorder.precertificates.first)
        #expect(poisoned.serialNumber == leaf.serialNumber)
        try poisoned.checkSignature(of: chain[1])
    }

    @Test("a request for a certificate must be signed by the key that it is for")
    func requests() async throws {
        let authority = CertificateAuthority(try await Self.issuer(), recorder: nil)
        let now = try TestIssuer.now()
        for algorithm: KeyAlgorithm in [.ecdsaP256, .ecdsaP384, .ed25519, .rsa(bits: 2048)] {
            let key = try SharedKey.make(algorithm)
            let request = try Self.request(key, signedBy: key)
            let chain = try await authority.certify(Self.identity, .request(pem: request), at: now)
            #expect(chain[0].keyBytes == key.publicKey.der)
        }
        let (key, other) = (try PrivateKey.generate(.ecdsaP256), try PrivateKey.generate(.ecdsaP256))
        let stolen = try Self.request(key, signedBy: other)
        await #expect(throws: AuthorityError.self) {
            try await authority.certify(Self.identity, .request(pem: stolen), at: now)
        }
        let good = try Self.request(key, signedBy: key)
        let der = try PEM.blocks(in: good)[0].bytes
        for index in der.indices {
            var changed = der
            changed[index] ^= 0x20
            // A changed byte is another request, which nobody signed; never a crash, never a certificate.
            if let found = try? CertificateRequest.verifiedKey(der: changed) { #expect(found != key.publicKey) }
            if index % 16 == 0 { await Task.yield() }
        }
        for count in [0, 1, 20, der.count - 1] {
            #expect(throws: AuthorityError.self) { try CertificateRequest.verifiedKey(der: Array(der[..<count])) }
        }
    }

    @Test("a proof of possession is over this token's challenge, by this key")
    func proofs() async throws {
        let authority = CertificateAuthority(try await Self.issuer(), recorder: nil)
        let key = try PrivateKey.generate(.ecdsaP256)
        let now = try TestIssuer.now()
        for (signer, text) in [
            (key, "someone-else@example.org"), (try PrivateKey.generate(.ecdsaP256), "someone@example.org"),
        ] {
            let proof = try signer.signature(of: .bytes(Array(text.utf8)))
            await #expect(throws: AuthorityError.self) {
                try await authority.certify(Self.identity, .signature(key.publicKey, proof), at: now)
            }
        }
    }

    @Test("no certificate outlives its issuer, names nobody, or is for a key that signers do not have")
    func refusals() async throws {
        let authority = CertificateAuthority(try await Self.issuer(), recorder: nil)
        let now = try TestIssuer.now()
        let key = try PrivateKey.generate(.ecdsaP256)
        func certify(_ identity: CertifiedIdentity, at moment: Timestamp) async throws {
            let proof = try key.signature(of: .bytes(Array(identity.challenge.utf8)))
            _ = try await authority.certify(identity, .signature(key.publicKey, proof), at: moment)
        }
        let end = try #require(Timestamp(seconds: now.seconds + 86400 * 30 - 300))
        let early = try #require(Timestamp(seconds: now.seconds - 1))
        for moment in [end, early] {
            await #expect(throws: AuthorityError.self) { try await certify(Self.identity, at: moment) }
        }
        for name: Certificate.SubjectAlternativeName in [.email(""), .uri("https://a b"), .email("a\0b@c")] {
            await #expect(throws: AuthorityError.self) {
                try await certify(CertifiedIdentity(name: name, claims: [], challenge: "x"), at: now)
            }
        }
        let long = CertifiedIdentity(
            name: .uri("https://a"), claims: [.init(9, String(repeating: "a", count: 5000))], challenge: "x")
        await #expect(throws: AuthorityError.self) { try await certify(long, at: now) }
        let mlDSA = try PrivateKey.generate(.mlDSA65)
        #expect(throws: AuthorityError.self) { try CertifiedKey.check(mlDSA.publicKey) }
    }

    /// A request as clients write it.
    private static func request(_ key: PrivateKey, signedBy signer: PrivateKey) throws -> [UInt8] {
        let info = DERWriting.sequence(
            DERWriting.integer(0), DERWriting.sequence(), key.publicKey.der, DERWriting.explicit(0, []))
        let der = DERWriting.sequence(
            info, try DERWriting.signatureAlgorithm(of: signer.algorithm),
            DERWriting.bits(try signer.signature(of: .bytes(info))))
        return Array(PEM(label: "CERTIFICATE REQUEST", bytes: der).text.utf8)
    }
}
