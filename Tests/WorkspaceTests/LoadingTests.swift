import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Workspace

@Suite("Loading")
struct LoadingTests {
    static let one = "packages:\n- name: p\n  type: generic\n  srcs: [\"**\"]\n"

    // MARK: - Keys (specs/build.md section 10, K1 to K3)

    @Test("a variant changes flags and environment of a package, though not its Leeway version")
    func variantReachesThePackage() async throws {
        let fixture = try Fixture([
            "WORKSPACE.yaml": """
            variants:
            - name: race
              env: ["A=variant", "B=2"]
              config: {go: {buildFlags: [-race], lintCommand: [lint]}}
            """,
            "c/BUILD.yaml":
                "packages:\n- {name: p, type: go, srcs: [main.go], env: [A=own], config: {lintCommand: [x]}}\n",
            "c/main.go": "package main\n",
        ])
        let plain = try await fixture.load().package("c:p")
        let varied = try await fixture.load { $0.variant = "race" }.package("c:p")
        #expect(varied.environment == ["A=variant", "B=2"])
        guard case .go(let config) = varied.config else { throw WorkspaceError(.unknownName, "not go") }
        #expect(config.buildFlags == ["-race"])
        #expect(config.lintCommand == ["x"], "a variant fills only what is empty")
        #expect(plain.leewayVersion == varied.leewayVersion)
        #expect(plain.config != varied.config)
    }

    @Test("an argument that reaches a package is recorded with its value, though the Leeway version stays")
    func argumentReachesThePackage() async throws {
        let fixture = try Fixture([
            "c/BUILD.yaml": "packages:\n- {name: p, type: generic, config: {commands: [[echo, \"${foo}\"]]}}\n"
        ])
        let one = try await fixture.load { $0.arguments = ["foo": "1", "bar": "x"] }.package("c:p")
        let two = try await fixture.load { $0.arguments = ["foo": "2"] }.package("c:p")
        #expect(one.substituted == ["foo": "1"])
        #expect(two.substituted == ["foo": "2"])
        #expect(one.leewayVersion == two.leewayVersion)
        #expect(one.config != two.config)
    }

    @Test("the mode bit and the target of a link are facts of a source")
    func modesAndLinks() async throws {
        let fixture = try Fixture(["c/BUILD.yaml": Self.one, "c/a.sh": "x", "c/b.sh": "y"])
        try Files.setMode(fixture.directory["c/a.sh"], 0o755)
        try Files.symlink("a.sh", at: fixture.directory["c/link"])
        let sources = try await fixture.load().package("c:p").sources
        #expect(sources.map(\.path) == ["c/BUILD.yaml", "c/a.sh", "c/b.sh", "c/link"])
        #expect(sources.map(\.isExecutable) == [false, true, false, true])
        #expect(sources[3].linkTarget == "a.sh")
        #expect(sources[3].digest == sources[1].digest)
    }

    // MARK: - Files

    @Test("links to directories are followed, but not round in circles")
    func linkLoops() async throws {
        let fixture = try Fixture(["c/BUILD.yaml": Self.one, "c/d/x": "1", "other/y": "2"])
        try Files.symlink("..", at: fixture.directory["c/d/up"])
        try Files.symlink("../other", at: fixture.directory["c/there"])
        try Files.symlink("../c", at: fixture.directory["other/back"])
        let sources = try await fixture.load().package("c:p").sources
        #expect(sources.map(\.path).contains("c/there/y"))
        #expect(sources.count < 10)
    }

    @Test("an entry of .leewayignore ignores every path that contains it")
    func ignores() async throws {
        let fixture = try Fixture([
            ".leewayignore": "node_modules\n", "c/BUILD.yaml": Self.one, "c/node_modules/x": "1",
            "c/my_node_modules.txt": "2", "c/y": "3",
        ])
        let sources = try await fixture.load().package("c:p").sources
        #expect(sources.map(\.path) == ["c/BUILD.yaml", "c/y"])
    }

    @Test("an entry of .leewayignore that is in the workspace's own path empties it, with a warning")
    func ignoredRoot() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("defaultTarget: c:p\n", to: "node_modules_ws/WORKSPACE.yaml")
        try directory.write("node_modules\n", to: "node_modules_ws/.leewayignore")
        try directory.write(Self.one, to: "node_modules_ws/c/BUILD.yaml")
        let workspace = try await Workspace.load(
            root: directory["node_modules_ws"], options: Fixture.options())
        #expect(workspace.packages.isEmpty)
        #expect(workspace.diagnostics.contains { $0.location.description == ".leewayignore:1" })
    }

    @Test("a workspace inside a workspace is left out, another program's file changes nothing")
    func nestedWorkspaces() async throws {
        let fixture = try Fixture([
            "c/BUILD.yaml": Self.one, "c/inner/WORKSPACE.yaml": "", "c/inner/x": "1",
            "c/foreign/WORKSPACE.yaml": "apiVersion: v1\n", "c/foreign/y": "1",
        ])
        let workspace = try await fixture.load()
        #expect(
            try workspace.package("c:p").sources.map(\.path) == [
                "c/BUILD.yaml", "c/foreign/WORKSPACE.yaml", "c/foreign/y",
            ])
    }

    @Test("another program's WORKSPACE.yaml is not taken for a workspace", arguments: ["- a\n", "kind: x\n", "text\n"])
    func foreignFile(text: String) async throws {
        let fixture = try Fixture(["WORKSPACE.yaml": text])
        await #expect(throws: WorkspaceError.self) { try await fixture.load() }
        #expect(throws: WorkspaceError.self) { try Workspace.findRoot(from: fixture.directory["c"]) }
    }

    @Test("the root is the nearest directory above with a workspace file")
    func findRoot() throws {
        let fixture = try Fixture(["a/b/c/file": "", "a/WORKSPACE.yaml": "kind: x\n"])
        let found = try Workspace.findRoot(from: fixture.directory["a/b/c"])
        #expect(found == fixture.directory.path)
        #expect(try Workspace.findRoot(from: "/", override: "/x/y") == "/x/y")
    }

    @Test("a missing implicit source is an error with its place")
    func missingImplicitSource() async throws {
        let workspace = try await Fixture([
            "c/BUILD.yaml": "packages:\n- {name: p, type: docker}\n"
        ]).load()
        #expect(workspace.errors.map(\.location.description) == ["c/BUILD.yaml:2"])
        #expect(workspace.errors[0].message.contains("c/Dockerfile"))
    }

    @Test("go.work, goMod and its sum are sources of go packages")
    func goSources() async throws {
        let workspace = try await Fixture([
            "go.work": "", "x.mod": "", "x.sum": "",
            "c/BUILD.yaml": "packages:\n- {name: p, type: go, config: {goMod: ../x.mod}}\n",
        ]).load()
        let sources = try workspace.package("c:p").sources
        #expect(sources.map(\.path) == ["go.work", "x.mod", "x.sum"])
        #expect(sources.filter { !$0.isImplicit }.isEmpty)
    }

    @Test("source exclusion of a variant wins over inclusion")
    func variantSources() async throws {
        let fixture = try Fixture([
            "WORKSPACE.yaml": """
            defaultVariant:
              srcs: {include: ["extra/**"], exclude: ["**/*.tmp", "p.txt"]}
              components: {exclude: [gone]}
            """,
            "c/BUILD.yaml": """
            packages:
            - {name: p, type: generic, srcs: ["*.txt"], deps: ["gone:x", ":q", ":r"]}
            - {name: q, type: generic}
            - {name: r, type: generic}
            """,
            "c/p.txt": "", "c/q.txt": "", "c/extra/a": "", "c/extra/a.tmp": "",
            "gone/BUILD.yaml": "packages:\n- {name: x, type: generic}\n",
        ])
        let workspace = try await fixture.load()
        let package = try workspace.package("c:p")
        #expect(package.sources.map(\.path).filter { $0 != "c/extra/a" } == ["c/q.txt"])
        #expect(package.sources.contains { $0.path == "c/extra/a" })
        #expect(package.dependencies.map(\.description) == ["c:r", "c:q"], "Leeway moves the last one into the gap")
        #expect(workspace.components["gone"] == nil)
    }

    // MARK: - Substitution

    @Test("constants beat arguments, unknown names stay, and constants alone substitute nothing")
    func substitution() async throws {
        let fixture = try Fixture([
            "c/BUILD.yaml": """
            const: {a: const}
            packages:
            - {name: p, type: generic, argdeps: [a, b, c], env: ["X=${a}-${b}-${c}"]}
            """
        ])
        let with = try await fixture.load { $0.arguments = ["a": "arg", "b": "2"] }.package("c:p")
        #expect(with.environment == ["X=const-2-${c}"])
        #expect(with.argumentDependencies == ["a: const", "b: 2", "c: <not-set>"])
        #expect(with.unresolved == ["c"])
        let without = try await fixture.load().package("c:p")
        #expect(without.environment == ["X=${a}-${b}-${c}"])
        #expect(without.unresolved == ["a", "b", "c"])
    }

    @Test("default arguments are overridden by the arguments file, and that by -D")
    func argumentOrder() async throws {
        let fixture = try Fixture([
            "WORKSPACE.yaml": "defaultArgs: {a: 1, b: 1, c: 1}\n", "WORKSPACE.args.yaml": "b: 2\nc: 2\n",
        ])
        #expect(try await fixture.load { $0.arguments = ["c": "3"] }.arguments == ["a": "1", "b": "2", "c": "3"])
    }

    @Test("built-in arguments get the version and the commit, which a dirty dependency marks")
    func builtIns() async throws {
        let fixture = try Fixture([
            "c/BUILD.yaml": """
            packages:
            - {name: p, type: generic, deps: [":q"], env: ["V=${__pkg_version}", "C=${__git_commit_short}"]}
            - {name: q, type: generic, config: {commands: [[echo, "${__git_commit}"]]}}
            """
        ])
        let commit = String(repeating: "ab", count: 20)
        func load(dirty: String) async throws -> Package {
            try await fixture.load {
                $0.gitFacts = { _ in .init(commit: commit) { $0.name.name == dirty } }
            }.package("c:p")
        }
        let clean = try await load(dirty: "none")
        #expect(clean.environment == ["V=\(clean.leewayVersion)", "C=abababa"])
        #expect(clean.unresolved.isEmpty)
        let dirty = try await load(dirty: "q")
        #expect(dirty.environment[1] == "C=abababa-\(dirty.leewayVersion)")
        let outside = try await fixture.load().package("c:p")
        #expect(outside.unresolved == ["__git_commit_short"])
    }

    // MARK: - Diagnostics

    @Test("what Leeway ignores in silence is reported with its line")
    func unknownKeys() async throws {
        let fixture = try Fixture([
            "WORKSPACE.yaml": "defaultTarget: c:p\nvariant: []\n",
            "c/BUILD.yaml": "packages:\n- name: p\n  type: yarn\n  config:\n    yarnlock: yarn.lock\n  srcss: []\n",
        ])
        let workspace = try await fixture.load { $0.variant = "nope" }
        #expect(
            workspace.messages == [
                "WORKSPACE.yaml:1: there is no variant 'nope', so none is applied",
                "WORKSPACE.yaml:2: unknown key 'variant' in the workspace",
                "c/BUILD.yaml:5: unknown key 'yarnlock' in config of a yarn package",
                "c/BUILD.yaml:6: unknown key 'srcss' in a package",
            ])
        #expect(workspace.diagnostics[2].remedy == "did you mean 'yarnLock'?")
        #expect(workspace.errors.isEmpty)
        #expect(try await fixture.load { $0.strictness = .lenient }.diagnostics.isEmpty)
        #expect(try await fixture.load { $0.strictness = .strict }.errors.count == 3)
    }

    @Test("wrong types, unknown package types and unreadable YAML are errors with their lines")
    func wrongTypes() async throws {
        let workspace = try await Fixture([
            "a/BUILD.yaml": "packages:\n- name: p\n  type: generic\n  srcs: {a: b}\n  ephemeral: maybe\n",
            "b/BUILD.yaml": "packages:\n- name: p\n  type: rust\n",
            "c/BUILD.yaml": "packages:\n- [a\n",
            "d/BUILD.yaml": "packages: [" + String(repeating: "[", count: 10_000),
        ]).load()
        #expect(
            workspace.errors.prefix(3).map(\.description) == [
                "a/BUILD.yaml:4: error: srcs has to be a list",
                "a/BUILD.yaml:5: error: ephemeral has to be true or false",
                "b/BUILD.yaml:3: error: unknown package type 'rust'; use one of docker, generic, go, image, swift, yarn",
            ])
        #expect(workspace.errors.contains { $0.location.file == "c/BUILD.yaml" })
        #expect(workspace.errors.contains { $0.location.file == "d/BUILD.yaml" && $0.message.contains("deeper") })
    }

    @Test("the type that yarn packages had once still means them, in the definition as it is written")
    func formerType() async throws {
        let text = "packages:\n- name: p\n  type: typescript\n  srcs: [package.json]\n"
        let fixture = try Fixture(["c/BUILD.yaml": text, "c/package.json": "{}"])
        let workspace = try await fixture.load()
        #expect(
            workspace.diagnostics.map(\.description) == [
                "c/BUILD.yaml:3: warning: the package type 'typescript' is now called 'yarn'; "
                    + "`martlet fmt -fi` renames it"
            ])
        let package = try workspace.package("c:p")
        #expect(package.type == .yarn)
        #expect(String(decoding: package.definition, as: UTF8.self).contains("type: typescript\n"))
        #expect(try await fixture.load { $0.strictness = .lenient }.diagnostics.isEmpty)
    }

    @Test("a variant may configure types that nothing has, which Leeway ignores in silence")
    func variantOfUnknownType() async throws {
        let workspace = try await Fixture([
            "WORKSPACE.yaml": "variants:\n- name: v\n  config:\n    typescript:\n      packaging: app\n"
        ]).load()
        #expect(workspace.errors.isEmpty)
        #expect(workspace.messages == ["WORKSPACE.yaml:4: unknown key 'typescript' in config of a variant"])
    }

    @Test("a dependency in a workspace inside of this one is missing, and the error says why")
    func nestedDependency() async throws {
        let workspace = try await Fixture([
            "c/BUILD.yaml": "packages:\n- {name: p, type: generic, deps: ['n/d:q']}\n",
            "n/WORKSPACE.yaml": "defaultTarget: d:q\n",
            "n/d/BUILD.yaml": "packages:\n- {name: q, type: generic}\n",
        ]).load()
        #expect(
            workspace.errors.map(\.description) == [
                "c/BUILD.yaml:2: error: c:p depends on 'n/d:q', which does not exist; n is a workspace of its own; "
                    + "without n/WORKSPACE.yaml its packages belong to this one"
            ])
    }

    @Test("aliases that expand without measure are refused")
    func aliasBomb() async throws {
        let list = "[" + Array(repeating: "x", count: 2000).joined(separator: ",") + "]"
        let uses = Array(repeating: "*a", count: 2000).joined(separator: ",")
        let workspace = try await Fixture([
            "c/BUILD.yaml": "x: &a \(list)\npackages:\n- {name: p, type: generic, prep: [\(uses)]}\n"
        ]).load()
        #expect(workspace.errors.contains { $0.message.contains("aliases") })
    }

    @Test("a cycle is reported with its path, a missing dependency with a suggestion")
    func graphErrors() async throws {
        let workspace = try await Fixture([
            "c/BUILD.yaml": """
            packages:
            - {name: a, type: generic, deps: [":b", ":bb"]}
            - {name: b, type: generic, deps: [":a"]}
            """
        ]).load()
        #expect(
            workspace.errors.map(\.description) == [
                "c/BUILD.yaml:2: error: c:a depends on 'c:bb', which does not exist; did you mean 'c:b'?",
                "c/BUILD.yaml:2: error: the packages depend on each other in a cycle: c:a -> c:b -> c:a; "
                    + "remove one of these dependencies",
            ])
    }

    @Test("a chain of diamonds loads, though it has 2^24 paths")
    func diamonds() async throws {
        let pairs = 24
        var text = "packages:\n"
        for level in 0..<pairs {
            for side in ["a", "b"] {
                let below = level + 1 < pairs ? "\":a\(level + 1)\", \":b\(level + 1)\"" : ""
                text += "- {name: \(side)\(level), type: generic, deps: [\(below)]}\n"
            }
        }
        let workspace = try await Fixture(["c/BUILD.yaml": text]).load()
        #expect(workspace.errors.isEmpty)
        #expect(try workspace.package("c:a0").leewayVersion.count == 40)
        #expect(workspace.treeText(of: PackageName(component: "c", name: "a0")).utf8.count < 10_000)
    }

    @Test("known hashes are taken from the memory, new ones are given to it")
    func hashMemory() async throws {
        let fixture = try Fixture(["c/BUILD.yaml": Self.one, "c/x": "1"])
        let seen = Recorder()
        let fresh = try await fixture.load {
            $0.hashMemory = { .init(recall: { _, _ in nil }, remember: { seen.add($0.map(\.path)) }) }
        }
        #expect(seen.paths.sorted() == ["c/BUILD.yaml", "c/x"])
        let fake = ContentHashes(digest: .of("fake"), highway: [UInt8](repeating: 7, count: 32), size: 4)
        let recalled = try await fixture.load {
            $0.hashMemory = { .init(recall: { _, _ in fake }, remember: { _ in Issue.record("nothing is new") }) }
        }
        #expect(try recalled.package("c:p").sources[0].digest == .of("fake"))
        let before = try fresh.package("c:p").leewayVersion
        let after = try recalled.package("c:p").leewayVersion
        #expect(before != after)
    }

    @Test("martlet's own settings are read, and mistakes in them are errors")
    func settings() async throws {
        let workspace = try await Fixture([
            "WORKSPACE.yaml": "martlet: {sandbox: false, cacheSize: 10GiB, platform: packages}\n",
            "c/BUILD.yaml": """
            packages:
            - name: p
              type: swift
              config: {configuration: debug, products: [x]}
              martlet: {fetch: [[curl]], tools: [jq], outputs: [out], timeLimit: 60, memoryLimit: 1GiB, typo: 1}
            """,
        ]).load()
        #expect(workspace.file.settings.sandbox == false)
        #expect(workspace.file.settings.cacheSize == 10 << 30)
        #expect(workspace.file.settings.platform == .packages)
        let settings = try workspace.package("c:p").settings
        #expect(settings.fetch == [["curl"]])
        #expect(settings.memoryLimit == 1 << 30)
        #expect(settings.timeLimit == 60)
        #expect(workspace.errors.map(\.message) == ["unknown key 'typo' in martlet"])
    }
}

/// Collects paths from any task.
private final class Recorder: Sendable {
    private let store = Lock()

    var paths: [String] { store.read() }

    func add(_ paths: [String]) { store.append(paths) }
}
