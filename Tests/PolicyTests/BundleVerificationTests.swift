import Attest
import Bytes
import Cache
import Host
import Keys
import Policy
import Sigstore
import SystemPackage
import TestKit
import Testing

/// Archives that carry their signed provenance, or have it beside them.
@Suite struct BundleVerificationTests {
    let directory: TemporaryDirectory
    let key: PrivateKey
    let archive: FilePath

    init() async throws {
        directory = try TemporaryDirectory()
        key = try PrivateKey.generate(.ecdsaP256)
        var tar: [UInt8] = []
        var writer = TarWriter { tar += $0 }
        try writer.addFile("./data", Array("content of the artifact\n".utf8))
        try writer.finish()
        let bare = try Compression.gzip.compress(tar)
        try Files.write(bare, to: directory["bare"])
        let statement = Statement(
            subjects: [Subject(name: "data", digest: ["sha256": Digest.of(bare).hex])],
            predicateType: "https://slsa.dev/provenance/v1", predicate: [:])
        var envelope = Envelope(statement)
        let signature = try await PrivateKeySigner(key).sign(.bytes(envelope.signedBytes))
        envelope.signatures = [.init(keyID: key.publicKey.id.hex, signature: signature)]
        _ = try Artifact.embed(envelope.line, in: directory["bare"], to: directory["out.tar.gz"])
        archive = directory["out.tar.gz"]
    }

    func verification(_ key: PublicKey) -> BundleVerification {
        var policy = VerificationPolicy(signer: .key(key))
        policy.logEntries = 0
        return BundleVerification(verifier: Verifier(trustedRoot: TrustedRoot(), policy: policy))
    }

    @Test("an archive is verified by the provenance inside")
    func inside() throws {
        let verdicts = verification(key.publicKey).verify(.file(archive))
        #expect(verdicts.map(\.isVerified) == [true])
        #expect(verdicts.first?.verified.first?.statement?.subjects.first?.name == "data")
    }

    @Test("another key verifies nothing")
    func otherKey() throws {
        let verdicts = verification(try PrivateKey.generate(.ecdsaP256).publicKey).verify(.file(archive))
        #expect(verdicts.map(\.isVerified) == [false])
        #expect(verdicts.first?.failures.first?.failures.map(\.check) == [.signature])
    }

    @Test("one bit turned anywhere in the archive is found")
    func flipped() async throws {
        let bytes = try Files.read(archive, limit: 1 << 20)
        let verification = verification(key.publicKey)
        for position in bytes.indices {
            await Task.yield()
            var changed = bytes
            changed[position] ^= 1 << UInt8(position % 8)
            try Files.write(changed, to: directory["changed.tar.gz"])
            let verdicts = verification.verify(.file(directory["changed.tar.gz"]))
            #expect(verdicts.allSatisfy { !$0.isVerified }, "byte \(position) of \(bytes.count)")
        }
    }

    @Test("a directory's files with bundles beside them are verified in one go")
    func batch() async throws {
        let envelope = try #require(try Artifact.inspect(archive).bundle)
        let bare = try Files.read(directory["bare"], limit: 1 << 20)
        for index in 0..<200 {
            try Files.write(bare, to: directory["batch-\(index)"])
            try Files.write(envelope, to: directory["batch-\(index).intoto.jsonl"])
        }
        let targets = try BundleVerification.targets(at: directory.path)
        #expect(targets.count == 200)
        let verdicts = await verification(key.publicKey).verify(targets)
        #expect(verdicts.count == 200)
        #expect(verdicts.count { $0.isVerified } == 200)
        #expect(verdicts.map(\.name) == targets.map(\.description))
    }

    @Test("a file that can't be read is undecided, and one without a bundle is refused")
    func absent() throws {
        let verification = verification(key.publicKey)
        #expect(verification.verify(.file(directory["nothing"])).map(\.isVerified) == [false])
        let bare = verification.verify(.file(directory["bare"]))
        #expect(bare.map(\.isVerified) == [false])
        #expect(bare.first?.problem?.contains("--bundle") == true)
    }
}
