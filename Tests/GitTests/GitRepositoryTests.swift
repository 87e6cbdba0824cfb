import Git
import Host
import SystemPackage
import TestKit
import Testing

// Every test calls the real git a dozen times, so one takes longer than 50 ms.
@Suite("Repositories", .enabled(if: hasGit, "git is not installed"))
struct GitRepositoryTests {
    @Test("commit, time, branch and origin, without the credentials in its URL")
    func facts() async throws {
        let repository = try await TestRepository()
        try repository.files.write("a", to: "sub/dir/a")
        try await repository.commitAll()
        let facts = try #require(await GitRepository.find(at: repository.files["sub/dir"]))
        #expect(facts.root == repository.root)
        #expect(facts.directory == "sub/dir")
        #expect(facts.head?.id.hex == (try await repository.git("rev-parse", "HEAD")))
        #expect(facts.head?.time == 1_700_000_001)
        #expect(facts.ref == "refs/heads/main")
        #expect(facts.origin == "https://git.example.org/team/repo.git")
    }

    @Test("a checked out tag is named, and a repository without origin has none")
    func detached() async throws {
        let repository = try await TestRepository()
        try repository.files.write("a", to: "a")
        try await repository.commitAll()
        try await repository.git("tag", "v1")
        try await repository.git("checkout", "-q", "--detach")
        try await repository.git("config", "--unset", "remote.origin.url")
        let facts = try #require(await GitRepository.find(at: repository.root))
        #expect(facts.ref == "refs/tags/v1")
        #expect(facts.origin == nil)
        #expect(facts.directory.isEmpty)
    }

    @Test("no repository, no commit and a broken repository are three answers")
    func absent() async throws {
        let plain = try TemporaryDirectory()
        #expect(try await GitRepository.find(at: plain.path) == nil)
        let empty = try await TestRepository()
        #expect(try await GitRepository.find(at: empty.root)?.head == nil)
        try plain.write("gitdir: /nowhere/at/all\n", to: ".git")
        await #expect(throws: GitError.self) { try await GitRepository.find(at: plain.path) }
    }

    @Test("P4: worktrees, submodules and workspaces in sub-directories have the right facts")
    func places() async throws {
        let inner = try await TestRepository()
        try inner.files.write("lib", to: "lib.c")
        try await inner.commitAll()
        let outer = try await TestRepository()
        try outer.files.write("main", to: "ws/main.c")
        try await outer.git("submodule", "--quiet", "add", inner.root.string, "ws/vendor")
        try await outer.commitAll()
        let head = try await outer.git("rev-parse", "HEAD")

        let submodule = try #require(await GitRepository.find(at: outer.files["ws/vendor"]))
        #expect(submodule.root == outer.files["ws/vendor"])
        #expect(submodule.head?.id.hex == (try await inner.git("rev-parse", "HEAD")))

        // Files of the submodule count with the commit that the outer one records.
        let workspace = outer.files["ws"]
        #expect(try await TestRepository.changes(["main.c", "vendor/lib.c"], at: workspace).isEmpty)
        try outer.files.write("changed", to: "ws/vendor/lib.c")
        #expect(try await TestRepository.changes(["vendor/lib.c"], at: workspace) == ["vendor/lib.c": .modified])
        try await outer.git("commit", "-q", "-a", "-m", "x", in: outer.files["ws/vendor"])
        #expect(try await TestRepository.changes(["vendor/lib.c"], at: workspace) == ["vendor/lib.c": .modified])

        let elsewhere = try TemporaryDirectory()
        try await outer.git("worktree", "add", "-q", "-b", "side", elsewhere["tree"].string)
        let worktree = try #require(await GitRepository.find(at: elsewhere["tree/ws"]))
        #expect(worktree.root == elsewhere["tree"])
        #expect(worktree.directory == "ws")
        #expect(worktree.head?.id.hex == head)
        #expect(worktree.ref == "refs/heads/side")
        #expect(try await TestRepository.changes(["main.c"], at: elsewhere["tree/ws"]).isEmpty)
    }

    @Test("a repository with SHA-256 names works alike")
    func sha256() async throws {
        let repository = try await TestRepository(format: "sha256")
        try repository.files.write("a", to: "d/a")
        try repository.files.write("b", to: "d/b")
        try await repository.commitAll()
        try repository.files.write("c", to: "d/b")
        let facts = try #require(await GitRepository.find(at: repository.root))
        #expect(facts.format == .sha256)
        #expect(facts.head?.id.hex.utf8.count == 64)
        #expect(try await TestRepository.changes(["d/a", "d/b"], at: repository.root) == ["d/b": .modified])
    }

    @Test("paths that changed since a revision")
    func changedPaths() async throws {
        let repository = try await TestRepository()
        try repository.files.write("a", to: "ws/a")
        try repository.files.write("b", to: "ws/b ü")
        try repository.files.write("c", to: "other/c")
        try await repository.commitAll()
        try await repository.git("tag", "base")
        try repository.files.write("2", to: "ws/b ü")
        try repository.files.write("2", to: "other/c")
        try repository.files.write("new", to: "ws/sub/new")
        try await repository.git("rm", "-q", "ws/a")
        try await repository.commitAll()
        let facts = try #require(await GitRepository.find(at: repository.files["ws"]))
        #expect(try await facts.changedPaths(since: "base") == ["a", "b ü", "sub/new"])
        #expect(try await facts.changedPaths(since: "HEAD").isEmpty)
        for revision in ["nope", "--output=x", "base\nHEAD", "", "HEAD:ws"] {
            await #expect(throws: GitError.self) { try await facts.changedPaths(since: revision) }
        }
    }

    @Test("nothing that a repository configures is run")
    func hostile() async throws {
        let repository = try await TestRepository()
        let marker = repository.files["ran"]
        let script = try repository.files.write("#!/bin/sh\ntouch \(marker)\ncat\n", to: "evil", mode: 0o755)
        try repository.files.write("a", to: "a")
        try repository.files.write("* filter=evil diff=evil\n", to: ".gitattributes")
        try await repository.commitAll()
        try repository.files.write("b", to: "a")
        try repository.files.write("u", to: "untracked")
        for key in [
            "core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "core.editor", "filter.evil.clean",
            "filter.evil.smudge", "filter.evil.process", "diff.evil.command", "diff.evil.textconv", "diff.external",
            "gpg.program", "pager.ls-tree", "pager.cat-file", "credential.helper", "alias.ls-tree",
            "uploadpack.packObjectsHook",
        ] {
            try await repository.git("config", key, script.string)
        }
        try await repository.git("config", "log.showSignature", "true")
        try await repository.git("config", "remote.origin.url", "ext::\(script)")
        try await repository.git("config", "remote.origin.promisor", "true")
        try await repository.git("config", "extensions.partialClone", "origin")
        try repository.files.write("#!/bin/sh\ntouch \(marker)\n", to: ".git/hooks/post-index-change", mode: 0o755)
        let facts = try #require(await GitRepository.find(at: repository.root))
        #expect(try await TestRepository.changes(["a", "untracked"], at: repository.root).count == 2)
        _ = try await facts.changedPaths(since: "HEAD")
        await #expect(throws: GitError.self) { try await facts.commit(String(repeating: "1", count: 40)) }
        #expect(try Files.status(marker) == nil)
    }
}
