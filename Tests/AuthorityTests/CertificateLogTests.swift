import Bytes
import Keys
import Ledger
import Sigstore
import SystemPackage
import TestKit
import Testing
import TileLog

@testable import Authority

/// A log of certificates, and what it promises.
@Suite struct CertificateLogTests {
    private struct Fixture {
        let scratch: TemporaryDirectory
        let key: PrivateKey
        let issuer: CertificateIssuer
        let authority: CertificateAuthority
        let log: CertificateLog
        let now: Timestamp

        init() async throws {
            scratch = try TemporaryDirectory()
            let start = try TestIssuer.now()
            now = start
            key = try PrivateKey.generate(.ecdsaP256)
            let end = try #require(Timestamp(seconds: now.seconds + 86400))
            issuer = try await CertificateIssuer.root(
                PrivateKeySigner(PrivateKey.generate(.ecdsaP256)), organization: "Example", commonName: "root",
                from: now, to: end)
            log = try await CertificateLog.open(
                scratch["ct"], origin: "ct.example", signer: PrivateKeySigner(key), roots: issuer.chain,
                clock: { UInt64(start.seconds) * 1000 })
            authority = CertificateAuthority(issuer, recorder: log)
        }

        func certify(_ name: String) async throws -> [Certificate] {
            let key = try PrivateKey.generate(.ecdsaP256)
            let proof = try key.signature(of: .bytes(Array(name.utf8)))
            return try await authority.certify(
                CertifiedIdentity(name: .uri("https://example.org/\(name)"), claims: [], challenge: name),
                .signature(key.publicKey, proof), at: now)
        }

        func trusted() throws -> TrustedRoot.Log {
            try TrustedRoot.Log(url: "", key: key.publicKey, origin: "ct.example", period: ValidityPeriod(start: now))
        }
    }

    @Test("each certificate's promise is kept: its leaf is in the tree at the place that it says")
    func promises() async throws {
        let fixture = try await Fixture()
        for number in 0..<5 {
            let chain = try await fixture.certify("\(number)")
            let promise = try #require(try SignedCertificateTimestamp.embedded(in: chain[0]).first)
            try promise.verify(by: fixture.trusted(), certificate: chain[0], issuer: chain[1])
            let index = UInt64(promise.extensions.last ?? 99)
            #expect(index == UInt64(number))
            let entry = try #require(try await fixture.log.entries(from: index, to: index).first)
            let hash = MerkleTree.leafHash(entry.promise.leafInput)
            #expect(try await fixture.log.index(ofLeafHash: hash, size: index + 1) == index)
            let size = fixture.log.log.size
            try MerkleProof.verifyInclusion(
                of: hash, at: index, inTreeOf: size, root: try await fixture.log.log.root(size: size),
                path: try await fixture.log.log.inclusionProof(of: index))
        }
        #expect(try await fixture.log.index(ofLeafHash: Digest.of("none"), size: 5) == nil)
        await fixture.log.close()
    }

    @Test("an entry reads as it was written, and no changed one does")
    func entries() async throws {
        let fixture = try await Fixture()
        _ = try await fixture.certify("a")
        let entry = try #require(try await fixture.log.entries(from: 0, to: 10).first)
        let bytes = entry.encoded
        #expect(try CertificateLogEntry(parsing: bytes) == entry)
        #expect(try await fixture.log.dataTile(0, width: 1) == bytes)
        for count in 0..<bytes.count where count % 7 == 0 {
            #expect(throws: AuthorityError.self) { try CertificateLogEntry(parsing: Array(bytes[..<count])) }
        }
        #expect(throws: AuthorityError.self) { try CertificateLogEntry(parsing: bytes + [0]) }
        let json = try fixture.log.json(entry)
        #expect(json["leaf_input"]?.stringValue == Base64.encode(entry.promise.leafInput))
        await #expect(throws: AuthorityError.self) { try await fixture.log.entries(from: 1, to: 1) }
        await fixture.log.close()
    }

    @Test("others may add what the accepted roots issued, once, and nothing else")
    func adding() async throws {
        let fixture = try await Fixture()
        let leaf = try await fixture.certify("a")[0]
        let first = try await fixture.log.add(chain: [leaf.der], isPrecertificate: false)
        #expect(first["sct_version"] == 0)
        let size = fixture.log.log.size
        // The same again has the same place, with or without the root.
        let second = try await fixture.log.add(
            chain: [leaf.der, fixture.issuer.certificate.der], isPrecertificate: false)
        #expect(second["extensions"] == first["extensions"])
        #expect(fixture.log.log.size == size)
        let foreign = try await Fixture()
        let stranger = try await foreign.certify("b")[0]
        for chain in [[stranger.der], [], [[1, 2, 3]], [leaf.der, leaf.der], [stranger.der, leaf.der]] {
            await #expect(throws: AuthorityError.self) {
                try await fixture.log.add(chain: chain, isPrecertificate: false)
            }
        }
        // A certificate is no precertificate.
        await #expect(throws: AuthorityError.self) {
            try await fixture.log.add(chain: [leaf.der], isPrecertificate: true)
        }
        await fixture.log.close()
        await foreign.log.close()
    }

    @Test("a log that is closed and opened again goes on where it was")
    func reopening() async throws {
        let fixture = try await Fixture()
        _ = try await fixture.certify("a")
        await fixture.log.close()
        let start = fixture.now
        let again = try await CertificateLog.open(
            fixture.scratch["ct"], origin: "ct.example", signer: PrivateKeySigner(fixture.key),
            roots: fixture.issuer.chain, clock: { UInt64(start.seconds) * 1000 })
        #expect(again.log.size == 1)
        let head = try await again.treeHead()
        #expect(head.size == 1)
        try fixture.key.publicKey.verify(
            Array(head.signature.dropFirst(4)),
            of: .bytes(
                [0, 1] + TLSWriting.number(head.milliseconds, byteCount: 8) + TLSWriting.number(1, byteCount: 8)
                    + head.root.bytes))
        await again.close()
    }
}
