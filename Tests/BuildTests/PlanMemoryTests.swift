import Attest
import Bytes
import Cache
import Host
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite("Remembered plans", .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct PlanMemoryTests {
    private static let settled = {
        var settings = TestWorkspace.Settings()
        settings.clockOffset = 10_000_000_000
        return settings
    }()

    private func unchanged(
        _ workspace: TestWorkspace, _ settings: TestWorkspace.Settings = settled
    ) async throws -> Builder.Plan? {
        let project = try await workspace.project(settings)
        return try await project.builder(settings.building).unchangedPlan(project.targets(["p:p"]))
    }

    @Test("what a target was made from is built again where the cache lost what was said of it")
    func lostStatements() async throws {
        let workspace = try TestWorkspace([
            "d/BUILD.yaml": packages(generic("d", sh: "cat *.txt > out", "srcs: ['*.txt']")), "d/d.txt": "d",
            "m/BUILD.yaml": packages(generic("m", sh: "cp d--d/out m", "deps: ['d:d']")),
            "p/BUILD.yaml": packages(generic("p", sh: "cp m--m/m p", "deps: ['m:m']")),
        ])
        let first = try await workspace.build("p:p", settings: Self.settled)
        let key = try #require(PackageName("d:d").flatMap { first.plan.keys[$0]?.digest })
        try first.project.cache.actions.remove(key)
        #expect(throws: BuildError.self) { try first.project.bundle(of: first.built("p:p")) }

        #expect(try await workspace.build("p:p", settings: Self.settled).plan.missing.isEmpty)
        #expect(try await unchanged(workspace) != nil)
        var settings = Self.settled
        settings.building.needsStatements = true
        #expect(try await unchanged(workspace, settings) == nil)
        let again = try await workspace.build("p:p", settings: settings)
        #expect(Set(again.plan.missing.map(\.description)) == ["d:d", "m:m", "p:p"])
        #expect(try again.built("p:p").artifact == first.built("p:p").artifact)
        #expect(try again.project.bundle(of: again.built("p:p")).entries.count == 3)
        #expect(try await unchanged(workspace, settings) != nil)
    }

    @Test("a cached result that refers to a lost one is put together again before something is built from it")
    func lostReference() async throws {
        let workspace = try TestWorkspace([
            "d/BUILD.yaml": packages(generic("d", sh: "cat *.txt > out", "srcs: ['*.txt']")), "d/d.txt": "d",
            "m/BUILD.yaml": packages(generic("m", sh: "cp d--d/out m", "deps: ['d:d']")),
            "p/BUILD.yaml": packages(generic("p", sh: "cp m--m/d--d/out p", "deps: ['m:m']")),
        ])
        let first = try await workspace.build("m:m")
        let key = try #require(PackageName("d:d").flatMap { first.plan.keys[$0]?.digest })
        try first.project.cache.actions.remove(key)
        let second = try await workspace.build("p:p")
        #expect(second.outcome.succeeded)
        #expect(Set(second.plan.missing.map(\.description)) == ["d:d", "m:m", "p:p"])
        #expect(try second.artifact("p:p")["p"] == "d")
    }

    @Test("a plan is taken over while everything that keys depend on is as it was, and never without its results")
    func takenOver() async throws {
        let workspace = try TestWorkspace([
            "d/BUILD.yaml": packages(generic("d", sh: "cat *.txt > out", "srcs: ['*.txt']")), "d/d.txt": "d",
            "p/BUILD.yaml": packages(
                generic(
                    "p", sh: "cp d--d/out p", "deps: ['d:d']\nmartlet: {passEnvironment: [PASSED], tools: [mytool]}")),
        ])
        try workspace.writeTool("mytool", "echo 1")
        #expect(try await unchanged(workspace) == nil)
        let first = try await workspace.build("p:p", settings: Self.settled)
        #expect(try await workspace.build("p:p", settings: Self.settled).plan.cached.count == 1)
        let plan = try #require(try await unchanged(workspace))
        #expect(try plan.cached.values.map(\.key) == [first.built("p:p").key])
        #expect(plan.order == plan.targets && plan.missing.isEmpty)

        var other = Self.settled
        other.environment["PASSED"] = "1"
        #expect(try await unchanged(workspace, other) == nil)
        other = Self.settled
        other.building.dontTest = true
        #expect(try await unchanged(workspace, other) == nil)
        other = Self.settled
        other.building.sandboxOff = true
        #expect(try await unchanged(workspace, other) == nil)
        other = Self.settled
        other.building.ignoreCache = true
        #expect(try await unchanged(workspace, other) == nil)
        try workspace.writeTool("mytool", "echo 2")
        #expect(try await unchanged(workspace) == nil)
        try workspace.writeTool("mytool", "echo 1")
        #expect(try await unchanged(workspace) != nil)
        try workspace.write("D", to: "d/d.txt")
        #expect(try await unchanged(workspace) == nil)
        try workspace.write("d", to: "d/d.txt")
        #expect(try await unchanged(workspace) != nil)

        try first.project.cache.actions.remove(try first.built("p:p").key)
        #expect(try await unchanged(workspace) == nil)
    }

    @Test(
        "a result whose provenance has to be written again is not unchanged",
        .enabled(if: hasGit, "git is not installed"))
    func uncommitted() async throws {
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: "cat *.txt > out", "srcs: ['*.txt']")), "p/a.txt": "a",
        ])
        try await workspace.commitAll()
        try workspace.write("b", to: "p/a.txt")
        for _ in 0..<2 { _ = try await workspace.build("p:p", settings: Self.settled) }
        #expect(try await unchanged(workspace) != nil)
        try await workspace.commitAll()
        #expect(try await unchanged(workspace) == nil)
        #expect(try await workspace.build("p:p", settings: Self.settled).isClean("p:p") == true)
    }

    @Test("a memory that is nonsense is an empty one")
    func damage() throws {
        let files = try TemporaryDirectory()
        let memory = PlanMemory(file: files["plans"], state: .of("state"))
        let entry = PlanMemory.Entry(
            tools: ["sh"], variables: [], surroundings: .of("s"),
            keys: [PackageName(component: "p", name: "p"): .of("k")])
        memory.keep(entry, as: .of("plan"))
        #expect(memory.entry(.of("plan")) == entry)
        let whole = try Files.readText(files["plans"], limit: 4096)
        for text in [
            "", "{}", "[]", "{\"version\":1,\"plans\":[]}", String(whole.dropLast(3)),
            whole.replacing("p:p", with: "p"),
        ] {
            try files.write(text, to: "plans")
            #expect(memory.entry(.of("plan")) == nil, "\(text)")
        }
    }
}
