import Attest
import Bytes
import Cache
import Host
import Sandbox
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite("Builds of generic packages", .serialized, .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct GenericBuildTests {
    // MARK: Outputs

    @Test("a package is built once, and its files, links, directories and programs are its artifact")
    func outputs() async throws {
        let script = """
            mkdir -p d/empty; echo made > d/f; ln -s d/f link; ln -s /nowhere away; printf x > run; chmod 755 run
            """
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: script, "srcs: [in.txt]")), "p/in.txt": "in",
        ])
        let first = try await workspace.build("p:p")
        #expect(
            try first.artifact("p:p") == [
                "in.txt": "in", "d": "/", "d/empty": "/", "d/f": "made\n", "link": "-> d/f", "away": "-> /nowhere",
                "run": "*x",
            ])
        #expect(first.ran == ["p:p build"])
        let second = try await workspace.build("p:p")
        #expect(second.outcome.results.values.allSatisfy { $0 == .cached })
        #expect(second.ran.isEmpty)
        #expect(try second.built("p:p").artifact == first.built("p:p").artifact)
    }

    @Test("sources that a step removes, overwrites or replaces are gone from the artifact", arguments: [false, true])
    func removals(isUnsandboxed: Bool) async throws {
        let script = """
            rm gone d/gone; echo new > over; rm -r dir; echo file > dir; rm file; mkdir file; echo x > file/x; \
            rm -r again; mkdir again; echo y > again/y
            """
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: script, "srcs: ['**']")), "p/gone": "1", "p/d/gone": "2",
            "p/d/kept": "3", "p/over": "4", "p/dir/a": "5", "p/dir/b/c": "6", "p/file": "7", "p/again/old": "8",
        ])
        var settings = TestWorkspace.Settings()
        settings.building.sandboxOff = isUnsandboxed
        let build = try await workspace.build("p:p", settings: settings)
        var artifact = try build.artifact("p:p")
        artifact["BUILD.yaml"] = nil
        #expect(
            artifact == [
                "d": "/", "d/kept": "3", "over": "new\n", "dir": "file\n", "file": "/", "file/x": "x\n", "again": "/",
                "again/y": "y\n",
            ])
    }

    @Test(
        "a dependency that commands move, remove or edit is a copy, and the artifact has what is left of it",
        arguments: [false, true])
    func changedDependencies(isUnsandboxed: Bool) async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": """
            packages:
            - {name: d, type: generic, srcs: ["d/**"], config: {commands: [["mkdir", "d/none"]]}}
            - {name: e, type: generic, srcs: [e.txt]}
            - name: p
              type: generic
              deps: [":d", ":e"]
              config:
                commands:
                - ["mv", "p--d/d/moved", "here"]
                - ["sh", "-c", "rm p--d/d/gone && echo more >> p--d/d/kept"]
                - ["cp", "p--e/e.txt", "copied"]
            """, "p/d/moved": "1", "p/d/gone": "2", "p/d/kept": "3\n", "p/e.txt": "4",
        ])
        var settings = TestWorkspace.Settings()
        settings.building.sandboxOff = isUnsandboxed
        let build = try await workspace.build("p:p", settings: settings)
        let expected = [
            "here": "1", "copied": "4", "p--d": "/", "p--d/d": "/", "p--d/d/none": "/", "p--d/d/kept": "3\nmore\n",
            "p--e": "/", "p--e/e.txt": "4",
        ]
        #expect(try build.artifact("p:p") == expected)
        #expect(try build.built("p:p").references.map(\.path) == ["p--e"])
        // What it was made from is as it was.
        #expect(try build.artifact("p:d")["d/moved"] == "1")
        let again = try await workspace.build("p:p", settings: settings)
        #expect(again.ran.isEmpty)
        #expect(try again.artifact("p:p") == expected)
    }

    @Test("only what outputs name is the artifact, and a name that nothing made is an error")
    func selectedOutputs() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(
                generic("p", sh: "mkdir out; echo 1 > out/a; echo 2 > b; echo 3 > c", "martlet: {outputs: [out, b]}"),
                generic("q", sh: "true", "martlet: {outputs: [nothing]}"))
        ])
        var settings = TestWorkspace.Settings()
        settings.building.keepGoing = true
        let build = try await workspace.build("p:p", settings: settings)
        #expect(try build.artifact("p:p") == ["out": "/", "out/a": "1\n", "b": "2\n"])
        let error = try await workspace.build("p:q").failure("p:q") as? BuildError
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("the steps made no nothing") == true)
    }

    @Test(
        "outputs that no artifact can hold are refused by name",
        arguments: [
            ("mkfifo pipe", "pipe"), ("cp /bin/true suid; chmod u+s suid", "suid"),
            ("printf x > \"$(printf 'bad\\377name')\"", "bad"),
            ("perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un(\"sock\")) or die'", "sock"),
        ])
    func hostile(script: String, name: String) async throws {
        let workspace = try TestWorkspace(["p/BUILD.yaml": packages(generic("p", sh: script))])
        let build = try await workspace.build("p:p")
        let failure = try #require(try build.failure("p:p"))
        #expect("\(failure)".contains(name))
        #expect(!build.outcome.succeeded)
        #expect(try await workspace.build("p:p").steps["p:p build"] != .cached)
    }

    @Test("B2: a package without commands hands its sources on, and its dependants build")
    func withoutCommands() async throws {
        let workspace = try TestWorkspace([
            "d/BUILD.yaml": "packages: [{name: d, type: generic, srcs: ['*.txt']}, {name: none, type: generic}]",
            "d/x.txt": "x",
            "p/BUILD.yaml": packages(generic("p", sh: "cat d--d/x.txt > y", "deps: ['d:d', 'd:none']")),
        ])
        let build = try await workspace.build("p:p")
        #expect(try build.artifact("d:d") == ["x.txt": "x"])
        #expect(try build.artifact("d:none").isEmpty)
        #expect(try build.artifact("p:p") == ["d--d": "/", "d--d/x.txt": "x", "d--none": "/", "y": "x"])
        #expect(try build.outputs("p:p") == ["y"])
    }

    @Test("B3: files outside the component keep their tree, so that equal names do not collide")
    func outside() async throws {
        let workspace = try TestWorkspace([
            "a/conf": "a", "b/conf": "b",
            "go.work": "go 1.19\n",
            "p/BUILD.yaml": packages(generic("p", sh: "cat ../a/conf ../b/conf > both; ls ..", "srcs: [x]")),
            "p/x": "",
            "WORKSPACE.yaml": "variants: [{name: v, srcs: {include: [x]}}]\nmartlet: {}\n",
        ])
        try Files.createDirectories(workspace.path("p/link"))
        // A package reaches files of others only through links inside its own directory.
        try Files.removeTree(workspace.path("p/link"))
        try Files.symlink("../a", at: workspace.path("p/la"))
        try Files.symlink("../b", at: workspace.path("p/lb"))
        try workspace.write(
            packages(generic("p", sh: "cat la/conf lb/conf > both", "srcs: ['la/conf', 'lb/conf']")), to: "p/BUILD.yaml"
        )
        let build = try await workspace.build("p:p")
        #expect(try build.artifact("p:p")["both"] == "ab")
    }

    @Test("B4: there is no limit to the number of sources")
    func manySources() async throws {
        let workspace = try TestWorkspace(["p/BUILD.yaml": packages(generic("p", sh: "ls s | wc -l > n", "srcs: [s]"))])
        let name = String(repeating: "long-name-", count: 12)
        for number in 0..<3000 { try workspace.write("", to: "p/s/\(name)\(number)") }
        let build = try await workspace.build("p:p")
        #expect(try build.artifact("p:p")["n"] == "3000\n")
    }

    // MARK: Walls

    @Test("K4: a step sees the variables that martlet gives it and no others")
    func environment() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(
                generic("p", sh: "env > e", "env: [MINE=1]\nmartlet: {passEnvironment: [PASSED]}"))
        ])
        var settings = TestWorkspace.Settings()
        settings.environment = ["AMBIENT": "x", "PASSED": "y", "GITHUB_TOKEN": "z"]
        let text = try await workspace.build("p:p", settings: settings).artifact("p:p")["e"] ?? ""
        let names = Set(text.split(separator: "\n").compactMap { $0.split(separator: "=").first.map(String.init) })
        let expected: Set<String> = [
            "HOME", "LANG", "LC_ALL", "LEEWAY_WORKSPACE_ROOT", "PATH", "SOURCE_DATE_EPOCH", "TMPDIR", "TZ", "USER",
            "MINE", "PASSED",
        ]
        // What the shell sets itself does not come from outside.
        #expect(names.subtracting(["PWD", "OLDPWD", "SHLVL", "_"]) == expected)
    }

    @Test("a step sees declared files only, and has no network")
    func walls() async throws {
        let script = """
            ls -A > seen; ls -A .. >> seen; cat /proc/net/dev | tail -n +3 | grep -v lo: | wc -l >> seen; \
            test ! -e \(FilePath("/etc/hostname").string) || echo leak >> seen
            """
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: script, "srcs: [a]")), "p/a": "", "p/undeclared": "",
            "other/file": "",
        ])
        #expect(try await workspace.build("p:p").artifact("p:p")["seen"] == "a\nseen\np\n0\n")
    }

    @Test("results of steps without walls are kept apart, and say so")
    func unsandboxed() async throws {
        let workspace = try TestWorkspace(["p/BUILD.yaml": packages(generic("p", sh: "echo x > x"))])
        let walled = try await workspace.build("p:p")
        var settings = TestWorkspace.Settings()
        settings.building.sandboxOff = true
        let open = try await workspace.build("p:p", settings: settings)
        #expect(open.ran == ["p:p build"])
        #expect(try open.built("p:p").key != walled.built("p:p").key)
        #expect(try open.built("p:p").steps[0].action != walled.built("p:p").steps[0].action)
        #expect(try open.built("p:p").sandbox == .off)
        #expect(String(decoding: try open.statementBytes("p:p"), as: UTF8.self).contains("martlet:sandbox/off"))
        #expect(try await workspace.build("p:p").ran.isEmpty)
    }

    // MARK: Steps

    @Test("B6: a changed test runs the test again and nothing else")
    func testCachedApart() async throws {
        func content(_ test: String) -> String {
            """
            packages:
              - name: p
                type: generic
                config:
                  commands: [["sh", "-c", "echo built > out"]]
                  test: [["sh", "-c", "\(test)"]]
            """
        }
        let workspace = try TestWorkspace(["p/BUILD.yaml": content("grep -q built out; echo junk > junk")])
        let first = try await workspace.build("p:p")
        #expect(first.ran == ["p:p build", "p:p test"])
        #expect(try first.artifact("p:p") == ["out": "built\n"])
        try workspace.write(content("test -s out"), to: "p/BUILD.yaml")
        let second = try await workspace.build("p:p")
        #expect(second.ran == ["p:p test"])
        #expect(second.steps["p:p build"] == .cached)
        #expect(try second.built("p:p").artifact == first.built("p:p").artifact)
    }

    @Test("B6: a step that takes too long is ended and named")
    func timeLimit() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: "sleep 1000", "martlet: {timeLimit: 1}"))
        ])
        let error = try await workspace.build("p:p").failure("p:p") as? BuildError
        #expect(error?.code == .step)
        #expect(error?.message.contains("passed its time limit") == true)
    }

    @Test("a dependency that is built again to the same bytes runs nothing after it")
    func earlyCutoff() async throws {
        let workspace = try TestWorkspace([
            "d/BUILD.yaml": packages(generic("d", sh: "wc -c < in > size; rm in", "srcs: [in]")), "d/in": "aaa",
            "p/BUILD.yaml": packages(generic("p", sh: "cat d--d/size > p", "deps: ['d:d']")),
            "q/BUILD.yaml": packages(generic("q", sh: "cat p--p/p > q", "deps: ['p:p']")),
        ])
        #expect(try await workspace.build("q:q").ran == ["d:d build", "p:p build", "q:q build"])
        try workspace.write("bbb", to: "d/in")
        let second = try await workspace.build("q:q")
        #expect(second.ran == ["d:d build"])
        #expect(second.steps["q:q build"] == .cached)
        try workspace.write("four", to: "d/in")
        #expect(try await workspace.build("q:q").ran == ["d:d build", "p:p build", "q:q build"])
    }

    @Test("artifacts that hold others that hold others are put together, for steps and for people")
    func nested() async throws {
        let workspace = try TestWorkspace([
            "BUILD.yaml": packages(
                generic("a", sh: "echo a > a"),
                generic("b", sh: "echo b > b", "deps: [':a']\nlayout: {':a': deep/place}"),
                generic("c", sh: "cat b/b b/deep/place/a > c", "deps: [':b']\nlayout: {':b': b}"),
                generic("d", sh: "cat c/b/deep/place/a c/c > d", "deps: [':c']\nlayout: {':c': c}"),
                generic("only", sh: "cat c/c > d", "deps: [':c']\nlayout: {':c': c}\nmartlet: {outputs: [d]}"))
        ])
        let build = try await workspace.build("//:d", "//:only")
        #expect(try build.artifact("//:d")["d"] == "a\nb\na\n")
        #expect(try build.artifact("//:d")["c/b/deep/place/a"] == "a\n")
        #expect(try build.artifact("//:only") == ["d": "b\na\n"])
        #expect(try build.outputs("//:d") == ["d"])
    }

    @Test("a failing step is an error with its output kept, is not cached, and leaves no files")
    func failing() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: "echo said; cat /proc/sys/kernel/random/uuid; exit 3"))
        ])
        for _ in 0..<2 {
            let build = try await workspace.build("p:p")
            let error = try build.failure("p:p") as? BuildError
            #expect(error?.code == .step)
            #expect(error?.message.contains("failed with exit status 3") == true)
            #expect(build.output.hasPrefix("said\n"))
            #expect(build.output.count > 30)
        }
        #expect(try leftovers(workspace).isEmpty)
    }

    @Test("what a step printed is kept with its result")
    func log() async throws {
        let workspace = try TestWorkspace(["p/BUILD.yaml": packages(generic("p", sh: "echo out; echo err >&2"))])
        let build = try await workspace.build("p:p")
        let log = try #require(try build.built("p:p").steps.first?.log)
        #expect(try build.project.cache.store.read(log, limit: 100) == Array("out\nerr\n".utf8))
    }

    @Test("with keepGoing, what does not need the package that failed is built")
    func keepGoing() async throws {
        let contents = [
            "BUILD.yaml": packages(
                generic("bad", sh: "exit 1"), generic("needs", sh: "true", "deps: [':bad']"),
                generic("good", sh: "true"), generic("all", sh: "true", "deps: [':needs', ':good']"))
        ]
        var settings = TestWorkspace.Settings()
        settings.building.keepGoing = true
        settings.building.jobs = 1
        let build = try await TestWorkspace(contents).build("//:all", settings: settings)
        #expect(build.ran == ["//:good build"])
        #expect(build.outcome.failures.count == 1)
        #expect(build.outcome.results.values.filter { $0 == .skipped }.count == 2)
        #expect(!build.outcome.succeeded)
    }

    @Test("an ephemeral package always runs, and what holds it follows its content")
    func ephemeral() async throws {
        let workspace = try TestWorkspace([
            "BUILD.yaml": packages(
                generic("e", sh: "cat /proc/sys/kernel/random/uuid > id", "ephemeral: true"),
                generic("p", sh: "cp *e/id copy", "deps: [':e']"), generic("other", sh: "true"))
        ])
        let first = try await workspace.build("//:p")
        let second = try await workspace.build("//:p")
        #expect(second.ran == ["//:e build", "//:p build"])
        #expect(try first.artifact("//:p")["copy"] != second.artifact("//:p")["copy"])
        let copy = try second.artifact("//:p").filter { $0.key.hasSuffix("/id") }.values.first
        #expect(try second.artifact("//:p")["copy"] == copy)
    }

    @Test("a source that changes between loading and building is an error, not a wrong artifact")
    func changedSource() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(
                generic("p", sh: "cat in > out", "srcs: [in]"), "- {name: q, type: generic, srcs: [in]}"),
            "p/in": "before",
        ])
        let project = try await workspace.project()
        let builder = try await project.builder(BuildOptions(jobs: 1))
        for target in ["p:p", "p:q"] {
            let plan = try await builder.plan(project.targets([target]))
            try workspace.write("after", to: "p/in")
            let outcome = try await builder.build(plan) { _ in }
            #expect((outcome.failures.values.first as? BuildError)?.code == .changed)
        }
        #expect(try await workspace.build("p:p").artifact("p:p")["out"] == "after")
    }

    // MARK: Fetching

    @Test("what a fetch step leaves is recorded by digest, and later steps see it and can't change it")
    func fetch() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(
                generic(
                    "p", sh: "cat /fetched/dir/file > out; echo changed > /fetched/dir/file; rm -f /fetched/other",
                    """
                    martlet:
                      fetch: [[sh, -c, "mkdir /fetched/dir; echo fetched > /fetched/dir/file; echo o > /fetched/other"]]
                    """))
        ])
        let build = try await workspace.build("p:p")
        #expect(build.ran == ["p:p build", "p:p fetch"])
        #expect(try build.artifact("p:p") == ["out": "fetched\n"])
        let fetched = try build.dependencies("p:p", role: "fetched")
        #expect(fetched.map(\.name) == ["dir/file", "other"])
        #expect(fetched.first?.digest == ["sha256": Digest.of("fetched\n").hex])
        let text = try Files.readText(workspace.path("p/BUILD.yaml"), limit: 4096)
        try workspace.write(text.replacing("> out", with: "> new"), to: "p/BUILD.yaml")
        let again = try await workspace.build("p:p")
        #expect(again.ran == ["p:p build"])
        #expect(try again.artifact("p:p") == ["new": "fetched\n"])
        #expect(try again.dependencies("p:p", role: "fetched").count == 2)
    }

    /// What is left where steps run.
    private func leftovers(_ workspace: TestWorkspace) throws -> [String] {
        try Files.list(workspace.cache.appending("scratch")).filter { $0.hasPrefix("step-") }
    }

    @Test("a build that is cancelled ends its steps and leaves nothing behind")
    func cancellation() async throws {
        let workspace = try TestWorkspace(["p/BUILD.yaml": packages(generic("p", sh: "echo started; sleep 1000"))])
        let project = try await workspace.project()
        let builder = try await project.builder(BuildOptions(jobs: 1))
        let plan = try await builder.plan(project.targets(["p:p"]))
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    _ = try await builder.build(plan) { event in
                        if case .stepOutput = event.kind { continuation.yield() }
                    }
                    return false
                } catch { return error is CancellationError }
            }
            for await _ in stream { break }
            group.cancelAll()
            for await wasCancelled in group { #expect(wasCancelled) }
        }
        #expect(try leftovers(workspace).isEmpty)
    }
}
