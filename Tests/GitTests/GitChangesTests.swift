import Git
import Host
import SystemPackage
import TestKit
import Testing

// Every test calls the real git a dozen times, so one takes longer than 50 ms.
@Suite("Clean or dirty", .enabled(if: hasGit, "git is not installed"))
struct GitChangesTests {
    private func repository() async throws -> TestRepository {
        let repository = try await TestRepository()
        try repository.files.write("packages: []\n", to: "app/BUILD.yaml")
        try repository.files.write("package main\n", to: "app/main.go")
        try repository.files.write("#!/bin/sh\n", to: "app/run.sh", mode: 0o755)
        try repository.files.write("defaultTarget: x\n", to: "WORKSPACE.yaml")
        try repository.files.write("*.gen\n", to: ".gitignore")
        try Files.symlink("main.go", at: repository.files["app/link"])
        try await repository.commitAll()
        return repository
    }

    private let tracked = ["WORKSPACE.yaml", "app/BUILD.yaml", "app/link", "app/main.go", "app/run.sh"]

    @Test("a checkout as it was committed is clean, whatever the times of its files")
    func clean() async throws {
        let repository = try await repository()
        #expect(try await TestRepository.changes(tracked, at: repository.root).isEmpty)
        try repository.files.write("package main\n", to: "app/main.go")
        #expect(try await TestRepository.changes(tracked, at: repository.root).isEmpty)
    }

    @Test("P1: only BUILD.yaml or WORKSPACE.yaml modified")
    func configuration() async throws {
        let repository = try await repository()
        try repository.files.write("packages: [{}]\n", to: "app/BUILD.yaml")
        #expect(try await TestRepository.changes(tracked, at: repository.root) == ["app/BUILD.yaml": .modified])
        try repository.files.write("defaultTarget: y\n", to: "WORKSPACE.yaml")
        try await repository.git("add", "-A")
        #expect(
            try await TestRepository.changes(tracked, at: repository.root)
                == ["app/BUILD.yaml": .modified, "WORKSPACE.yaml": .modified])
    }

    @Test("P2: a new untracked directory of sources, staged or not")
    func untracked() async throws {
        let repository = try await repository()
        try repository.files.write("package x\n", to: "app/new/deep/x.go")
        let inputs = tracked + ["app/new/deep/x.go"]
        #expect(try await TestRepository.changes(inputs, at: repository.root) == ["app/new/deep/x.go": .untracked])
        try await repository.git("add", "-A")
        #expect(try await TestRepository.changes(inputs, at: repository.root) == ["app/new/deep/x.go": .untracked])
    }

    @Test("P3: ignored sources")
    func ignored() async throws {
        let repository = try await repository()
        try repository.files.write("x", to: "app/code.gen")
        try repository.files.write("x", to: "app/other")
        #expect(
            try await TestRepository.changes(tracked + ["app/code.gen", "app/other"], at: repository.root)
                == ["app/code.gen": .ignored, "app/other": .untracked])
    }

    @Test("changed modes, links and kinds, and deleted files")
    func kinds() async throws {
        let repository = try await repository()
        try Files.setMode(repository.files["app/main.go"], 0o755)
        try Files.setMode(repository.files["app/run.sh"], 0o644)
        try Files.removeTree(repository.files["app/link"])
        try Files.symlink("run.sh", at: repository.files["app/link"])
        try Files.removeTree(repository.files["WORKSPACE.yaml"])
        try Files.symlink("app/BUILD.yaml", at: repository.files["WORKSPACE.yaml"])
        try Files.removeTree(repository.files["app/BUILD.yaml"])
        let changes = try await TestRepository.changes(
            ["WORKSPACE.yaml", "app/link", "app/main.go", "app/run.sh"], at: repository.root,
            expected: { $0.hasPrefix("app/") })
        #expect(
            changes == [
                "WORKSPACE.yaml": .type, "app/link": .modified, "app/main.go": .mode, "app/run.sh": .mode,
                "app/BUILD.yaml": .deleted,
            ])
    }

    @Test("flags that make git look away change nothing")
    func hiddenFromStatus() async throws {
        let repository = try await repository()
        try await repository.git("update-index", "--assume-unchanged", "app/main.go")
        try await repository.git("update-index", "--skip-worktree", "app/BUILD.yaml")
        try await repository.git("config", "core.fileMode", "false")
        try repository.files.write("evil", to: "app/main.go")
        try repository.files.write("evil", to: "app/BUILD.yaml")
        try Files.setMode(repository.files["app/run.sh"], 0o644)
        #expect(
            try await TestRepository.changes(tracked, at: repository.root)
                == ["app/main.go": .modified, "app/BUILD.yaml": .modified, "app/run.sh": .mode])
    }

    @Test("a replaced commit is seen as it was committed")
    func replaced() async throws {
        let repository = try await repository()
        let first = try await repository.git("rev-parse", "HEAD")
        try repository.files.write("evil", to: "app/main.go")
        try await repository.commitAll()
        let second = try await repository.git("rev-parse", "HEAD")
        try await repository.git("reset", "-q", "--soft", first)
        try await repository.git("replace", first, second)
        let facts = try #require(await GitRepository.find(at: repository.root))
        #expect(facts.head?.id.hex == first)
        #expect(try await TestRepository.changes(tracked, at: repository.root) == ["app/main.go": .modified])
    }

    @Test("a tree that was put under another one's name is found out")
    func forgedTree() async throws {
        let repository = try await repository()
        let honest = try await repository.git("rev-parse", "HEAD:app")
        try repository.files.write("evil", to: "app/main.go")
        try await repository.git("add", "-A")
        let forged = try await repository.git("write-tree", "--prefix=app/")
        func object(_ id: String) -> FilePath {
            repository.files[".git/objects/\(id.prefix(2))/\(id.dropFirst(2))"]
        }
        let bytes = try Files.read(object(forged), limit: 1 << 20)
        try Files.removeTree(object(honest))
        try Files.write(bytes, to: object(honest))
        let facts = try #require(await GitRepository.find(at: repository.root))
        let head = try #require(facts.head)
        await #expect(throws: GitError.self) { try await facts.tree(of: head) }
    }

    @Test("names with spaces, line feeds and other letters")
    func names() async throws {
        let repository = try await repository()
        let names = ["a b", "tab\there", "line\nfeed", "ünïcode", "-dash", "[glob]*", "a", "a.b", "a0"]
        for name in names { try repository.files.write(name, to: "n/\(name)/x") }
        try await repository.commitAll()
        let inputs = names.map { "n/\($0)/x" }
        #expect(try await TestRepository.changes(inputs, at: repository.root).isEmpty)
        for name in names { try repository.files.write("2", to: "n/\(name)/x") }
        #expect(try await TestRepository.changes(inputs, at: repository.root).count == names.count)
    }
}

@Suite("Listings of commits")
struct GitTreeTests {
    private let id = String(repeating: "a1", count: 20)

    @Test("entries are found and everything else is not")
    func lookup() throws {
        let paths = ["a", "a/b", "a.b", "b", "z/y"].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let raw =
            paths.map { "100644 blob \(id)\t\($0)\0" }.joined() + "040000 tree \(id)\tzz\0160000 commit \(id)\tzzz\0"
        let tree = try GitTree(parsing: Array(raw.utf8), format: .sha1)
        #expect(tree.count == 6)
        for path in paths { #expect(tree.entry(at: path)?.path == path) }
        for path in ["", "aa", "a/", "zz", "zzzz", "0"] { #expect(tree.entry(at: path) == nil) }
        #expect(tree.entry(at: "zzz")?.mode == "160000")
    }

    @Test("a damaged listing is refused or read, never a crash")
    func damaged() {
        let raw = Array("100644 blob \(id)\ta\0040000 tree \(id)\tb\0160000 commit \(id)\tc\0".utf8)
        for end in raw.indices { _ = try? GitTree(parsing: Array(raw[..<end]), format: .sha1) }
        for at in raw.indices {
            for bit in 0..<8 {
                var changed = raw
                changed[at] ^= 1 << UInt8(bit)
                if let tree = try? GitTree(parsing: changed, format: .sha1) { _ = Array(tree.entries) }
            }
        }
    }

    @Test("blobs are named as git names them")
    func blobs() {
        #expect(GitObjectFormat.sha1.blobID(of: []).hex == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
        #expect(
            GitObjectFormat.sha1.blobID(of: Array("hello\n".utf8)).hex == "ce013625030ba8dba906f756967f9e9ca394464a")
        #expect(
            GitObjectFormat.sha256.blobID(of: []).hex
                == "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813")
        #expect(GitObjectID("XY") == nil)
    }
}
