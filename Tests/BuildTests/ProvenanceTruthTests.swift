import Attest
import Bytes
import Cache
import Host
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite(
    "Provenance tells the truth", .serialized, .enabled(if: hasSandbox && hasGit, "bubblewrap or git is not installed"))
struct ProvenanceTruthTests {
    private static let contents = [
        "p/BUILD.yaml": packages(generic("p", sh: "cat *.txt > out; mkdir d; ln -s out link", "srcs: ['**/*.txt']")),
        "p/a.txt": "a", "p/sub/b.txt": "b", ".gitignore": "ignored.txt\n",
    ]

    /// A workspace all of whose files are committed.
    private func committed(_ contents: [String: String] = contents) async throws -> TestWorkspace {
        let workspace = try TestWorkspace(contents)
        try await workspace.commitAll()
        return workspace
    }

    @Test("a workspace as the commit has it is clean, and the commit is a gitCommit")
    func clean() async throws {
        let workspace = try await committed()
        let build = try await workspace.build("p:p")
        #expect(try build.isClean("p:p") == true)
        #expect(try build.changedInputs("p:p").isEmpty)
        let source = try #require(try build.dependencies("p:p", role: "source").first)
        // P7
        #expect(source.digest == ["gitCommit": try await git("rev-parse", "HEAD", in: workspace.root)])
        #expect(source.uri == "git+https://git.example.org/team/repo.git")
        #expect(source.annotations["ref"]?.stringValue == "refs/heads/main")
    }

    @Test("P1: only BUILD.yaml is modified")
    func buildFile() async throws {
        let workspace = try await committed()
        try workspace.write(packages(generic("p", sh: "echo evil > out", "srcs: ['**/*.txt']")), to: "p/BUILD.yaml")
        let build = try await workspace.build("p:p")
        #expect(try build.isClean("p:p") == false)
        #expect(try build.changedInputs("p:p") == ["p/BUILD.yaml": "modified"])
    }

    @Test("P1: only WORKSPACE.yaml is modified, or an arguments file is new")
    func workspaceFile() async throws {
        let workspace = try await committed()
        try workspace.write("martlet: {}\ndefaultArgs: {a: b}\n", to: "WORKSPACE.yaml")
        try workspace.write("c: d\n", to: "WORKSPACE.args.yaml")
        let build = try await workspace.build("p:p")
        #expect(
            try build.changedInputs("p:p") == ["WORKSPACE.yaml": "modified", "WORKSPACE.args.yaml": "untracked"])
    }

    @Test("P2: a new directory of sources that git does not track")
    func untracked() async throws {
        let workspace = try await committed()
        try workspace.write("new", to: "p/new/deep/x.txt")
        let build = try await workspace.build("p:p")
        #expect(try build.isClean("p:p") == false)
        #expect(try build.changedInputs("p:p") == ["p/new/deep/x.txt": "untracked"])
    }

    @Test("P3: sources that git ignores")
    func ignored() async throws {
        let workspace = try await committed()
        try workspace.write("x", to: "p/ignored.txt")
        let build = try await workspace.build("p:p")
        #expect(try build.isClean("p:p") == false)
        #expect(try build.changedInputs("p:p") == ["p/ignored.txt": "ignored"])
    }

    @Test("a modified source, a changed mode, a link, a deleted source and an index that lies are told")
    func changes() async throws {
        let workspace = try await committed([
            "p/BUILD.yaml": packages(generic("p", sh: "cat *.txt > out", "srcs: ['*.txt']")),
            "p/modified.txt": "1", "p/mode.txt": "2", "p/link.txt": "3", "p/deleted.txt": "4", "p/hidden.txt": "5",
            "p/other": "3",
        ])
        try workspace.write("x", to: "p/modified.txt")
        try Files.setMode(workspace.path("p/mode.txt"), 0o755)
        try Files.remove(workspace.path("p/link.txt"))
        try Files.symlink("other", at: workspace.path("p/link.txt"))
        try Files.remove(workspace.path("p/deleted.txt"))
        try await git("update-index", "--assume-unchanged", "p/hidden.txt", in: workspace.root)
        try workspace.write("y", to: "p/hidden.txt")
        let changed = try await workspace.build("p:p").changedInputs("p:p")
        #expect(changed["p/modified.txt"] == "modified")
        #expect(changed["p/mode.txt"] == "mode")
        #expect(changed["p/link.txt"] == "type")
        #expect(changed["p/deleted.txt"] == "deleted")
        #expect(changed["p/hidden.txt"] == "modified")
        #expect(changed.count == 5)
    }

    @Test("a file that is put back after it was built does not pass for the commit's")
    func putBack() async throws {
        for file in ["p/a.txt", "p/BUILD.yaml"] {
            let workspace = try await committed()
            let original = try Files.readText(workspace.path(file), limit: 4096)
            try workspace.write(original + "# evil\n", to: file)
            let project = try await workspace.project()
            let builder = try await project.builder(BuildOptions(jobs: 1))
            let plan = try await builder.plan(project.targets(["p:p"]))
            let outcome = try await builder.build(plan) { event in
                if case .stepFinished = event.kind { try? workspace.write(original, to: file) }
            }
            #expect((outcome.failures.values.first as? BuildError)?.code == .changed, "\(file)")
        }
    }

    @Test("a change elsewhere leaves a package clean")
    func elsewhere() async throws {
        let workspace = try await committed()
        try workspace.write("x", to: "p/README.md")
        try workspace.write("x", to: "q/x.txt")
        #expect(try await workspace.build("p:p").isClean("p:p") == true)
    }

    @Test("P4: a worktree has the commit and its own changes")
    func worktree() async throws {
        let workspace = try await committed()
        let directory = workspace.files["tree"]
        try await git("worktree", "add", "-q", "-b", "side", directory.string, in: workspace.root)
        var options = ProjectOptions(
            directory: directory, environment: ["PATH": "/usr/bin:/bin", "MARTLET_CACHE_DIR": workspace.cache.string])
        options.root = directory
        let clean = try await facts(options)
        #expect(clean.isClean == true)
        #expect(clean.ref == "refs/heads/side")
        try Files.write(Array("changed".utf8), to: directory.appending("p/a.txt"))
        #expect(try await facts(options).isClean == false)
    }

    /// What the statement about `p:p` says of git.
    private func facts(_ options: ProjectOptions, package: String = "p:p") async throws -> (
        isClean: Bool?, ref: String?, directory: String?
    ) {
        let project = try await Project.open(options)
        let builder = try await project.builder(BuildOptions(jobs: 1))
        let plan = try await builder.plan(project.targets([package]))
        let outcome = try await builder.build(plan) { _ in }
        let build = TestBuild(project: project, plan: plan, outcome: outcome, events: [])
        let annotations = try build.dependencies(package, role: "source").first?.annotations
        return (
            annotations?["clean"]?.boolValue, annotations?["ref"]?.stringValue, annotations?["directory"]?.stringValue
        )
    }

    @Test("P4: a workspace in a sub-directory of the repository")
    func subdirectory() async throws {
        let files = try TemporaryDirectory()
        let workspace = try TestWorkspace(Self.contents)
        try Files.rename(workspace.root, to: files["inner"])
        try await git("init", "-q", "-b", "main", ".", in: files.path)
        try await git("add", "-A", in: files.path)
        try await git("commit", "-q", "-m", "all", in: files.path)
        var options = ProjectOptions(
            directory: files["inner"],
            environment: ["PATH": "/usr/bin:/bin", "MARTLET_CACHE_DIR": files["cache"].string])
        options.root = files["inner"]
        let facts = try await facts(options)
        #expect(facts.isClean == true)
        #expect(facts.directory == "inner")
    }

    @Test("P4: a workspace that is a submodule, and one that has sources in a submodule")
    func submodule() async throws {
        let inner = try TestWorkspace(Self.contents)
        try await inner.commitAll()
        let outer = try TestWorkspace(["o/BUILD.yaml": "packages: [{name: o, type: generic, srcs: ['sub/p/*.txt']}]"])
        try await outer.commitAll()
        try await git("submodule", "add", "-q", inner.root.string, "o/sub", in: outer.root)
        try await outer.commitAll()
        var options = ProjectOptions(
            directory: outer.path("o/sub"),
            environment: ["PATH": "/usr/bin:/bin", "MARTLET_CACHE_DIR": outer.cache.string])
        options.root = outer.path("o/sub")
        #expect(try await facts(options).isClean == true)
    }

    @Test("what was built before it was committed is told anew once it is, and no step runs again")
    func committedLater() async throws {
        let workspace = try await committed([
            "d/BUILD.yaml": packages(generic("d", sh: "cp d.txt out", "srcs: ['*.txt']")), "d/d.txt": "d",
            "p/BUILD.yaml": packages(generic("p", sh: "cp d--d/out p", "deps: ['d:d']")),
        ])
        try workspace.write("changed", to: "d/d.txt")
        let dirty = try await workspace.build("p:p")
        // p's own inputs are committed, but it holds what was made of a file that is not.
        #expect(try [dirty.isClean("p:p"), dirty.isClean("d:d")] == [true, false])
        let again = try await workspace.build("p:p")
        #expect(again.steps.isEmpty && again.plan.cached.count == 1)
        try await workspace.commitAll()
        let clean = try await workspace.build("p:p")
        #expect(clean.ran.isEmpty)
        #expect(try [clean.isClean("p:p"), clean.isClean("d:d")] == [true, true])
        #expect(try clean.built("p:p").artifact == dirty.built("p:p").artifact)
        let commit = try await git("rev-parse", "HEAD", in: workspace.root)
        for package in ["p:p", "d:d"] {
            #expect(try clean.dependencies(package, role: "source").first?.digest == ["gitCommit": commit])
        }
        #expect(try await workspace.build("p:p").plan.cached.count == 1)
    }

    @Test("a definition that is put back is told anew, and what stays uncommitted stays told so")
    func putBackDefinition() async throws {
        let workspace = try await committed()
        let original = try Files.readText(workspace.path("p/BUILD.yaml"), limit: 4096)
        try workspace.write(original + "# a comment that no key has\n", to: "p/BUILD.yaml")
        #expect(try await workspace.build("p:p").isClean("p:p") == false)
        try await git("commit", "-q", "--allow-empty", "-m", "empty", in: workspace.root)
        #expect(try await workspace.build("p:p").isClean("p:p") == false)
        try workspace.write(original, to: "p/BUILD.yaml")
        #expect(try await workspace.build("p:p").isClean("p:p") == true)
    }

    @Test("what a commit had is not taken for what another one has, and what it says stays true")
    func olderCommit() async throws {
        let workspace = try await committed()
        let first = try await git("rev-parse", "HEAD", in: workspace.root)
        _ = try await workspace.build("p:p")
        try workspace.write("more", to: "README.md")
        try await workspace.commitAll()
        let build = try await workspace.build("p:p")
        #expect(build.plan.cached.count == 1)
        #expect(try build.dependencies("p:p", role: "source").first?.digest == ["gitCommit": first])
        // Now the file is in no commit: nothing that was said of its commit may be said of this one.
        try await git("rm", "-q", "--cached", "p/a.txt", in: workspace.root)
        try await git("commit", "-q", "-m", "gone", in: workspace.root)
        try workspace.write("other", to: "p/a.txt")
        let dirty = try await workspace.build("p:p")
        #expect(try dirty.isClean("p:p") == false)
        try await git("commit", "-q", "--allow-empty", "-m", "empty", in: workspace.root)
        #expect(try await workspace.build("p:p").isClean("p:p") == false)
    }

    @Test("P5, P11: the artifact and every file that steps made are subjects, overwritten sources too")
    func subjects() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(
                generic("p", sh: "echo new > over.txt; mkdir d; echo x > d/x; ln -s d/x link", "srcs: ['*.txt']")),
            "p/over.txt": "old", "p/same.txt": "same",
        ])
        let build = try await workspace.build("p:p")
        let subjects = try build.statement("p:p").subjects
        #expect(subjects.map(\.name) == ["p:p", "d/x", "over.txt"])
        #expect(subjects[0].digest == ["sha256": try build.built("p:p").artifact.hex])
        #expect(subjects[2].digest == ["sha256": Digest.of("new\n").hex])
    }

    @Test("P6, P8: every dependency is listed with its artifact's digest, and so are tools and inputs")
    func materials() async throws {
        let workspace = try TestWorkspace([
            "d/BUILD.yaml": packages(generic("d", sh: "echo d > d")),
            "p/BUILD.yaml": packages(generic("p", sh: "cat d--d/d > p", "deps: ['d:d']\nsrcs: [BUILD.yaml]")),
        ])
        _ = try await workspace.build("d:d")
        let build = try await workspace.build("p:p")
        let dependencies = try build.dependencies("p:p", role: "package")
        #expect(dependencies.map(\.name) == ["d:d"])
        #expect(dependencies.map(\.digest) == [["sha256": try build.built("d:d").artifact.hex]])
        #expect(try build.dependencies("p:p", role: "tool").map(\.name) == ["sh"])
        #expect(try build.dependencies("p:p", role: "inputs").count == 1)
        // Without a repository every input speaks for itself.
        #expect(try build.changedInputs("p:p") == ["WORKSPACE.yaml": "untracked", "p/BUILD.yaml": "untracked"])
    }

    @Test("what lock files name is listed with the digests that they give; what is not pinned is not claimed")
    func lockedPackages() async throws {
        let sum = String(repeating: "ab", count: 32)
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: "echo p > p", "srcs: [requirements.txt]")),
            "p/requirements.txt": "six==1.16.0 --hash=sha256:\(sum)\nflask>=2\n",
        ])
        let build = try await workspace.build("p:p")
        let locked = try build.dependencies("p:p", role: "locked")
        #expect(locked.map(\.uri) == ["pkg:pypi/six@1.16.0"])
        #expect(locked.map(\.digest) == [["sha256": sum]])
    }

    @Test("P9: secrets given with -D are in no statement, nor in anything of the cache but the key's own manifest")
    func secrets() async throws {
        let secret = "hunter2-very-secret"
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(
                generic("p", sh: "test -n '${npm_token}'; echo done > out", "env: ['TOKEN=${npm_token}']"))
        ])
        var settings = TestWorkspace.Settings()
        settings.arguments = ["npm_token": secret]
        let build = try await workspace.build("p:p", settings: settings)
        #expect(build.ran == ["p:p build"])
        let record = try #require(try build.project.cache.actions.lookup(try build.built("p:p").key))
        let manifest = try #require(record.blobs["manifest"])
        var found: [String] = []
        try DirectoryWalk(workspace.cache, withStatus: true).forEach { entry in
            guard entry.status?.kind == .regular else { return true }
            let bytes = try Files.read(workspace.cache.appending(entry.path), limit: 1 << 24)
            if String(decoding: bytes, as: UTF8.self).contains(secret) { found.append(entry.path) }
            return true
        }
        #expect(found.allSatisfy { $0.replacing("/", with: "").contains(manifest.hex.dropFirst(2)) }, "\(found)")
        #expect(String(decoding: try build.statementBytes("p:p"), as: UTF8.self).contains("[redacted]"))
    }
}
