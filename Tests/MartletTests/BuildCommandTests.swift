import Bytes
import Host
import SystemPackage
import TestKit
import Testing

/// Builds with the real program. Sandboxed where the machine allows it; the exit codes are the same without.
@Suite(.enabled(if: TestWorkspace.hasProgram, "the program martlet is not built"))
struct BuildCommandTests {
    @Test("a plan is shown and dumped, and nothing is built")
    func dryRun() async throws {
        let workspace = try TestWorkspace()
        let plan = try await workspace.martlet("build", "--dry-run", "--dump-plan", "-", "app:app", "app:other")
        #expect(plan.status == 0)
        #expect(plan.output == "[[\"lib:lib\"],[\"app:app\",\"app:other\"]]\n")
        let json = try await workspace.martlet("build", "--dry-run", "--json")
        #expect(json.json?["packages"]?[0]?["name"] == "lib:lib")
        #expect(json.json?["packages"]?[0]?["cached"] == false)
        #expect(try await workspace.martlet("describe", "changed", "app:app").status == 1)
    }

    @Test("a build tells what it did, is then cached, and why says what changed after an edit")
    func whole() async throws {
        let workspace = try TestWorkspace()
        let build = try await workspace.martlet("build", "--json", "app:app", "app:other")
        #expect(build.status == 0, "\(build.error)")
        #expect(build.json?["succeeded"] == true)
        #expect(build.json?["packages"]?.arrayValue?.count == 3)
        #expect(try await workspace.martlet("describe", "changed", "app:app").status == 0)
        #expect(try await workspace.martlet("build", "--dry-run").output.hasSuffix("nothing to build\n"))
        #expect(try await workspace.martlet("why").output.contains("nothing changed since the last result here"))
        try workspace.write("more\n", to: "lib/b.txt")
        let why = try await workspace.martlet("why", "--json")
        #expect(why.json?["cached"] == false)
        #expect(why.json?["changes"]?[0]?["dependencies"] == ["lib:lib"])
        #expect(why.json?["changes"]?[1]?["differences"]?[0]?["path"] == "sources/lib/b.txt")
        let text = try await workspace.martlet("why", "app:app").output
        #expect(text.contains("  the dependency lib:lib changed\nlib:lib\n  sources/lib/b.txt was added ("))
    }

    @Test("a failing package exits with 1, and --keep-going builds the rest")
    func failure() async throws {
        let workspace = try TestWorkspace()
        try workspace.write(
            "packages:\n  - name: bad\n    type: generic\n    config:\n      commands: [[\"false\"]]\n",
            to: "bad/BUILD.yaml")
        let run = try await workspace.martlet("build", "--keep-going", "--json", "bad:bad", "lib:lib")
        #expect(run.status == 1)
        let results = run.json?["packages"]?.arrayValue?.reduce(into: [:]) { $0[$1["name"]] = $1["result"] }
        #expect(results?["lib:lib"] == "built")
        #expect(results?["bad:bad"] == "failed")
    }

    @Test("scripts get their dependencies, and one that fails makes the exit code 1")
    func scripts() async throws {
        let workspace = try TestWorkspace()
        let show = try await workspace.martlet("run", "app:show")
        #expect(show.status == 0, "\(show.error)")
        #expect(show.output == "hello\napp\n")
        #expect(try await workspace.martlet("run", ":inside", in: "app").output == "hello\n")
        let fail = try await workspace.martlet("run", "app:fail", "app:show")
        #expect(fail.status == 1)
        #expect(fail.output == "hello\napp\n")
        #expect(fail.error.contains("the script app:fail failed with exit status 7"))
        let open = try await workspace.martlet("run", "app:open")
        #expect(open.status == 2)
        #expect(open.error.contains("-Dnobody_knows=value"))
        #expect(try await workspace.martlet("run", "app:open", "-Dnobody_knows=something").output == "something\n")
        // Nothing of what was laid out is left.
        #expect(try Files.list(workspace.files["cache/scratch"]).allSatisfy { !$0.hasPrefix("script-") })
    }

    @Test(
        "what was built before it was committed passes --git-only once it is committed and built, and not before",
        .enabled(if: TestWorkspace.hasGit, "git is not installed"))
    func committedLater() async throws {
        let workspace = try TestWorkspace()
        try await workspace.git("init", "-q", "-b", "main", ".")
        try await workspace.git("remote", "add", "origin", "https://git.example.org/team/repo.git")
        try await workspace.git("add", "-A")
        try await workspace.git("commit", "-q", "-m", "one")
        try workspace.write("more\n", to: "lib/b.txt")
        #expect(try await workspace.martlet("build").status == 0)
        let assertion = ["provenance", "assert", "--git-only", "app:app"]
        #expect(try await workspace.martlet(assertion).status == 1)
        try await workspace.git("add", "-A")
        try await workspace.git("commit", "-q", "-m", "two")
        let stale = try await workspace.martlet(assertion)
        #expect(stale.status != 0 && stale.error.contains("run `martlet build app:app` first"))
        #expect(try await workspace.martlet("build").status == 0)
        let passed = try await workspace.martlet(assertion)
        #expect(passed.status == 0, "\(passed.output) \(passed.error)")
    }

    @Test(
        "affected lists exactly the packages of which the key changed since a commit",
        .enabled(if: TestWorkspace.hasGit, "git is not installed"))
    func affected() async throws {
        let workspace = try TestWorkspace()
        try await workspace.git("init", "-q", "-b", "main", ".")
        try await workspace.git("add", "-A")
        try await workspace.git("commit", "-q", "-m", "one")
        #expect(try await workspace.martlet("affected", "--since", "HEAD").output == "")
        // A comment is no change; a mode is one.
        let build = try workspace.files.read("ws/lib/BUILD.yaml")
        try workspace.write("# about lib\n" + build, to: "lib/BUILD.yaml")
        #expect(try await workspace.martlet("affected", "--since", "HEAD").output == "")
        try Files.setMode(workspace.root.appending("lib/a.txt"), 0o755)
        #expect(try await workspace.martlet("affected", "--since", "HEAD").output == "app:app\nlib:lib\n")
        try workspace.write("packages:\n  - name: new\n    type: generic\n", to: "new/BUILD.yaml")
        try await workspace.git("add", "-A")
        try await workspace.git("commit", "-q", "-m", "two")
        let json = try await workspace.martlet("affected", "--since", "HEAD~1", "--json").json
        #expect(json?["affected"] == ["app:app", "lib:lib", "new:new"])
        #expect(json?["added"] == ["new:new"])
        #expect(try await workspace.martlet("affected", "--since", "main").output == "")
        let unknown = try await workspace.martlet("affected", "--since", "nobody")
        #expect(unknown.status == 2)
        #expect(unknown.error.contains("git knows no commit 'nobody'"))
        let why = try await workspace.martlet("why", "lib:lib", "--since", "HEAD~1")
        #expect(why.output.contains("  sources/lib/a.txt changed: "))
    }

    @Test("a change is seen at once, whatever is remembered of the file")
    func warmLoad() async throws {
        let workspace = try TestWorkspace()
        let file = workspace.root.appending("lib/a.txt")
        let first = try await workspace.martlet("collect")
        #expect(try await workspace.martlet("collect").output == first.output)
        try Files.write(Array("jello\n".utf8), to: file)
        #expect(try await workspace.martlet("collect").output != first.output)
    }
}
