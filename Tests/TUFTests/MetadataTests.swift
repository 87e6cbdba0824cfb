import Bytes
import Host
import Keys
import SystemPackage
import TUF
import TestKit
import Testing

/// Reading and writing files of metadata.
@Suite struct MetadataTests {
    @Test(
        "the canonical form is OLPC's",
        arguments: [
            (#"{"b": 1, "a": [true, null, -3], "": {}}"#, #"{"":{},"a":[true,null,-3],"b":1}"#),
            (#""tab\t quote\" slash\\ ü \u0001""#, "\"tab\t quote\\\" slash\\\\ ü \u{1}\""),
            (#"{"\ud83d\ude00": 1, "\uffff": 2}"#, "{\"\u{FFFF}\":2,\"😀\":1}"),
        ])
    func canonical(_ text: String, _ expected: String) throws {
        let bytes = try #require(try JSON(parsing: text).canonicalOLPC())
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test(
        "numbers that are no integers have no canonical form", arguments: ["1.0", "1e3", "-0", "[0.5]", #"{"a":1E0}"#])
    func noCanonical(_ text: String) throws { #expect(try JSON(parsing: text).canonicalOLPC() == nil) }

    @Test("members that martlet does not know are kept and signed")
    func unknownMembers() throws {
        var root = TestRepository().root
        root.header.others["x-own"] = ["deep": [1, 2]]
        let file = SignedMetadata(root)
        let again = try SignedMetadata<RootMetadata>(parsing: file.bytes, limit: 1 << 20)
        #expect(again.role == root)
        #expect(again.signedBytes == file.signedBytes)
        #expect(String(decoding: again.signedBytes, as: UTF8.self).contains(#""x-own":{"deep":[1,2]}"#))
    }

    @Test(
        "what is no metadata is malformed, never a crash",
        arguments: [
            "", "{", "[]", "{}", #"{"signed": {}, "signatures": []}"#,
            #"{"signed": {"_type": "root"}, "signatures": []}"#,
            #"{"signed": {"_type": "snapshot", "spec_version": "1.0", "version": 1, "expires": "2030-01-01T00:00:00Z"}}"#,
        ])
    func malformed(_ text: String) {
        #expect(throws: TUFError.self) { try SignedMetadata<RootMetadata>(parsing: Array(text.utf8), limit: 1 << 20) }
    }

    private static let changes = [
        (#""spec_version": "1.0.34""#, #""spec_version": "2.0.0""#), (#""version": 1"#, #""version": 0"#),
        (#""version": 1"#, #""version": 1.5"#), (#""version": 1"#, #""version": "1""#),
        (#""threshold": 2"#, #""threshold": 0"#), (#""expires": "2026-06-01T00:00:00Z""#, #""expires": "tomorrow""#),
        (#""_type": "root""#, #""_type": "targets""#), (#""scheme": "ed25519""#, #""scheme": "ecdsa-sha2-nistp256""#),
        (#""timestamp": {"#, #""timestomp": {"#), (#""keyid": "#, #""keyed": "#),
    ]

    @Test("a root with one wrong member is malformed or not signed", arguments: changes)
    func wrongMember(_ old: String, _ new: String) throws {
        let repository = TestRepository()
        let text = String(
            decoding: SignedMetadata(repository.root, by: repository.signers[.root] ?? []).bytes, as: UTF8.self)
        #expect(text.contains(old))
        #expect(throws: TUFError.self) { try TrustedMetadata(root: Array(text.replacing(old, with: new).utf8)) }
    }

    @Test("a key that signs twice is refused")
    func doubleSignature() throws {
        let repository = TestRepository()
        let signer = TestSigner("root 1")
        let file = SignedMetadata(repository.root, by: [signer, signer])
        #expect(throws: TUFError.self) { try SignedMetadata<RootMetadata>(parsing: file.bytes, limit: 1 << 20) }
    }

    @Test("a key of an unknown scheme is passed over, and so is one as the point of a curve")
    func keys() throws {
        var root = TestRepository().root
        let p256 = TestSigner(p256: "root 2")
        let point = try #require(p256.key.usable).key.der.suffix(65)
        let text = String(decoding: SignedMetadata(root).bytes, as: UTF8.self)
        #expect(text.contains("-----BEGIN PUBLIC KEY-----"))
        let json = try JSON(
            parsing: """
                {"keytype": "ecdsa-sha2-nistp256", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": "\(Hex.encode(Array(point)))"}}
                """)
        let unknown = try JSON(parsing: #"{"keytype": "sphincs", "scheme": "sphincs", "keyval": {"public": "?"}}"#)
        var object = try #require(try JSON(parsing: text)["signed"]?.objectValue)
        var keys = try #require(object["keys"]?.objectValue)
        keys[p256.id] = json
        keys["unknown"] = unknown
        object["keys"] = .object(keys)
        root = try RootMetadata(signed: .object(object))
        #expect(root.keys[p256.id]?.usable?.key == p256.key.usable?.key)
        #expect(root.keys["unknown"]?.usable == nil)
    }

    @Test("two processes on one folder update one after the other, and its files are whole")
    func folderStore() async throws {
        let directory = try TemporaryDirectory()
        var repository = TestRepository()
        repository.add("a root of trust", at: "folder/trusted root.json")
        repository.publishRoot()
        repository.publish()
        let anchor = try #require(repository.server.file("1.root.json"))
        let server = repository.server
        let folder = directory["trust"]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let updater = Updater(anchor: anchor, store: FolderStore(folder), source: server)
                    let result = try await updater.run(
                        .refresh, targets: ["folder/trusted root.json"], at: TestRepository.now)
                    #expect(result.files.count == 1)
                }
            }
            try await group.waitForAll()
        }
        #expect(
            try Files.list(folder) == ["lock", "snapshot.json", "targets", "targets.json", "timestamp.json"])
        #expect(try Files.list(folder.appending("targets")) == ["folder%2Ftrusted%20root.json"])
    }

    @Test("a repository in a folder is read as one behind an address")
    func folderSource() async throws {
        let directory = try TemporaryDirectory()
        var repository = TestRepository()
        repository.add("content", at: "a/b")
        repository.publishRoot()
        repository.publish()
        for name in ["1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"] {
            try directory.write(
                String(decoding: #require(repository.server.file(name)), as: UTF8.self), to: "metadata/\(name)")
        }
        try directory.write("content", to: "targets/\(try #require(repository.server.targetNames.first))")
        let updater = Updater(
            anchor: try #require(repository.server.file("1.root.json")), store: MemoryStore(),
            source: FolderSource(directory.path))
        let result = try await updater.run(.refresh, targets: ["a/b"], at: TestRepository.now)
        #expect(result.files["a/b"] == Array("content".utf8))
        try directory.write(String(repeating: " ", count: 20_000), to: "metadata/timestamp.json")
        let error = await #expect(throws: TUFError.self) {
            try await updater.run(.refresh, targets: [], at: TestRepository.now)
        }
        #expect(error?.code == .limit)
    }
}
