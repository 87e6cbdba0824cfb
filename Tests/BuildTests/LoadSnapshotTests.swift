import Bytes
import Graph
import Host
import SystemPackage
import TestKit
import Testing

@testable import Build
@testable import Workspace

/// What a kept load gives has to be what reading everything gives, whatever happened in between.
@Suite("Kept loads")
struct LoadSnapshotTests {
    /// One cache for what tools say, so that the machine's tools are hashed once.
    private func workspace(_ contents: [String: String]) throws -> TestWorkspace {
        let workspace = try TestWorkspace(contents)
        for tool in ["mytool", "go", "gofmt", "golangci-lint", "yarn", "node", "buildah", "swift"] {
            try workspace.writeTool(tool, "echo \(tool) 1")
        }
        return workspace
    }

    /// As if everything had been written long ago.
    private static let settled = {
        var settings = TestWorkspace.Settings()
        settings.clockOffset = 10_000_000_000
        return settings
    }()

    private func load(_ workspace: TestWorkspace, _ settings: TestWorkspace.Settings = settled) async throws
        -> Workspace
    {
        let project = try await workspace.project(settings)
        try project.cache.save()
        return project.workspace
    }

    private func snapshots(_ workspace: TestWorkspace) throws -> [FilePath] {
        let directory = workspace.cache.appending("index")
        return try Files.list(directory).filter { $0.hasSuffix(".load") }.map { directory.appending($0) }
    }

    /// Everything that a workspace says.
    private func facts(_ workspace: Workspace) -> [String] {
        var facts = workspace.order.compactMap { workspace.packages[$0] }.map { package in
            [
                "\(package.name) \(package.type) \(package.location) \(package.sources) \(package.patterns)",
                "\(package.dependencies) \(package.layout.sorted { $0.key < $1.key }) \(package.argumentDependencies)",
                "\(package.environment) \(package.isEphemeral) \(package.prep) \(package.unresolved)",
                "\(package.substituted.sorted { $0.key < $1.key }) \(package.settings)", sorted(package.config),
                String(decoding: package.definition, as: UTF8.self), package.leewayManifest, package.leewayVersion,
            ].joined(separator: "\n")
        }
        facts += workspace.components.sorted { $0.key < $1.key }.map {
            "\($0.key) \($0.value.constants.sorted { $0.key < $1.key }) \($0.value.packages) \($0.value.hasScript)"
        }
        facts += workspace.scripts.sorted { $0.key < $1.key }.map { "\($0)" } + workspace.diagnostics.map(\.description)
        facts += [
            workspace.environmentManifest.text, "\(workspace.definitionFiles)", "\(workspace.graph.dependencies)",
        ]
        facts += workspace.definitionDigests.sorted { $0.key < $1.key }.map { "\($0)" }
        facts += workspace.arguments.sorted { $0.key < $1.key }.map { "\($0)" }
        return facts
    }

    private func sorted(_ config: PackageConfig) -> String { config.json.text() }

    /// Loads, changes, loads with what was kept, and compares with a load without.
    private func attack(
        _ name: String, _ base: [String: String], expectingRestored: Bool? = nil,
        _ change: (TestWorkspace, inout TestWorkspace.Settings) async throws -> Void
    ) async throws {
        let workspace = try workspace(base)
        _ = try await load(workspace)
        let again = try await load(workspace)
        #expect(again.isRestored, "\(name): nothing was kept")
        var settings = Self.settled
        try await change(workspace, &settings)
        let kept = try await load(workspace, settings)
        for file in try snapshots(workspace) { try Files.remove(file) }
        let read = try await load(workspace, settings)
        #expect(!read.isRestored)
        #expect(facts(kept) == facts(read), "\(name)")
        if let expectingRestored { #expect(kept.isRestored == expectingRestored, "\(name)") }
        // What was kept after the change serves as well as what was read.
        _ = try await load(workspace, settings)
        #expect(try await facts(load(workspace, settings)) == facts(read), "\(name), once more")
    }

    @Test("every change that alters a key is seen", arguments: KeyMutation.groups)
    func mutations(_ mutations: [KeyMutation]) async throws {
        for mutation in mutations {
            try await attack(mutation.name, mutation.base) { try mutation.change($0, &$1) }
        }
    }

    private static let base = KeyMutation.generic.merging([
        "p/sub/deep.txt": "deep", "q/BUILD.yaml": "packages: [{name: q, type: generic, srcs: ['**'], deps: ['p:p']}]",
        "q/x": "x", "other/file": "file",
    ]) { $1 }

    @Test("a source's content is taken over alone, with the versions that depend on it")
    func content() async throws {
        try await attack("content", Self.base, expectingRestored: true) { workspace, _ in
            try workspace.write("A", to: "p/a.txt")
        }
        try await attack("content of the same length and time", Self.base, expectingRestored: true) { workspace, _ in
            let time = try #require(try Files.status(workspace.path("p/a.txt"))).modified
            try workspace.write("z", to: "p/a.txt")
            try Files.setModified(workspace.path("p/a.txt"), time)
        }
        try await attack("mode", Self.base, expectingRestored: true) { workspace, _ in
            try Files.setMode(workspace.path("p/a.txt"), 0o755)
        }
        try await attack("time alone", Self.base, expectingRestored: true) { workspace, _ in
            try Files.setModified(workspace.path("p/a.txt"), 1_000_000_000)
        }
        try await attack("another file in its place", Self.base, expectingRestored: true) { workspace, _ in
            try workspace.write("new", to: "p/.tmp")
            try Files.rename(workspace.path("p/.tmp"), to: workspace.path("p/a.txt"))
        }
        try await attack("a file that no package has", Self.base, expectingRestored: true) { workspace, _ in
            try workspace.write("other", to: "other/file")
        }
    }

    @Test("a version that is part of what is built is computed from the start")
    func builtIn() async throws {
        var base = Self.base
        base["q/BUILD.yaml"] = "packages: [{name: q, type: generic, deps: ['p:p'], env: ['V=${__pkg_version}']}]"
        try await attack("content", base, expectingRestored: false) { workspace, _ in
            try workspace.write("A", to: "p/a.txt")
        }
    }

    @Test("a new, removed or renamed file or directory, and another kind in its place, are seen")
    func names() async throws {
        typealias Change = (TestWorkspace) throws -> Void
        let changes: [(String, Change)] = [
            ("new", { try $0.write("new", to: "p/new.txt") }),
            ("new in a new directory", { try $0.write("new", to: "q/new/deep/x") }),
            ("removed", { try Files.remove($0.path("p/a.txt")) }),
            ("renamed", { try Files.rename($0.path("p/a.txt"), to: $0.path("p/aa.txt")) }),
            (
                "two files with each other's names",
                {
                    try Files.rename($0.path("p/a.txt"), to: $0.path("p/t"))
                    try Files.rename($0.path("p/b.txt"), to: $0.path("p/a.txt"))
                    try Files.rename($0.path("p/t"), to: $0.path("p/b.txt"))
                }
            ),
            (
                "a directory with another's name",
                {
                    try $0.write("other", to: "r/deep.txt")
                    try Files.removeTree($0.path("p/sub"))
                    try Files.rename($0.path("r"), to: $0.path("p/sub"))
                }
            ),
            (
                "a directory in place of a file",
                {
                    try Files.remove($0.path("q/x"))
                    try $0.write("x", to: "q/x/x")
                }
            ),
            (
                "a link in place of a file",
                {
                    try Files.remove($0.path("q/x"))
                    try Files.symlink("../other/file", at: $0.path("q/x"))
                }
            ),
            ("a link to a directory", { try Files.symlink("../other", at: $0.path("q/link")) }),
            ("a link that leads nowhere", { try Files.symlink("nowhere", at: $0.path("q/link")) }),
            ("a new component", { try $0.write("packages: [{name: n, type: generic}]", to: "n/BUILD.yaml") }),
            ("a component gone", { try Files.remove($0.path("q/BUILD.yaml")) }),
            ("a workspace inside", { try $0.write("martlet: {}\n", to: "q/WORKSPACE.yaml") }),
            ("another program's", { try $0.write("version: 2\n", to: "q/WORKSPACE.yaml") }),
            ("ignored names", { try $0.write("sub\n", to: ".leewayignore") }),
            ("arguments", { try $0.write("flavour: file\n", to: "WORKSPACE.args.yaml") }),
            ("a comment", { try $0.write("# all\npackages: [{name: q, type: generic}]\n", to: "q/BUILD.yaml") }),
            ("a broken definition", { try $0.write("packages: [", to: "q/BUILD.yaml") }),
        ]
        for (name, change) in changes {
            try await attack(name, Self.base) { workspace, _ in try change(workspace) }
        }
    }

    @Test("links that lead elsewhere are seen, to files, to directories, inside and outside of the workspace")
    func links() async throws {
        func make(_ workspace: TestWorkspace) throws {
            try workspace.files.write("one", to: "outside/one/f")
            try workspace.files.write("one", to: "outside/two/f")
            try Files.symlink("one", at: workspace.files["outside/now"])
            try Files.symlink(workspace.files["outside/now"].string, at: workspace.path("q/dir"))
            try Files.symlink(workspace.files["outside/now/f"].string, at: workspace.path("q/file"))
            try Files.symlink("x", at: workspace.path("q/near"))
            try Files.symlink("gone", at: workspace.path("q/dangling.d"))
        }
        typealias Change = (TestWorkspace) throws -> Void
        let changes: [(String, Change)] = [
            ("nothing", { _ in }),
            ("content at the end", { try $0.files.write("other", to: "outside/one/f") }),
            (
                "a link on the way",
                {
                    try Files.remove($0.files["outside/now"])
                    try Files.symlink("two", at: $0.files["outside/now"])
                }
            ),
            (
                "the same file by another way",
                {
                    try Files.remove($0.path("q/near"))
                    try Files.symlink("./x", at: $0.path("q/near"))
                }
            ),
            ("the end is gone", { try Files.remove($0.files["outside/one/f"]) }),
            ("the end comes to be", { try $0.write("here", to: "q/gone") }),
            ("a new file behind a link", { try $0.files.write("new", to: "outside/one/g") }),
        ]
        for (name, change) in changes {
            let workspace = try workspace(Self.base)
            try workspace.write(
                "packages: [{name: q, type: generic, srcs: ['file', 'near', 'x', 'dir/*'], deps: ['p:p']}]",
                to: "q/BUILD.yaml")
            try make(workspace)
            _ = try await load(workspace)
            #expect(try await load(workspace).isRestored, "\(name)")
            try change(workspace)
            let kept = try await load(workspace)
            for file in try snapshots(workspace) { try Files.remove(file) }
            #expect(try await facts(kept) == facts(load(workspace)), "\(name)")
        }
    }

    @Test(
        "BUILD.js, its arguments and the node that runs it count",
        .enabled(if: hasTool("node"), "node is not installed"))
    func scripts() async throws {
        let workspace = try TestWorkspace([
            "WORKSPACE.yaml": "defaultArgs: {kind: a}\nmartlet: {}\n", "p/BUILD.yaml": "{}",
            "p/BUILD.js": "packages = [{name: 'p-' + args.kind, type: 'generic'}]",
        ])
        _ = try await load(workspace)
        let kept = try await load(workspace)
        #expect(kept.isRestored && kept.order.map(\.name) == ["p-a"])
        try workspace.write("defaultArgs: {kind: b}\nmartlet: {}\n", to: "WORKSPACE.yaml")
        #expect(try await load(workspace).order.map(\.name) == ["p-b"])
        try workspace.write("packages = [{name: 'q-' + args.kind, type: 'generic'}]", to: "p/BUILD.js")
        #expect(try await load(workspace).order.map(\.name) == ["q-b"])
        _ = try await load(workspace)
        // Another node is asked again.
        let node = try #require(ToolPath.find("node", path: "/usr/local/bin:/usr/bin:/bin"))
        try workspace.writeTool("node", "exec \(node) \"$@\"")
        #expect(try await load(workspace).isRestored == false)
        try Files.remove(workspace.path("p/BUILD.js"))
        #expect(try await load(workspace).order.isEmpty)
    }

    @Test("what was written just before is looked at again, and a clock that goes back changes nothing")
    func races() async throws {
        let workspace = try workspace(Self.base)
        var settings = TestWorkspace.Settings()
        settings.clockOffset = -3_600_000_000_000
        _ = try await load(workspace, settings)
        // Definitions that are this fresh are read once more, however the clock stands by then.
        #expect(try await load(workspace).isRestored == false)
        #expect(try await load(workspace).isRestored)
        #expect(try await load(workspace, settings).isRestored)
        try workspace.write("B", to: "p/b.txt")
        let kept = try await load(workspace, settings)
        for file in try snapshots(workspace) { try Files.remove(file) }
        #expect(try await facts(kept) == facts(load(workspace)))
    }

    @Test("with -D, or with arguments whose names look secret, nothing is kept")
    func secrets() async throws {
        var settings = Self.settled
        settings.arguments["flavour"] = "given"
        let workspace = try workspace(Self.base)
        _ = try await load(workspace, settings)
        #expect(try snapshots(workspace).isEmpty)
        try workspace.write("npm_token: hunter2\n", to: "WORKSPACE.args.yaml")
        _ = try await load(workspace)
        #expect(try snapshots(workspace).isEmpty)
    }

    @Test(
        "what git said is taken over under the same commit alone, and not after a file was changed",
        .enabled(if: hasGit, "git is not installed"))
    func gitFacts() async throws {
        let workspace = try workspace([
            "p/BUILD.yaml": "packages: [{name: p, type: generic, srcs: ['*.txt'], env: ['C=${__git_commit}']}]",
            "p/a.txt": "a", "other/b": "b",
        ])
        func commit(_ workspace: Workspace) throws -> String {
            try #require(workspace.packages[PackageName(component: "p", name: "p")]?.environment.first)
        }
        try await workspace.commitAll()
        let clean = try await commit(load(workspace))
        #expect(clean.count == 42)
        #expect(try await load(workspace).isRestored)
        try workspace.write("changed", to: "p/a.txt")
        let dirty = try await load(workspace)
        #expect(try commit(dirty).hasPrefix(clean + "-") && !dirty.isRestored)
        #expect(try await commit(load(workspace)) == commit(dirty))
        try workspace.write("a", to: "p/a.txt")
        #expect(try await commit(load(workspace)) == clean)
        _ = try await load(workspace)
        // The same files under another commit.
        try await git("commit", "-q", "--allow-empty", "-m", "empty", in: workspace.root)
        let later = try await load(workspace)
        #expect(try commit(later) != clean && !later.isRestored)
        // A file of the commit that is gone, and comes back.
        try Files.rename(workspace.path("p/a.txt"), to: workspace.path("p/a"))
        #expect(try await commit(load(workspace)).hasPrefix(commit(later) + "-"))
        try Files.rename(workspace.path("p/a"), to: workspace.path("p/a.txt"))
        #expect(try await commit(load(workspace)) == commit(later))
    }

    @Test("workspaces, variants and programs on one cache don't meet")
    func others() async throws {
        let files = try TemporaryDirectory()
        let one = try TestWorkspace(Self.base, in: "one", cache: files.path)
        let other = try TestWorkspace(Self.base, in: "other", cache: files.path)
        try other.write("B", to: "p/b.txt")
        for workspace in [one, other] { _ = try await load(workspace) }
        for workspace in [one, other] {
            let kept = try await load(workspace)
            #expect(kept.isRestored && kept.root == workspace.root)
        }
        var settings = Self.settled
        settings.variant = "more"
        #expect(try await load(one, settings).isRestored == false)
        #expect(try await load(one, settings).isRestored)
        #expect(try await load(one).isRestored == false)
    }

    @Test("a snapshot that is cut off, altered or nonsense is none")
    func damage() async throws {
        let workspace = try workspace(Self.base)
        let read = try await facts(load(workspace))
        #expect(try await load(workspace).isRestored)
        let file = try #require(try snapshots(workspace).first)
        let whole = try Files.read(file, limit: 1 << 24)
        var damaged: [[UInt8]] = [[], Array("martsnp1".utf8), Array(whole.dropLast()), whole + [0]]
        damaged += stride(from: 9, to: whole.count, by: 97).map { place in
            var bytes = whole
            bytes[place] ^= 0x41
            return bytes
        }
        for bytes in damaged {
            try Files.write(bytes, to: file)
            let loaded = try await load(workspace)
            #expect(loaded.isRestored == false && facts(loaded) == read)
        }
    }

    @Test("whatever a snapshot with a right checksum says, it is read without harm")
    func hostile() async throws {
        let workspace = try workspace(Self.base)
        let loaded = try await load(workspace)
        let file = try #require(try snapshots(workspace).first)
        let whole = try Files.read(file, limit: 1 << 24)
        for place in stride(from: 48, to: whole.count, by: 41) {
            for value in [0x00, 0x01, 0x7F, 0xFF] as [UInt8] {
                var bytes = whole
                bytes[place] = value
                let checksum = bytes.checksum(from: 16)
                for index in 0..<8 { bytes[8 + index] = UInt8(truncatingIfNeeded: checksum >> UInt64(8 * index)) }
                guard let digest = Digest(bytes, at: 16),
                    let snapshot = try? WorkspaceSnapshot(decoding: bytes, identity: digest)
                else { continue }
                _ = try? await snapshot.tree.compare(with: workspace.root)
                var unpacked = loaded
                try? unpacked.unpack(
                    snapshot.body, files: snapshot.files, ignores: .init(root: workspace.root, text: ""))
                for package in unpacked.packages.values { _ = package.leewayManifest }
            }
        }
    }
}
