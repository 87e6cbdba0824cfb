import Bytes
import Cache
import Host
import SystemPackage
import TestKit
import Testing

@Suite struct ContentStoreTests {
    let directory: TemporaryDirectory
    let store: ContentStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try ContentStore(directory: directory["cache"])
    }

    private func blob(_ digest: Digest) -> FilePath {
        directory["cache/cas/sha256/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))"]
    }

    private func code(_ body: () async throws -> Void) async -> CacheError.Code? {
        do {
            try await body()
            return nil
        } catch { return (error as? CacheError)?.code }
    }

    /// A directory `name` with a file, an executable, a link, and an empty directory.
    private func makeSample(_ name: String = "out") throws -> FilePath {
        try directory.write("hello", to: "\(name)/bin/run", mode: 0o700)
        try directory.write("text", to: "\(name)/share/doc/a.txt", mode: 0o600)
        try directory.write("text", to: "\(name)/share/doc/b.txt")
        try Files.symlink("../bin/run", at: directory["\(name)/share/run"])
        try Files.createDirectories(directory["\(name)/empty"])
        return directory[name]
    }

    @Test("a blob is stored once, read-only, and read back")
    func blobs() async throws {
        let digest = try store.put([1, 2, 3])
        #expect(try store.put([1, 2, 3]) == digest)
        #expect(try store.read(digest, limit: 3) == [1, 2, 3])
        #expect(store.contains(digest) && !store.contains(.of("other")))
        #expect(try Files.status(blob(digest))?.mode == 0o644)
        #expect(await code { _ = try store.read(.of("other"), limit: 3) } == .absent)
        try directory.write("file", to: "file", mode: 0o755)
        let stored = try store.put(file: directory["file"])
        #expect(stored.digest == .of("file") && stored.size == 4)
        #expect(try store.read(.of("file"), limit: 4) == Array("file".utf8))
        #expect(try directory.read("file") == "file")
    }

    @Test("a tree is complete when every file and directory is there, in either variant, and not otherwise")
    func completeness() async throws {
        let tree = try await store.capture(makeSample()).root
        #expect(try await store.isComplete(tree))
        #expect(try await store.isComplete(ContentStore.emptyRoot))
        let executable = FilePath(blob(.of("hello")).string + ".x")
        try Files.rename(executable, to: directory["aside"])
        #expect(try await store.isComplete(tree) == false)
        // The plain variant does as well: the other is made from it.
        try store.put(Array("hello".utf8))
        #expect(try await store.isComplete(tree))
        let below = try #require(try store.node(at: "share/doc", in: tree))
        guard case .directory(let digest, _) = below else { return }
        try Files.remove(blob(digest))
        #expect(try await store.isComplete(tree) == false)
        #expect(try await store.isComplete(.of("nothing")) == false)
    }

    @Test("a truncated, altered or emptied blob counts as absent and is stored anew")
    func damagedBlob() async throws {
        for damage in [Array("hellx".utf8), Array("hel".utf8), []] {
            let digest = try store.put(Array("hello".utf8))
            try Files.setMode(blob(digest), 0o644)
            try Files.write(damage, to: blob(digest), mode: 0o644)
            #expect(!store.contains(digest))
            #expect(await code { _ = try store.read(digest, limit: 100) } == .damaged)
            #expect(await code { _ = try store.read(digest, limit: 100) } == .absent)
            try Files.write(damage, to: blob(digest), mode: 0o644)
            #expect(try store.put(Array("hello".utf8)) == digest)
            #expect(try store.read(digest, limit: 100) == Array("hello".utf8))
        }
    }

    @Test("a directory is captured by moving its files and laid out again")
    func captureAndCheckout() async throws {
        let captured = try await store.capture(makeSample())
        #expect(
            captured.files.map(\.path) == ["bin/run", "share/doc/a.txt", "share/doc/b.txt", "share/run"])
        #expect(captured.byteCount == 13)
        #expect(try Files.status(directory["out/bin/run"]) == nil)
        let path = try await store.checkout(captured.root)
        #expect(try Files.readText(path.appending("bin/run"), limit: 100) == "hello")
        #expect(try Files.status(path.appending("bin/run"))?.mode == 0o755)
        #expect(try Files.status(path.appending("share/doc/a.txt"))?.mode == 0o644)
        #expect(try Files.readLink(path.appending("share/run")) == "../bin/run")
        #expect(try Files.list(path) == ["bin", "empty", "share"])
        #expect(try Files.status(path)?.mode == 0o755)
        // The same inode as the blob: no bytes of its own.
        #expect(try Files.status(path.appending("share/doc/a.txt"))?.inode == Files.status(blob(.of("text")))?.inode)
        #expect(try await store.checkout(captured.root) == path)
        #expect(try await store.capture(makeSample("again"), mode: .copying).root == captured.root)
        #expect(try directory.read("again/bin/run") == "hello")
    }

    @Test("a copy is private and writable")
    func copies() async throws {
        let captured = try await store.capture(makeSample())
        try await store.copy(captured.root, to: directory["copy"])
        try directory.write("changed", to: "copy/share/doc/a.txt")
        #expect(try Files.status(directory["copy/bin/run"])?.mode == 0o755)
        try Files.write([1], to: directory["copy/bin/new"])
        #expect(try store.read(.of("text"), limit: 4) == Array("text".utf8))
        #expect(await code { try await store.copy(captured.root, to: directory["copy"]) } == .input)
        try await store.link(captured.root, to: directory["linked"])
        #expect(try directory.read("linked/share/doc/b.txt") == "text")
    }

    @Test("a laid-out tree that somebody changed is made anew", arguments: ["write", "add", "remove", "mode", "link"])
    func tampered(change: String) async throws {
        let captured = try await store.capture(makeSample())
        let path = try await store.checkout(captured.root)
        for part in ["", "bin", "share", "share/doc"] { try Files.setMode(path.appending(part), 0o755) }
        switch change {
        case "write": try Files.write(Array("evil!".utf8), to: path.appending("bin/run"), mode: 0o755)
        case "add": try Files.write([1], to: path.appending("share/doc/c.txt"))
        case "remove": try Files.remove(path.appending("bin/run"))
        case "mode": try Files.setMode(path.appending("share/doc/a.txt"), 0o644)
        default:
            try Files.remove(path.appending("share/run"))
            try Files.symlink("/etc/passwd", at: path.appending("share/run"))
        }
        for part in ["", "bin", "share", "share/doc"] { try Files.setMode(path.appending(part), 0o755) }
        // What this process has checked it does not check again; another one does.
        let other = try ContentStore(directory: directory["cache"])
        // The mode belongs to the blob too, which is therefore damaged and must be stored again.
        if change == "mode" { try store.put(Array("text".utf8)) }
        let again = try await other.checkout(captured.root)
        #expect(try Files.readText(again.appending("bin/run"), limit: 100) == "hello")
        #expect(try Files.list(again.appending("share/doc")) == ["a.txt", "b.txt"])
        #expect(try Files.readLink(again.appending("share/run")) == "../bin/run")
    }

    @Test("a blob that was written to through a laid-out tree is never used again")
    func writeThrough() async throws {
        let captured = try await store.capture(makeSample())
        let path = try await store.checkout(captured.root)
        let file = path.appending("share/doc/a.txt")
        try Files.setMode(file, 0o644)
        let opened = try await ChildProcess.run(
            ["/bin/sh", "-c", "printf evil > '\(file)'"], outputLimit: 100, timeLimit: .seconds(60))
        try #require(opened.isSuccess)
        try Files.setMode(file, 0o644)
        #expect(!store.contains(.of("text")))
        let other = try ContentStore(directory: directory["cache"])
        #expect(await code { _ = try await other.checkout(captured.root) } == .absent)
        #expect(try await other.capture(makeSample("again")).root == captured.root)
        let again = try await other.checkout(captured.root)
        #expect(try Files.readText(again.appending("share/doc/b.txt"), limit: 100) == "text")
    }

    @Test("a laid-out tree is made anew when one of its files turned out to be damaged elsewhere")
    func damageFoundElsewhere() async throws {
        let captured = try await store.capture(makeSample())
        let path = try await store.checkout(captured.root)
        #expect(try await store.isComplete(captured.root))
        let file = path.appending("share/doc/a.txt")
        let flipped = try await ChildProcess.run(
            ["/bin/sh", "-c", "printf tezt > '\(file)'"], outputLimit: 100, timeLimit: .seconds(60))
        try #require(flipped.isSuccess)
        // As a flipped bit on the disk: nothing but the content shows it.
        try Files.setModified(file, ContentStore.fileTime)
        #expect(await code { _ = try store.read(.of("text"), limit: 100) } == .damaged)
        let other = try ContentStore(directory: directory["cache"])
        #expect(try await other.isComplete(captured.root) == false)
        #expect(await code { _ = try await other.checkout(captured.root) } == .absent)
        try store.put(Array("text".utf8))
        #expect(try await other.isComplete(captured.root))
        let again = try await other.checkout(captured.root)
        #expect(try Files.readText(again.appending("share/doc/a.txt"), limit: 100) == "text")
    }

    @Test("a tree that is laid out is not complete when a blob is gone")
    func completenessOfLayout() async throws {
        let captured = try await store.capture(makeSample())
        _ = try await store.checkout(captured.root)
        try Files.remove(FilePath(blob(.of("hello")).string + ".x"))
        #expect(try await ContentStore(directory: directory["cache"]).isComplete(captured.root) == false)
    }

    @Test("what an artifact can't hold is refused by name")
    func refusals() async throws {
        for (name, command) in [
            ("pipe", "mkfifo out/sub/pipe"), ("suid", "touch out/sub/suid; chmod 4755 out/sub/suid"),
            ("sgid", "touch out/sub/sgid; chmod 2755 out/sub/sgid"),
            (#"a\xff"#, #"touch "$(printf 'out/sub/a\377')""#),
        ] {
            let made = try await ChildProcess.run(
                ["/bin/sh", "-c", "rm -rf out; mkdir -p out/sub; \(command)"], workingDirectory: directory.path,
                outputLimit: 100, timeLimit: .seconds(60))
            try #require(made.isSuccess)
            do {
                _ = try await store.capture(directory["out"])
                Issue.record("\(name) was accepted")
            } catch { #expect("\(error)".contains("sub") && "\(error)".contains(name)) }
        }
    }

    @Test("files that even their owner may not read are stored")
    func unreadable() async throws {
        try directory.write("x", to: "out/a/b", mode: 0)
        try Files.setMode(directory["out/a"], 0)
        let captured = try await store.capture(directory["out"])
        #expect(captured.files.map(\.path) == ["a/b"])
    }

    @Test("hard links between outputs, and to files outside, don't share an inode with the store")
    func hardLinks() async throws {
        try directory.write("secret", to: "outside")
        try Files.createDirectories(directory["out"])
        try Files.link(directory["outside"], to: directory["out/a"])
        let captured = try await store.capture(directory["out"])
        try Files.write(Array("other!".utf8), to: directory["outside"])
        #expect(try store.read(.of("secret"), limit: 10) == Array("secret".utf8))
        #expect(captured.files.count == 1)
    }

    @Test("trees are grafted, asked and compared without touching files")
    func edits() async throws {
        let first = try await store.capture(makeSample()).root
        let grafted = try store.graft(first, at: "deps/one", into: first)
        #expect(try store.node(at: "deps/one/bin/run", in: grafted) == store.node(at: "bin/run", in: first))
        #expect(try store.node(at: "bin/none", in: grafted) == nil)
        #expect(try store.setting("deps", to: nil, in: grafted) == first)
        #expect(throws: CacheError.self) { try store.graft(first, at: "bin/run/x", into: first) }
        let other = try store.setting(
            "bin/run", to: .file(store.put(Array("hallo".utf8)), size: 5, isExecutable: true), in: first)
        #expect(
            try store.differences(first, other).map(\.description) == ["bin/run: content differs (5 bytes)"])
        #expect(
            try store.differences(first, grafted).map(\.description) == ["deps: only in the second"])
        #expect(try store.flatten(first).map(\.path) == ["bin/run", "share/doc/a.txt", "share/doc/b.txt", "share/run"])
        #expect(
            try store.flatten(first, directories: true).map(\.path)
                == ["bin", "bin/run", "empty", "share", "share/doc", "share/doc/a.txt", "share/doc/b.txt", "share/run"])
    }

    @Test("a cache of another version is refused")
    func version() throws {
        try directory.write("martlet-cache 9\n", to: "other/format")
        #expect(throws: CacheError.self) { try ContentStore(directory: directory["other"]) }
        // A crash may leave the name alone.
        try directory.write("", to: "new/format")
        _ = try ContentStore(directory: directory["new"])
        #expect(try directory.read("new/format") == "martlet-cache 1\n")
    }
}
