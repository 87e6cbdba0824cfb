import Build
import Host
import SystemPackage

/// One change to a workspace that must change the key of a package in it.
struct KeyMutation: Sendable {
    let name: String
    /// The workspace that is changed; its package is `p:p`.
    let base: [String: String]
    let change: @Sendable (TestWorkspace, inout TestWorkspace.Settings) throws -> Void

    /// Replaces text in a file of the workspace.
    static func edit(
        _ name: String, _ base: [String: String], _ old: String, _ new: String, in file: String = "p/BUILD.yaml"
    ) -> KeyMutation {
        KeyMutation(name: name, base: base) { workspace, _ in
            let text = try Files.readText(workspace.path(file), limit: 1 << 20)
            guard text.contains(old) else { throw HostError(.input, "\(file) has no '\(old)'") }
            try workspace.write(text.replacing(old, with: new), to: file)
        }
    }

    static func change(
        _ name: String, _ base: [String: String],
        _ change: @escaping @Sendable (TestWorkspace, inout TestWorkspace.Settings) throws -> Void
    ) -> KeyMutation { KeyMutation(name: name, base: base, change: change) }

    // MARK: Generic

    static let generic = [
        "WORKSPACE.yaml": """
        defaultArgs: {flavour: plain, version: "1"}
        environmentManifest: [{name: kernel, command: [echo, one]}]
        variants:
          - name: other
            env: [MODE=variant]
          - name: fewer
            srcs: {exclude: ["**/b.txt"]}
          - name: more
            srcs: {include: ["*.extra"]}
        martlet: {}
        """,
        "d/BUILD.yaml": "packages: [{name: d, type: generic, srcs: ['*']}, {name: e, type: generic}]",
        "d/data": "data",
        "p/a.txt": "a", "p/b.txt": "b", "p/c.extra": "c",
        "p/BUILD.yaml": """
        const: {colour: red}
        packages:
          - name: p
            type: generic
            srcs: ["*.txt"]
            deps: ["d:d"]
            layout: {"d:d": place}
            env: [MODE=base, SECOND=2]
            argdeps: [version]
            prep: [[sh, prep]]
            config:
              commands: [[mytool, "${flavour}", "${colour}"]]
              test: [[sh, test]]
            martlet:
              passEnvironment: [PASSED]
        """,
    ]

    static let genericMutations: [KeyMutation] =
        [
            .edit("a command's argument", generic, "[[mytool,", "[[mytool, more,"),
            .edit("a further command", generic, "]]\n      test", "], [true]]\n      test"),
            .edit(
                "the same words as two commands", generic, "[[mytool, \"${flavour}\", ", "[[mytool, \"${flavour}\"], ["),
            .edit("a test", generic, "[[sh, test]]", "[[sh, other]]"),
            .edit("config.dontTest", generic, "[[sh, test]]", "[[sh, test]]\n      dontTest: true"),
            .edit("prep", generic, "[[sh, prep]]", "[[sh, other]]"),
            .edit("env's value", generic, "MODE=base", "MODE=b"),
            .edit("env's name", generic, "SECOND=", "THIRD="),
            .edit("env shortened", generic, ", SECOND=2", ""),
            .edit("layout", generic, "place}", "elsewhere}"),
            .edit("a dependency more", generic, "[\"d:d\"]", "[\"d:d\", \"d:e\"]"),
            .edit("a dependency gone", generic, "[\"d:d\"]", "[]"),
            .edit("argdeps", generic, "[version]", "[version, flavour]"),
            .edit("a constant's value", generic, "colour: red", "colour: blue"),
            .edit("martlet.fetch", generic, "passEnvironment:", "fetch: [[sh, fetch]]\n      passEnvironment:"),
            .edit("martlet.tools", generic, "passEnvironment:", "tools: [cat]\n      passEnvironment:"),
            .edit("martlet.toolRoots", generic, "passEnvironment:", "toolRoots: [/opt]\n      passEnvironment:"),
            .edit("martlet.outputs", generic, "passEnvironment:", "outputs: [out]\n      passEnvironment:"),
            .edit("martlet.timeLimit", generic, "passEnvironment:", "timeLimit: 5\n      passEnvironment:"),
            .edit("martlet.memoryLimit", generic, "passEnvironment:", "memoryLimit: 1GiB\n      passEnvironment:"),
            .edit("martlet.processLimit", generic, "passEnvironment:", "processLimit: 9\n      passEnvironment:"),
            .edit("martlet.passEnvironment", generic, "[PASSED]", "[PASSED, TERM]"),
            .edit(
                "the workspace's tool roots", generic, "martlet: {}", "martlet: {toolRoots: [/opt]}",
                in: "WORKSPACE.yaml"),
            .edit("a default argument", generic, "flavour: plain", "flavour: rich", in: "WORKSPACE.yaml"),
            .edit("an argument of argdeps", generic, "version: \"1\"", "version: \"2\"", in: "WORKSPACE.yaml"),
            .edit("the environment manifest", generic, "[echo, one]", "[echo, two]", in: "WORKSPACE.yaml"),
            .edit("a source's bytes", generic, "a", "A", in: "p/a.txt"),
            .edit("a dependency's source", generic, "data", "other", in: "d/data"),
            .edit("a dependency's definition", generic, "srcs: ['*']", "srcs: ['*'], env: [X=1]", in: "d/BUILD.yaml"),
        ] + genericChanges

    private static let genericChanges: [KeyMutation] = [
        .change("an arguments file", generic) { workspace, _ in
            try workspace.write("flavour: rich\n", to: "WORKSPACE.args.yaml")
        },
        .change("K2: -D of an argument that is used but not in argdeps", generic) { _, settings in
            settings.arguments["flavour"] = "rich"
        },
        .change("-D of an argument in argdeps", generic) { _, settings in settings.arguments["version"] = "3" },
        .change("K1: a variant's env", generic) { _, settings in settings.variant = "other" },
        .change("a variant that takes sources away", generic) { _, settings in settings.variant = "fewer" },
        .change("a variant that adds sources", generic) { _, settings in settings.variant = "more" },
        .change("K3: a source's mode", generic) { workspace, _ in
            try Files.setMode(workspace.path("p/a.txt"), 0o755)
        },
        .change("a source more", generic) { workspace, _ in try workspace.write("c", to: "p/c.txt") },
        .change("a source gone", generic) { workspace, _ in try Files.remove(workspace.path("p/b.txt")) },
        .change("a source renamed", generic) { workspace, _ in
            try Files.rename(workspace.path("p/b.txt"), to: workspace.path("p/z.txt"))
        },
        .change("K5: a link in place of the file that it leads to", generic) { workspace, _ in
            try workspace.write("a", to: "p/real")
            try Files.remove(workspace.path("p/a.txt"))
            try Files.symlink("real", at: workspace.path("p/a.txt"))
        },
        .change("tests left out", generic) { _, settings in settings.building.dontTest = true },
        .change("the sandbox off", generic) { _, settings in settings.building.sandboxOff = true },
        .change("the value of a passed variable", generic) { _, settings in settings.environment["PASSED"] = "1" },
        .change("K5: a tool's bytes", generic) { workspace, _ in try workspace.writeTool("mytool", "exit 1") },
        .change("K5: a tool that comes to be", generic) { workspace, _ in
            try Files.remove(workspace.fakeTools.appending("mytool"))
        },
    ]

    // MARK: Go

    static let go = [
        "WORKSPACE.yaml": """
        variants: [{name: other, config: {go: {buildFlags: [-race]}}}]
        martlet: {}
        """,
        "p/go.mod": "module p\n", "p/main.go": "package main\n", "p/other.mod": "module p\n", "p/other.sum": "",
        "p/BUILD.yaml": """
        packages:
          - name: p
            type: go
            srcs: ["go.mod", "*.go"]
            config:
              packaging: app
        """,
    ]

    static let goMutations: [KeyMutation] =
        [
            "generate: true", "dontTest: true", "dontCheckGoFmt: true", "dontLint: true", "buildFlags: [-v]",
            "buildCommand: [go, build]", "lintCommand: [go, vet]", "goVersion: go1.19", "goMod: other.mod",
        ].map { .edit("go \($0)", go, "packaging: app", "packaging: app\n      \($0)") } + [
            .edit("go packaging", go, "packaging: app", "packaging: library"),
            .change("K1: a variant's go build flags", go) { _, settings in settings.variant = "other" },
            .change("go.work", go) { workspace, _ in try workspace.write("go 1.19\nuse ./p\n", to: "go.work") },
            .change("the go program", go) { workspace, _ in try workspace.writeTool("go", "echo go version go2") },
        ]

    // MARK: Yarn

    static let yarn = [
        "p/package.json": #"{"name": "p", "version": "1.0.0"}"#, "p/yarn.lock": "# yarn lockfile v1\n",
        "p/other.lock": "# other\n", "p/tsconfig.json": "{}",
        "p/BUILD.yaml": """
        packages:
          - name: p
            type: yarn
            srcs: ["package.json"]
            config:
              packaging: archive
              yarnLock: yarn.lock
        """,
    ]

    static let yarnMutations: [KeyMutation] =
        ["library", "app", "offline-mirror"].map {
            .edit("yarn packaging \($0)", yarn, "packaging: archive", "packaging: \($0)")
        }
        + ["install: [a]", "build: [a]", "test: [a]"].map {
            .edit("yarn commands \($0)", yarn, "packaging: archive", "packaging: archive\n      commands: {\($0)}")
        } + [
            .edit("yarn dontTest", yarn, "packaging: archive", "packaging: archive\n      dontTest: true"),
            .edit("yarn tsconfig", yarn, "packaging: archive", "packaging: archive\n      tsconfig: tsconfig.json"),
            .edit("yarn yarnLock", yarn, "yarnLock: yarn.lock", "yarnLock: other.lock"),
            .edit("the lock file", yarn, "v1", "v2", in: "p/yarn.lock"),
            .change("the node program", yarn) { workspace, _ in try workspace.writeTool("node", "echo v2") },
        ]

    // MARK: Docker

    static let docker = [
        "p/Dockerfile": "FROM scratch\n", "p/Other": "FROM scratch\n",
        "p/BUILD.yaml": """
        packages:
          - name: p
            type: docker
            config:
              dockerfile: Dockerfile
              image: [example.org/p]
        """,
    ]

    static let dockerMutations: [KeyMutation] =
        [
            "buildArgs: {A: b}", "squash: true", "metadata: {a: b}", "exportToCache: true",
        ].map { .edit("docker \($0)", docker, "image: [", "\($0)\n      image: [") } + [
            .edit("docker dockerfile", docker, "Dockerfile", "Other"),
            .edit("docker image", docker, "/p]", "/q]"),
            .edit("docker without image", docker, "image: [example.org/p]", ""),
            .edit("the Dockerfile", docker, "scratch", "scratch AS x", in: "p/Dockerfile"),
            .change("the image builder", docker) { workspace, _ in try workspace.writeTool("buildah", "exit 1") },
        ]

    // MARK: Swift

    static let swift = [
        "p/Package.swift": "// swift-tools-version: 6.0\n", "p/Tests/T/T.swift": "",
        "p/BUILD.yaml": """
        packages:
          - name: p
            type: swift
            srcs: ["**"]
            config:
              configuration: release
        """,
    ]

    static let swiftMutations: [KeyMutation] =
        ["products: [a]", "dontTest: true", "buildFlags: [-v]"].map {
            .edit("swift \($0)", swift, "configuration: release", "configuration: release\n      \($0)")
        } + [
            .edit("swift configuration", swift, "release", "debug"),
            .change("the swift program", swift) { workspace, _ in try workspace.writeTool("swift", "echo swift 2") },
        ]

    static let groups = [genericMutations, goMutations, yarnMutations, dockerMutations, swiftMutations]
}
