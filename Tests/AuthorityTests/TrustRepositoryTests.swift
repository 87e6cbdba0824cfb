import Bytes
import Host
import Keys
import SystemPackage
import TUF
import TestKit
import Testing

@testable import Authority

/// A TUF repository that stays signed and fresh.
@Suite struct TrustRepositoryTests {
    private static func day(_ days: Int64) throws -> Timestamp {
        try #require(Timestamp(seconds: TestIssuer.now().seconds + days * 86400))
    }

    private static func signer(_ algorithm: KeyAlgorithm = .ed25519) throws -> PrivateKeySigner {
        PrivateKeySigner(try PrivateKey.generate(algorithm))
    }

    @Test("what is made is made once, and anew when it changes or soon expires")
    func freshness() async throws {
        let scratch = try TemporaryDirectory()
        let repository = TrustRepository(scratch["tuf"])
        let signers = TrustRepository.Signers(
            root: [try Self.signer()], targets: try Self.signer(.ecdsaP256), online: try Self.signer())
        let files: [String: [UInt8]] = ["trusted_root.json": Array("one".utf8)]
        func update(_ files: [String: [UInt8]], _ days: Int64) async throws -> [String] {
            try await repository.update(files, signers: signers, at: Self.day(days))
        }
        #expect(try await update(files, 0) == ["root", "targets", "snapshot", "timestamp"])
        #expect(try await update(files, 0).isEmpty)
        #expect(try await update(files, 2) == ["timestamp"])
        #expect(try await update(["trusted_root.json": Array("two".utf8)], 2) == ["targets", "snapshot", "timestamp"])
        #expect(try await update(["trusted_root.json": Array("two".utf8)], 10) == ["snapshot", "timestamp"])
        #expect(
            try await update(["trusted_root.json": Array("two".utf8)], 300)
                == ["root", "targets", "snapshot", "timestamp"])
        #expect(try repository.file("2.root.json") != nil)
        #expect(try repository.file("timestamp.json") != nil)
        for name in ["../tuf/timestamp.json", ".hidden", "", "targets/../timestamp.json", "targets/", "a/b", "%2e"] {
            #expect(try repository.file(name) == nil, "\(name)")
        }
    }

    @Test("clients follow new keys of every role, from the first root on")
    func rotation() async throws {
        let scratch = try TemporaryDirectory()
        let repository = TrustRepository(scratch["tuf"])
        let old = [try Self.signer(), try Self.signer(.ecdsaP256), try Self.signer()]
        var signers = TrustRepository.Signers(root: old, targets: try Self.signer(), online: try Self.signer())
        let files: [String: [UInt8]] = ["trusted_root.json": Array("one".utf8)]
        let now = try Self.day(0)
        _ = try await repository.update(files, signers: signers, at: now)
        let first = try #require(try repository.root())
        signers.online = try Self.signer()
        #expect(
            try await repository.update(files, signers: signers, at: now) == ["root", "snapshot", "timestamp"])
        signers.targets = try Self.signer()
        #expect(
            try await repository.update(files, signers: signers, at: now)
                == ["root", "targets", "snapshot", "timestamp"])
        // New root keys alone can't say that they are the root.
        signers.root = [try Self.signer(), try Self.signer()]
        await #expect(throws: AuthorityError.self) {
            try await repository.update(files, signers: signers, at: now)
        }
        signers.formerRoot = Array(old.prefix(2))
        #expect(try await repository.update(files, signers: signers, at: now) == ["root"])

        let updater = Updater(
            anchor: first, store: MemoryStore(), source: FolderSource(scratch["tuf"]))
        let result = try await updater.run(.refresh, targets: ["trusted_root.json"], at: now)
        #expect(result.files["trusted_root.json"] == Array("one".utf8))
    }
}
