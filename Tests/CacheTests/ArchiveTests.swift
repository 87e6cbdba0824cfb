import Bytes
import Cache
import Host
import SystemPackage
import TestKit
import Testing

@Suite struct ArchiveTests {
    let directory: TemporaryDirectory
    let store: ContentStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try ContentStore(directory: directory["cache"])
    }

    private func makeTree() async throws -> Digest {
        try directory.write("hello", to: "out/bin/run", mode: 0o755)
        try directory.write(String(repeating: "text ", count: 50_000), to: "out/a.txt")
        try directory.write("x", to: "out/a/b")
        try Files.symlink("bin/run", at: directory["out/run"])
        return try await store.capture(directory["out"]).root
    }

    private let bundle = Array(#"{"payload":""}"#.utf8) + [0x0a]

    private func run(_ command: String) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            ["/bin/sh", "-ec", command], workingDirectory: directory.path, outputLimit: 1 << 20,
            timeLimit: .seconds(60))
    }

    @Test("the same tree gives the same bytes, whose digest is reported", arguments: Compression.allCases)
    func deterministic(compression: Compression) async throws {
        let tree = try await makeTree()
        let first = try store.writeArchive(tree, to: directory["1"], compression: compression)
        let other = try ContentStore(directory: directory["cache2"])
        try await store.copy(tree, to: directory["copy"])
        let again = try await other.capture(directory["copy"]).root
        let second = try other.writeArchive(again, to: directory["2"], compression: compression)
        #expect(first == second)
        #expect(try Files.digest(of: directory["1"]).digest == first.digest)
        #expect(try Files.status(directory["1"])?.size == first.size)
        if compression == .none {
            #expect(first.digest.hex == "ded21e54490530d167d93c9b9803ffe0f86c0e2ef63ea3fd6e7d6084ccc53bb3")
        }
    }

    @Test("an archive without its bundle is byte for byte the artifact", arguments: Compression.allCases)
    func embedding(compression: Compression) async throws {
        let tree = try await makeTree()
        let bare = try store.writeArchive(tree, to: directory["bare"], compression: compression)
        let saved = try Artifact.embed(bundle, in: directory["bare"], to: directory["saved"])
        let bytes = try Files.read(directory["saved"], limit: 1 << 24)
        #expect(bytes.count == saved.size && Digest.of(bytes) == saved.digest)
        #expect(try bytes.suffix(bare.size).elementsEqual(Files.read(directory["bare"], limit: 1 << 24)))
        let inspection = try Artifact.inspect(directory["saved"], hashingFiles: true)
        #expect(inspection.bundle == bundle && inspection.digest == bare.digest && inspection.size == bare.size)
        #expect(inspection.files.keys.sorted() == ["a.txt", "a/b", "bin/run"])
        #expect(inspection.files["bin/run"] == .of("hello"))
        let plain = try Artifact.inspect(directory["bare"])
        #expect(plain.bundle == nil && plain.digest == bare.digest)
        let names = try await run("tar tf saved")
        #expect(
            names.outputText.split(separator: "\n")
                == ["./provenance-bundle.jsonl", "./", "./a/", "./a/b", "./a.txt", "./bin/", "./bin/run", "./run"])
    }

    @Test("tar prints the bundle, as the README shows", arguments: [Compression.none, .gzip])
    func tarOxf(compression: Compression) async throws {
        _ = try await store.writeArchive(makeTree(), to: directory["bare"], compression: compression)
        _ = try Artifact.embed(bundle, in: directory["bare"], to: directory["out.tar"])
        let outcome = try await run("tar Oxf out.tar ./provenance-bundle.jsonl")
        #expect(outcome.output == bundle && outcome.isSuccess)
        let all = try await run("mkdir x; tar xf out.tar -C x; cat x/bin/run x/a/b")
        #expect(all.outputText.hasSuffix("hellox"))
    }

    @Test(
        "Python reads it",
        .enabled(if: ToolPath.find("python3", path: "/usr/bin:/bin") != nil, "python3 is not installed"))
    func python() async throws {
        _ = try await store.writeArchive(makeTree(), to: directory["bare"])
        _ = try Artifact.embed(bundle, in: directory["bare"], to: directory["out.tar.gz"])
        let outcome = try await run(
            "python3 -c 'import tarfile; print(tarfile.open(\"out.tar.gz\").getnames())'")
        #expect(
            outcome.outputText
                == "['./provenance-bundle.jsonl', '.', './a', './a/b', './a.txt', './bin', './bin/run', './run']\n")
    }

    @Test("a bundle that another program packed is found, but there is no digest without it")
    func foreign() async throws {
        try #require(
            await run("mkdir o; echo b > o/provenance-bundle.jsonl; echo f > o/f; tar czf saved -C o .").isSuccess)
        let inspection = try Artifact.inspect(directory["saved"], hashingFiles: true)
        #expect(inspection.bundle == Array("b\n".utf8) && inspection.digest == nil)
        #expect(inspection.files == ["f": .of("f\n")])
    }

    @Test("a truncated saved archive is refused")
    func truncated() async throws {
        _ = try await store.writeArchive(makeTree(), to: directory["bare"])
        let saved = try Artifact.embed(bundle, in: directory["bare"], to: directory["saved"])
        let bytes = try Files.read(directory["saved"], limit: 1 << 24)
        for count in [10, saved.size / 2, saved.size - 1] {
            try Files.write(Array(bytes[..<count]), to: directory["cut"])
            #expect(throws: (any Error).self) { try Artifact.inspect(directory["cut"], hashingFiles: true) }
        }
    }

    @Test("a step can't pass off a file of its own as the provenance")
    func reserved() async throws {
        try directory.write("forged", to: "out/provenance-bundle.jsonl")
        let tree = try await store.capture(directory["out"]).root
        #expect(throws: CacheError.self) { try store.writeArchive(tree, to: directory["bare"]) }
        try #require(
            await run("mkdir o; echo b > o/provenance-bundle.jsonl; tar czf bare2 -C o .").isSuccess)
        _ = try Artifact.embed(bundle, in: directory["bare2"], to: directory["saved"])
        #expect(throws: CacheError.self) { try Artifact.inspect(directory["saved"], hashingFiles: true) }
    }

    @Test("a damaged blob ends the archive before it has a name")
    func damaged() async throws {
        let tree = try await makeTree()
        let hex = Digest.of("x").hex
        let blob = directory["cache/cas/sha256/\(hex.prefix(2))/\(hex.dropFirst(2))"]
        try Files.write(Array("y".utf8), to: blob, mode: 0o444)
        try Files.setModified(blob, ContentStore.fileTime)
        #expect(throws: CacheError.self) { try store.writeArchive(tree, to: directory["bare"]) }
        #expect(try Files.status(directory["bare"]) == nil)
        #expect(!store.contains(.of("x")))
    }
}
