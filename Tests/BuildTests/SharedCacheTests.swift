import Bytes
import Cache
import Host
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite("Builds that share a cache", .serialized, .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct SharedCacheTests {
    @Test("S2: two builders at once do each piece of work once")
    func twoBuilders() async throws {
        let contents = [
            "BUILD.yaml": packages(
                generic("a", sh: "cat /proc/sys/kernel/random/uuid > id"),
                generic("b", sh: "cat *a/id > id", "deps: [':a']"),
                generic("c", sh: "cat *a/id > id", "deps: [':a']"),
                generic("all", sh: "cat *b/id *c/id > ids", "deps: [':b', ':c']"))
        ]
        let first = try TestWorkspace(contents)
        let second = try TestWorkspace(contents, in: "elsewhere", cache: first.cache)
        async let one = first.build("//:all")
        async let other = second.build("//:all")
        let (left, right) = try await (one, other)
        #expect((left.ran + right.ran).sorted() == ["//:a build", "//:all build", "//:b build", "//:c build"])
        #expect(try left.built("//:all").artifact == right.built("//:all").artifact)
    }

    private static let content = "content-of-the-artifact\n"

    private func cachedWorkspace() async throws -> TestWorkspace {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: "echo content-of-the-artifact > out"))
        ])
        #expect(try await workspace.build("p:p").artifact("p:p") == ["out": Self.content])
        return workspace
    }

    /// Cuts the files of the cache that `isVictim` chooses in half.
    private func truncate(_ workspace: TestWorkspace, _ isVictim: (String, [UInt8]) -> Bool) throws -> Int {
        var count = 0
        try DirectoryWalk(workspace.cache, withStatus: true).forEach { entry in
            guard entry.status?.kind == .regular else { return true }
            let file = workspace.cache.appending(entry.path)
            let content = try Files.read(file, limit: 1 << 24)
            if isVictim(entry.path, content) {
                try Files.write(Array(content.prefix(content.count / 2)), to: file)
                count += 1
            }
            return true
        }
        return count
    }

    @Test("S1: a truncated record is a miss")
    func truncatedRecords() async throws {
        let workspace = try await cachedWorkspace()
        #expect(try truncate(workspace) { path, _ in path.hasPrefix("actions") } > 0)
        let build = try await workspace.build("p:p")
        #expect(build.ran == ["p:p build"])
        #expect(try build.artifact("p:p") == ["out": Self.content])
    }

    @Test("S1: a truncated file is never used, and then built again")
    func truncatedBlob() async throws {
        let workspace = try await cachedWorkspace()
        #expect(try truncate(workspace) { _, content in content == Array(Self.content.utf8) } > 0)
        let build = try await workspace.build("p:p")
        #expect(build.ran == ["p:p build"])
        #expect(try build.artifact("p:p") == ["out": Self.content])
    }

    @Test("a dependant of a truncated artifact fails or is built from what is right, and the next build succeeds")
    func truncatedDependency() async throws {
        let workspace = try await cachedWorkspace()
        try workspace.write(packages(generic("q", sh: "cat p--p/out > q", "deps: ['p:p']")), to: "q/BUILD.yaml")
        #expect(try truncate(workspace) { _, content in content == Array(Self.content.utf8) } > 0)
        let first = try await workspace.build("q:q")
        if first.outcome.succeeded { #expect(try first.artifact("q:q")["q"] == Self.content) }
        #expect(try await workspace.build("q:q").artifact("q:q")["q"] == Self.content)
    }

    @Test("the same package gives the same artifact and the same statement but for times, wherever it is built")
    func sameEverywhere() async throws {
        let contents = [
            "p/BUILD.yaml": packages(
                generic(
                    "p",
                    sh:
                        "mkdir d; cp a.txt d/x; chmod 700 d/x; ls -lR --full-time . > /dev/null; id -u > uid; umask > mask; pwd > pwd",
                    "srcs: ['*.txt']"),
                generic(
                    "q", sh: "tar -c --sort=name --mtime=@0 p--p | sha256sum > sum",
                    "deps: [':p']\nlayout: {':p': p--p}")),
            "p/a.txt": "a", "p/b.txt": "b",
        ]
        let first = try TestWorkspace(contents)
        let second = try TestWorkspace(contents, in: "another/much/longer/path")
        try Files.setMode(second.path("p/a.txt"), 0o600)
        try Files.setMode(second.path("p"), 0o700)
        try Files.setModified(second.path("p/b.txt"), 1_000_000_000)
        var settings = TestWorkspace.Settings()
        settings.environment = ["TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8"]
        settings.building.jobs = 1
        let left = try await first.build("p:p", "p:q")
        let right = try await second.build("p:p", "p:q", settings: settings)
        for name in ["p:p", "p:q"] {
            #expect(try left.built(name).key == right.built(name).key)
            #expect(try left.built(name).artifact == right.built(name).artifact)
            #expect(try left.built(name).inputTree == right.built(name).inputTree)
            #expect(try withoutTimes(left.statementBytes(name)) == withoutTimes(right.statementBytes(name)))
        }
    }

    private func withoutTimes(_ statement: [UInt8]) throws -> String {
        var text = String(decoding: statement, as: UTF8.self)
        for name in ["startedOn", "finishedOn"] {
            text = text.replacing(try Regex("\"\(name)\" ?: ?\"[^\"]*\""), with: "")
        }
        return text
    }
}

@Suite("What reaches a step is in its action", .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct StepKeyTests {
    @Test("a change that reaches the step alters its action key, and one that does not runs nothing")
    func actions() async throws {
        let workspace = try TestWorkspace([
            "d/BUILD.yaml": packages(generic("d", sh: "echo d > d")),
            "p/BUILD.yaml": packages(
                generic(
                    "p", sh: "true ${word}",
                    "srcs: [a, b]\ndeps: ['d:d']\nenv: [A=1]\nmartlet: {timeLimit: 100, passEnvironment: [P]}")),
            "p/a": "a", "p/b": "b", "WORKSPACE.yaml": "defaultArgs: {word: x}\nmartlet: {}\n",
        ])
        var settings = TestWorkspace.Settings()
        var known: Set<Digest> = []
        func expectNew(_ what: String) async throws {
            let action = try #require(
                try await workspace.build("p:p", settings: settings).built("p:p").steps.first?.action)
            #expect(known.insert(action).inserted, "\(what)")
        }
        func edit(_ old: String, _ new: String, in file: String = "p/BUILD.yaml") throws {
            let text = try Files.readText(workspace.path(file), limit: 4096)
            #expect(text.contains(old), "\(old)")
            try workspace.write(text.replacing(old, with: new), to: file)
        }
        try await expectNew("the first")
        try workspace.write("A", to: "p/a")
        try await expectNew("a source")
        try Files.setMode(workspace.path("p/a"), 0o755)
        try await expectNew("a mode")
        try Files.remove(workspace.path("p/b"))
        try await expectNew("a source gone")
        try edit("A=1", "A=2")
        try await expectNew("a variable")
        try edit("echo d", "echo e", in: "d/BUILD.yaml")
        try await expectNew("a dependency's content")
        try edit("timeLimit: 100", "timeLimit: 99")
        try await expectNew("the time limit")
        settings.arguments["word"] = "y"
        try await expectNew("an argument")
        settings.environment["P"] = "p"
        try await expectNew("a passed variable")
        settings.building.sandboxOff = true
        try await expectNew("walls")
        settings.building.sandboxOff = false
        try edit("true $", "false || true $")
        try await expectNew("a command")

        try edit("name: p", "name: p # a comment")
        #expect(try await workspace.build("p:p", settings: settings).ran.isEmpty)
    }
}
