import Bytes
import Keys
import TUF
import Testing

/// Updates as a client makes them, and the attacks of the specification's section 1.5.2.
@Suite struct UpdaterTests {
    private static let now = TestRepository.now

    private static func repository(consistent: Bool = true) -> TestRepository {
        var repository = TestRepository(consistent: consistent)
        repository.add("a root of trust", at: "trusted_root.json")
        repository.publishRoot()
        repository.publish()
        return repository
    }

    private static func updater(_ repository: TestRepository, _ store: MemoryStore = MemoryStore()) throws -> Updater {
        Updater(anchor: try #require(repository.server.file("1.root.json")), store: store, source: repository.server)
    }

    /// Runs an update that must fail, and gives why.
    private func failure(
        _ updater: Updater, targets: [String] = [], at now: Timestamp = now
    ) async -> TUFError? {
        do {
            _ = try await updater.run(.refresh, targets: targets, at: now)
            return nil
        } catch {
            return error
        }
    }

    @Test("an update gives the target and the states behind it", arguments: [true, false])
    func update(consistent: Bool) async throws {
        let repository = Self.repository(consistent: consistent)
        let result = try await Self.updater(repository).run(.refresh, targets: ["trusted_root.json"], at: Self.now)
        #expect(result.files["trusted_root.json"] == Array("a root of trust".utf8))
        #expect(result.states.map(\.role) == ["root", "timestamp", "snapshot", "targets"])
        #expect(result.expires == Timestamp("2026-06-01T00:00:00Z"))
    }

    @Test("a path that nobody vouches for is missing from the result")
    func absentTarget() async throws {
        let result = try await Self.updater(Self.repository()).run(.refresh, targets: ["nothing"], at: Self.now)
        #expect(result.files.isEmpty)
    }

    @Test("a second update asks for the next root and the timestamp alone")
    func secondUpdate() async throws {
        let repository = Self.repository()
        let updater = try Self.updater(repository)
        _ = try await updater.run(.refresh, targets: ["trusted_root.json"], at: Self.now)
        let before = repository.server.requests.count
        _ = try await updater.run(.refresh, targets: ["trusted_root.json"], at: Self.now)
        #expect(Array(repository.server.requests[before...]) == ["2.root.json", "timestamp.json"])
    }

    @Test("what is stored is taken without asking, expired or not")
    func stored() async throws {
        let repository = Self.repository()
        let updater = try Self.updater(repository)
        _ = try await updater.run(.refresh, targets: ["trusted_root.json"], at: Self.now)
        repository.server.setDown(true)
        let later = try #require(Timestamp("2030-01-01T00:00:00Z"))
        let result = try await updater.run(.stored, targets: ["trusted_root.json"], at: later)
        #expect(result.files.count == 1)
        #expect(try #require(result.expires) < later)
        #expect(await failure(updater)?.code == .unreachable)
    }

    @Test("nothing stored is an error that says what to do")
    func nothingStored() async throws {
        let updater = try Self.updater(Self.repository())
        await #expect(throws: TUFError.self) { try await updater.run(.stored, targets: [], at: Self.now) }
    }

    @Test(
        "a damaged store heals",
        arguments: ["2.root.json", "timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"])
    func healing(_ name: String) async throws {
        var repository = Self.repository()
        repository.root.header.version = 2
        repository.publishRoot()
        let store = MemoryStore()
        let updater = try Self.updater(repository, store)
        _ = try await updater.run(.refresh, targets: ["trusted_root.json"], at: Self.now)
        let good = try #require(try store.read(name, limit: 1 << 20))
        for damage in [Array("{".utf8), [], good.dropLast(3) + [0x20], good.map { $0 == 0x61 ? 0x62 : $0 }] {
            try store.write(damage, name)
            let result = try await updater.run(.refresh, targets: ["trusted_root.json"], at: Self.now)
            #expect(result.files["trusted_root.json"] == Array("a root of trust".utf8))
            let stored = try await updater.run(.stored, targets: ["trusted_root.json"], at: Self.now)
            #expect(stored.files == result.files)
        }
    }

    @Test("a planted root in the store is not believed")
    func plantedRoot() async throws {
        let repository = Self.repository()
        let store = MemoryStore()
        var foreign = TestRepository()
        foreign.signers[.root] = [TestSigner("stranger"), TestSigner("other stranger")]
        foreign.useSigners()
        foreign.root.header.version = 2
        foreign.publishRoot()
        try store.write(try #require(foreign.server.file("2.root.json")), "2.root.json")
        let result = try await Self.updater(repository, store).run(.refresh, targets: [], at: Self.now)
        #expect(result.metadata.root.role.version == 1)
        #expect(try store.read("2.root.json", limit: 1 << 20) == nil)
    }

    // MARK: Attacks

    @Test("a chain of roots is followed, and each needs its predecessor's signatures")
    func rootRotation() async throws {
        var repository = Self.repository()
        let old = try #require(repository.signers[.root])
        repository.signers[.root] = [TestSigner("new 1"), TestSigner("new 2")]
        repository.useSigners()
        repository.root.header.version = 2
        repository.publishRoot(by: [old[0], old[1]])
        let store = MemoryStore()
        let updater = try Self.updater(repository, store)
        #expect(try await updater.run(.refresh, targets: [], at: Self.now).metadata.root.role.version == 2)

        // The same without enough of the old keys, or of the new.
        repository.publishRoot(by: [old[0]])
        #expect(await failure(try Self.updater(repository))?.code == .signatures)
        repository.signers[.root] = [TestSigner("new 1")]
        repository.publishRoot(by: old)
        #expect(await failure(try Self.updater(repository))?.code == .signatures)
    }

    @Test("a root of another version than its name says is refused", arguments: [1, 3])
    func rootVersion(_ version: Int) async throws {
        var repository = Self.repository()
        repository.root.header.version = version
        repository.publishRoot()
        repository.server.serve(repository.server.file("\(version).root.json"), as: "2.root.json")
        let error = await failure(
            Updater(
                anchor: SignedMetadata(TestRepository().root, by: TestRepository().signers[.root] ?? []).bytes,
                store: MemoryStore(), source: repository.server))
        #expect(error?.code == (version == 1 ? .rollback : .mismatch))
    }

    @Test("more roots than the limit end an update, and the next one goes on")
    func rotations() async throws {
        var repository = Self.repository()
        for version in 2...6 {
            repository.root.header.version = version
            repository.publishRoot()
        }
        var limits = TUFLimits()
        limits.rootRotations = 3
        let updater = Updater(
            anchor: try #require(repository.server.file("1.root.json")), store: MemoryStore(),
            source: repository.server,
            limits: limits)
        #expect(await failure(updater)?.code == .limit)
        #expect(await failure(updater) == nil)
    }

    @Test("one key under two ids is one signer")
    func doubledKey() async throws {
        let signer = TestSigner("only")
        var repository = TestRepository()
        repository.signers[.root] = [signer]
        repository.useSigners()
        repository.root.keys.add(signer.key, as: "another id")
        repository.root.roles[.root] = RoleKeys(keyIDs: [signer.id, "another id"], threshold: 2)
        let bytes = SignedMetadata(repository.root).signedBytes
        let file = SignedMetadata(
            repository.root,
            signatures: [signer.id, "another id"].map { .init(keyID: $0, hex: signer.sign(bytes)) })
        #expect(throws: TUFError.self) { try TrustedMetadata(root: file.bytes) }
    }

    @Test("empty signatures and those of strangers are passed over")
    func emptySignatures() throws {
        let repository = TestRepository()
        let signers = try #require(repository.signers[.root])
        let bytes = SignedMetadata(repository.root).signedBytes
        let good = signers.prefix(2).map {
            SignedMetadata<RootMetadata>.Signature(keyID: $0.id, hex: $0.sign(bytes))
        }
        let empty = SignedMetadata<RootMetadata>.Signature(keyID: signers[2].id, hex: "")
        let stranger = SignedMetadata<RootMetadata>.Signature(keyID: "stranger", hex: "00")
        #expect(throws: Never.self) {
            try TrustedMetadata(root: SignedMetadata(repository.root, signatures: [empty, stranger] + good).bytes)
        }
        #expect(throws: TUFError.self) {
            try TrustedMetadata(root: SignedMetadata(repository.root, signatures: [empty, good[0]]).bytes)
        }
    }

    @Test(
        "an older timestamp, snapshot or targets file is a rollback", arguments: ["timestamp", "snapshot", "targets"])
    func rollback(_ role: String) async throws {
        var repository = Self.repository()
        repository.bump()
        repository.publish()
        let updater = try Self.updater(repository)
        #expect(await failure(updater) == nil)
        switch role {
        case "timestamp": repository.timestamp.header.version = 1
        case "snapshot":
            repository.timestamp.header.version = 3
            repository.snapshot.header.version = 1
        default:
            repository.timestamp.header.version = 3
            repository.snapshot.header.version = 3
            repository.targets["targets"]?.header.version = 1
        }
        repository.publish()
        let error = await failure(updater)
        #expect(error?.code == .rollback)
        #expect(error?.role == role)
    }

    @Test("a role that vanishes from the snapshot is a rollback")
    func vanishedRole() async throws {
        var repository = Self.repository()
        repository.delegate("team", scope: .patterns(["team/*"]))
        repository.publish()
        let updater = try Self.updater(repository)
        #expect(await failure(updater) == nil)
        repository.targets["team"] = nil
        repository.snapshot.files["team.json"] = nil
        repository.bump()
        repository.publish()
        #expect(await failure(updater)?.code == .rollback)
    }

    @Test("metadata that has expired is said to be, with role and time", arguments: RootMetadata.Role.allCases)
    func expiry(_ role: RootMetadata.Role) async throws {
        var repository = TestRepository()
        let past = try #require(Timestamp("2025-12-31T23:59:59Z"))
        switch role {
        case .root: repository.root.header.expires = past
        case .timestamp: repository.timestamp.header.expires = past
        case .snapshot: repository.snapshot.header.expires = past
        case .targets: repository.targets["targets"]?.header.expires = past
        }
        repository.publishRoot()
        repository.publish()
        let error = await failure(try Self.updater(repository))
        #expect(error?.code == .expired)
        #expect(error?.role == role.rawValue)
        #expect(error?.expires == past)
        let before = try #require(Timestamp("2025-12-31T23:59:58Z"))
        #expect(await failure(try Self.updater(repository), at: before) == nil)
    }

    @Test("an old anchor that has expired is fine where a newer root is not")
    func expiredAnchor() async throws {
        var repository = TestRepository()
        repository.root.header.expires = try #require(Timestamp("2020-01-01T00:00:00Z"))
        repository.publishRoot()
        let updater = try Self.updater(repository)
        repository.root.header.expires = try #require(Timestamp("2027-01-01T00:00:00Z"))
        repository.root.header.version = 2
        repository.publishRoot()
        repository.publish()
        #expect(await failure(updater) == nil)
    }

    @Test("files of two states are not mixed")
    func mixAndMatch() async throws {
        var repository = Self.repository()
        let oldTargets = repository.server.file("1.targets.json")
        let oldSnapshot = repository.server.file("1.snapshot.json")
        repository.add("more", at: "more")
        repository.bump()
        repository.publish()
        let newSnapshot = repository.server.file("2.snapshot.json")
        repository.server.serve(oldTargets, as: "2.targets.json")
        #expect(await failure(try Self.updater(repository))?.code == .mismatch)
        repository.publish()
        repository.server.serve(oldSnapshot, as: "2.snapshot.json")
        #expect(await failure(try Self.updater(repository))?.code == .mismatch)
        repository.server.serve(newSnapshot, as: "2.snapshot.json")
        #expect(await failure(try Self.updater(repository)) == nil)
    }

    @Test("without digests, versions alone keep states apart")
    func mixAndMatchByVersion() async throws {
        var repository = TestRepository()
        repository.publishRoot()
        repository.publish(withHashes: false)
        let oldTargets = repository.server.file("1.targets.json")
        repository.bump()
        repository.publish(withHashes: false)
        repository.server.serve(oldTargets, as: "2.targets.json")
        let error = await failure(try Self.updater(repository))
        #expect(error?.code == .mismatch)
        #expect(error?.role == "targets")
    }

    @Test("metadata that another role signed is refused")
    func wrongSigner() async throws {
        for role in [RootMetadata.Role.timestamp, .snapshot, .targets] {
            var repository = Self.repository()
            repository.signers[role] = [TestSigner("stranger")]
            repository.publish()
            let error = await failure(try Self.updater(repository))
            #expect(error?.code == .signatures)
            #expect(error?.role == role.rawValue)
        }
    }

    @Test("a changed key makes the client forget versions that the old one signed", arguments: [true, false])
    func fastForward(recovers: Bool) async throws {
        var repository = Self.repository()
        repository.timestamp.header.version = 1_000_000
        repository.snapshot.header.version = 1_000_000
        repository.publish()
        let updater = try Self.updater(repository)
        #expect(await failure(updater) == nil)
        if recovers {
            repository.signers[.timestamp] = [TestSigner("online, renewed")]
            repository.signers[.snapshot] = [TestSigner("online, renewed")]
            repository.useSigners()
        }
        repository.root.header.version = 2
        repository.publishRoot()
        repository.timestamp.header.version = 3
        repository.snapshot.header.version = 3
        repository.publish()
        #expect(await failure(updater)?.code == (recovers ? nil : .rollback))
    }

    @Test(
        "a target of another length or content is refused", arguments: ["a root of trusu", "a root of trust!", "a", ""])
    func wrongTarget(_ content: String) async throws {
        let repository = Self.repository()
        repository.server.serve(target: Array(content.utf8), as: try #require(repository.server.targetNames.first))
        let error = await failure(try Self.updater(repository), targets: ["trusted_root.json"])
        #expect(error?.code == (content.count > 15 ? .limit : .mismatch))
    }

    @Test(
        "endless files are cut off at the limit of their role",
        arguments: ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])
    func endless(_ name: String) async throws {
        let repository = Self.repository()
        repository.server.serve([UInt8](repeating: 0x20, count: 6_000_000), as: name)
        #expect(await failure(try Self.updater(repository))?.code == .limit)
    }
}
