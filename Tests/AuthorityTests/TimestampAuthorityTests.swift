import Bytes
import Keys
import Sigstore
import Testing

@testable import Authority

/// Timestamps, and refusals of them.
@Suite struct TimestampAuthorityTests {
    private static func authority(_ algorithm: KeyAlgorithm = .ecdsaP256) async throws -> TimestampAuthority {
        let now = try TestIssuer.now()
        let end = try #require(Timestamp(seconds: now.seconds + 86400))
        let root = try await CertificateIssuer.root(
            PrivateKeySigner(PrivateKey.generate(.ecdsaP384)), organization: "Example", commonName: "root", from: now,
            to: end)
        let signer = PrivateKeySigner(try SharedKey.make(algorithm))
        let own = try await root.issue(
            CertificateTemplate.timestamper(
                "Example", commonName: "timestamps", key: signer.publicKey, issuerKeyID: root.keyID, from: now, to: end)
        )
        return try TimestampAuthority(signer, chain: [own] + root.chain)
    }

    private static func query(
        _ hash: [UInt8] = DERWriting.algorithm(.sha256), _ digest: [UInt8] = Digest.of("x").bytes,
        _ rest: [UInt8]...
    ) -> [UInt8] {
        DERWriting.element(
            0x30,
            DERWriting.integer(1) + DERWriting.sequence(hash, DERWriting.octets(digest)) + rest.flatMap(\.self))
    }

    @Test(
        "a timestamp reads as what was asked for",
        arguments: [KeyAlgorithm.ecdsaP256, .ecdsaP384, .rsa(bits: 2048)], HashAlgorithm.allCases)
    func granted(algorithm: KeyAlgorithm, hash: HashAlgorithm) async throws {
        let authority = try await Self.authority(algorithm)
        let digest = hash.digest(of: [1, 2, 3])
        let now = try TestIssuer.now()
        for nonce: [UInt8]? in [nil, [0], [0x7F], [0x00, 0xFF], [0x80], [UInt8](repeating: 5, count: 20)] {
            let request = Self.query(
                DERWriting.algorithm(hash), digest.bytes, nonce.map { DERWriting.element(2, $0) } ?? [],
                DERWriting.boolean(true))
            let (response, refusal) = await authority.response(der: request, at: now)
            #expect(refusal == nil)
            let token = try TimestampToken(response: response)
            #expect(token.time == now)
            #expect(token.imprint == digest)
            #expect(token.nonce == nonce)
            #expect(token.policy == "1.3.6.1.4.1.57264.2")
        }
    }

    @Test("each wrong request is refused with its reason, in an answer that programs read")
    func refusals() async throws {
        let authority = try await Self.authority()
        let sha1 = DERWriting.sequence(DERWriting.identifier(1, 3, 14, 3, 2, 26))
        let cases: [([UInt8], TimestampRefusal.Reason)] = [
            ([], .badDataFormat), ([0x30, 0x03, 0x02, 0x01, 0x01], .badDataFormat),
            (Array(Self.query().dropLast()), .badDataFormat), (Self.query() + [0], .badDataFormat),
            (Self.query(sha1, [UInt8](repeating: 1, count: 20)), .badAlgorithm),
            (Self.query(DERWriting.algorithm(.sha256), [1, 2, 3]), .badDataFormat),
            (
                Self.query(DERWriting.algorithm(.sha256), Digest.of("x").bytes, DERWriting.identifier(1, 2, 3)),
                .unacceptedPolicy
            ),
            (
                Self.query(
                    DERWriting.algorithm(.sha256), Digest.of("x").bytes,
                    DERWriting.explicit(0, DERWriting.sequence())), .unacceptedExtension
            ),
            (
                Self.query(
                    DERWriting.algorithm(.sha256), Digest.of("x").bytes,
                    DERWriting.element(2, [UInt8](repeating: 1, count: 65))), .badRequest
            ),
            (
                Self.query(
                    DERWriting.algorithm(.sha256), Digest.of("x").bytes, DERWriting.boolean(true),
                    DERWriting.integer(1)), .badDataFormat
            ),
            (
                Self.query(
                    DERWriting.algorithm(.sha256), Digest.of("x").bytes, DERWriting.integer(1),
                    DERWriting.integer(1)), .badDataFormat
            ),
            ([UInt8](repeating: 0x30, count: 20_000), .badRequest),
            (
                DERWriting.sequence(
                    DERWriting.integer(2),
                    DERWriting.sequence(DERWriting.algorithm(.sha256), DERWriting.octets(Digest.of("x").bytes))),
                .badRequest
            ),
        ]
        for (index, (request, reason)) in cases.enumerated() {
            let (response, refusal) = await authority.response(der: request, at: try TestIssuer.now())
            #expect(refusal?.reason == reason, "\(index): \(refusal?.message ?? "granted")")
            let error = #expect(throws: SigstoreError.self) { try TimestampToken(response: response) }
            #expect(error?.message.contains("status 2") == true)
        }
        let late = try #require(Timestamp("2030-01-01T00:00:00Z"))
        let (_, refusal) = await authority.response(der: Self.query(), at: late)
        #expect(refusal?.reason == .timeNotAvailable)
    }

    @Test("the JSON form asks the same")
    func json() throws {
        let digest = Base64.encode(Digest.of("x").bytes)
        let request = try TimestampRequest(
            json: Array(
                #"{"artifactHash":"\#(digest)","hashAlgorithm":"sha256","nonce":200,"certificates":true}"#.utf8))
        #expect(request.nonce == [0, 200])
        #expect(request.wantsCertificate)
        for text in [
            "{}", "[]", #"{"artifactHash":"AAAA","hashAlgorithm":"sha256"}"#,
            #"{"artifactHash":"\#(digest)","hashAlgorithm":"md5"}"#, #"{"artifactHash":"\#(digest)","nonce":-1}"#,
        ] {
            #expect(throws: TimestampRefusal.self) { try TimestampRequest(json: Array(text.utf8)) }
        }
    }

    @Test("a certificate that is not for timestamps alone makes no timestamp authority")
    func purpose() async throws {
        let now = try TestIssuer.now()
        let signer = PrivateKeySigner(try PrivateKey.generate(.ecdsaP256))
        let root = try await CertificateIssuer.root(
            signer, organization: "Example", commonName: "root", from: now, to: now)
        #expect(throws: AuthorityError.self) { try TimestampAuthority(signer, chain: root.chain) }
    }
}
