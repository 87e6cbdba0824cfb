import Bytes
import Host
import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite("Package keys")
struct PackageKeyTests {
    /// One cache for all, so that the machine's tools are hashed once.
    private static let cache = try? TemporaryDirectory()

    /// A workspace with stand-ins for every tool, so that no test depends on what is installed.
    private func workspace(_ contents: [String: String], in directory: String = "work") throws -> TestWorkspace {
        let workspace = try TestWorkspace(contents, in: directory, cache: Self.cache?.path)
        for tool in ["mytool", "go", "gofmt", "golangci-lint", "yarn", "node", "buildah", "swift"] {
            try workspace.writeTool(tool, "echo \(tool) 1")
        }
        return workspace
    }

    @Test(
        "every change of a setting, argument, variable, source, mode, link or tool alters the key",
        arguments: KeyMutation.groups)
    func mutations(_ mutations: [KeyMutation]) async throws {
        let base = try #require(mutations.first?.base)
        let before = try await workspace(base).key("p:p")
        var seen: Set<Digest> = [before.digest]
        for mutation in mutations {
            let workspace = try workspace(base)
            var settings = TestWorkspace.Settings()
            try mutation.change(workspace, &settings)
            let after = try await workspace.key("p:p", settings)
            #expect(seen.insert(after.digest).inserted, "\(mutation.name)")
            #expect(!KeyDifference.between(before.manifest, after.manifest).isEmpty, "\(mutation.name)")
        }
    }

    @Test("the same workspace has the same keys, whatever its path, times and unpassed variables are")
    func stable() async throws {
        for base in [KeyMutation.generic, KeyMutation.docker] {
            let first = try workspace(base)
            let key = try await first.key("p:p")
            for file in try Files.list(first.path("p")) {
                try Files.setModified(first.path("p/\(file)"), 1_000_000_000)
            }
            var settings = TestWorkspace.Settings()
            settings.environment = ["SECRET_TOKEN": "x", "LANG": "de_DE.UTF-8", "TZ": "Asia/Tokyo"]
            settings.building.jobs = 7
            #expect(try await first.key("p:p", settings).digest == key.digest)

            try Files.rename(first.root, to: first.files["a longer path"])
            try Files.symlink("a longer path", at: first.root)
            #expect(try await first.key("p:p").digest == key.digest)
        }
    }

    @Test("what does not belong to a package does not alter its key")
    func unrelated() async throws {
        let workspace = try workspace(KeyMutation.generic)
        let key = try await workspace.key("p:p")
        try workspace.write("packages: [{name: x, type: generic}]", to: "x/BUILD.yaml")
        try workspace.write("not a source", to: "p/README.md")
        let text = try Files.readText(workspace.path("p/BUILD.yaml"), limit: 1 << 20)
        try workspace.write(
            "# said twice\n" + text.replacing("- name: p", with: "- name: p # again"), to: "p/BUILD.yaml")
        // Made again in another order, so that the directory lists them differently.
        try Files.remove(workspace.path("p/a.txt"))
        try workspace.write("a", to: "p/a.txt")
        #expect(try await workspace.key("p:p").digest == key.digest)

        let project = try await workspace.project()
        let builder = try await project.builder(BuildOptions(jobs: 1))
        let plan = try await builder.plan(project.targets(["p:p", "x:x", "d:e"]))
        #expect(plan.keys[PackageName(component: "p", name: "p")]?.digest == key.digest)
    }

    @Test("a comment in a dependency alters nothing, and its Leeway version alone")
    func comment() async throws {
        let workspace = try workspace(KeyMutation.generic)
        try workspace.write("packages: [{name: d, type: generic, srcs: [data]}]", to: "d/BUILD.yaml")
        let key = try await workspace.key("p:p")
        let version = try await workspace.project().workspace.packages[PackageName(component: "d", name: "d")]
        try workspace.write(
            "packages:\n  # a comment\n  - {name: d, type: generic, srcs: [data]} # more\n",
            to: "d/BUILD.yaml")
        let after = try await workspace.project().workspace.packages[PackageName(component: "d", name: "d")]
        #expect(version?.leewayVersion != after?.leewayVersion)
        #expect(try await workspace.key("p:p").digest == key.digest)
    }

    @Test("the manifest says what changed")
    func explains() async throws {
        let workspace = try workspace(KeyMutation.generic)
        let before = try await workspace.key("p:p")
        try workspace.write("A", to: "p/a.txt")
        try Files.setMode(workspace.path("p/b.txt"), 0o755)
        let after = try await workspace.key("p:p")
        let paths = KeyDifference.between(before.manifest, after.manifest).map(\.path)
        #expect(paths == ["sources/p/a.txt", "sources/p/b.txt"])
    }
}
