import Bytes
import Testing
import Workspace

@testable import Build

@Suite("Recipes")
struct RecipeTests {
    private func recipe(
        _ package: Package, _ others: [Package] = [], dontTest: Bool = false, files: [String: String] = [:]
    )
        throws -> Recipe
    {
        try Recipe(for: package, in: .fixture([package] + others, dontTest: dontTest, files: files))
    }

    @Test("a generic package runs its commands, then its tests, which leave nothing")
    func generic() throws {
        var config = GenericConfig()
        config.commands = [["make"]]
        config.test = [["make", "check"]]
        let recipe = try recipe(.fixture("c:p", config: .generic(config), dependencies: ["d:q"], prep: [["prepare"]]))
        #expect(recipe.steps.map(\.kind) == [.build, .test])
        #expect(recipe.steps.map(\.commands) == [[["prepare"], ["make"]], [["make", "check"]]])
        #expect(recipe.steps.map(\.keepsFiles) == [true, false])
        #expect(recipe.dependencies.map(\.path) == ["d--q"])
        #expect(recipe.dependencies.map(\.isPartOfArtifact) == [true])
    }

    @Test(
        "commands that change a dependency are told from those that read it",
        arguments: [
            (["mv", "a--b/x", "."], true), (["/bin/rm", "-r", "a--b"], true),
            (["sh", "-c", "cd a--b && mv x .."], true),
            (["sed", "-i", "s/x/y/", "a--b/x"], true), (["sh", "-c", "echo x > a--b/x"], true),
            (["sh", "-c", "echo x >>\"./a--b/x\""], true), (["cp", "x", "a--b/"], true),
            (["cp", "-r", "a--b/x", "."], false), (["tar", "xf", "a--b/x.tar"], false), (["mv", "x", "y"], false),
            (["sh", "-c", "cat a--b/x > y"], false), (["go", "build", "./..."], false),
        ])
    func changing(command: [String], isChanging: Bool) {
        #expect(Recipe.changes(command, at: "a--b") == isChanging)
        #expect(!Recipe.changes(command, at: "") && !Recipe.changes(command, at: "."))
    }

    @Test("a generic package without commands has no steps, and so always builds")
    func emptyGeneric() throws {
        #expect(try recipe(.fixture("c:p")).steps.isEmpty)
    }

    @Test("tests are left out on request")
    func dontTest() throws {
        var config = GenericConfig()
        config.test = [["false"]]
        #expect(try recipe(.fixture("c:p", config: .generic(config)), dontTest: true).steps.isEmpty)
    }

    @Test("a Go app is linted, tested and built below its dependencies")
    func go() throws {
        var config = GoConfig()
        config.dontLint = true
        config.buildFlags = ["-tags", "x"]
        let library = Package.fixture("lib:go", config: .go(GoConfig()), sources: ["lib/go.mod": "module l"])
        let app = Package.fixture(
            "app:app", config: .go(config), sources: ["app/go.mod": "module a"], dependencies: ["lib:go"])
        let recipe = try recipe(app, [library])
        #expect(recipe.steps.map(\.kind) == [.prep, .lint, .test, .build])
        #expect(recipe.steps.last?.commands == [["go", "build", "-trimpath", "-tags", "x", "."]])
        #expect(recipe.dependencies.map(\.path) == ["_deps/lib--go"])
        #expect(recipe.dependencies.map(\.isPartOfArtifact) == [false])
        #expect(recipe.leftOut == ["_deps"])
    }

    @Test("a Go library has no build step, and modules are fetched only when go.sum names any")
    func goLibrary() throws {
        var config = GoConfig()
        config.packaging = .library
        config.dontLint = true
        config.dontTest = true
        config.dontCheckGoFmt = true
        let plain = Package.fixture("l:l", config: .go(config), sources: ["l/go.mod": "module l", "l/go.sum": ""])
        #expect(try recipe(plain).steps.isEmpty)
        let locked = Package.fixture("l:l", config: .go(config), sources: ["l/go.mod": "module l", "l/go.sum": "x"])
        let steps = try recipe(locked).steps
        #expect(steps.map(\.kind) == [.fetch])
        #expect(steps.map(\.usesNetwork) == [true])
    }

    @Test("a Go package without go.mod is refused")
    func goWithoutModule() {
        #expect(throws: BuildError.self) { try recipe(.fixture("c:p", config: .go(GoConfig()))) }
    }

    @Test("go.work keeps its other directives and uses what is here")
    func goWork() throws {
        var config = GoConfig()
        config.dontLint = true
        var app = Package.fixture("a:a", config: .go(config), sources: ["a/go.mod": "module a"], dependencies: ["l:l"])
        app.sources.append(
            SourceFile(path: "go.work", digest: .of(""), size: 0, isExecutable: false, isImplicit: true))
        let library = Package.fixture("l:l", config: .go(config), sources: ["l/go.mod": "module l"])
        let work = "go 1.19\n\nuse (\n\t./a\n\t./l\n)\nuse ./x\nreplace a => b v1.0.0\n"
        let recipe = try recipe(app, [library], files: ["go.work": work])
        let file = try #require(recipe.files.first)
        let text = String(decoding: file.content, as: UTF8.self)
        #expect(file.path == "go.work")
        #expect(text.contains("replace a => b v1.0.0"))
        #expect(text.hasSuffix("use (\n\t./\n\t./_deps/l--l\n)\n"))
        #expect(!text.contains("./x"))
    }

    @Test("an offline yarn app installs from its mirror without the network")
    func yarnOffline() throws {
        let sources = [
            "w/package.json": #"{"name":"w","version":"1.0.0"}"#, "w/yarn.lock": "# yarn lockfile v1\n",
            "w/.yarnrc": "yarn-offline-mirror \"./mirror\"\n",
        ]
        let recipe = try recipe(.fixture("w:app", config: .yarn(YarnConfig()), sources: sources), files: sources)
        #expect(recipe.steps.map(\.kind) == [.fetch, .test, .build, .package])
        #expect(recipe.steps.allSatisfy { !$0.usesNetwork })
        #expect(recipe.steps[0].commands[0].contains("--offline"))
        #expect(recipe.artifactDirectory == "_pkg")
    }

    @Test("a yarn link: to a built package becomes a file: dependency in manifest and lock")
    func yarnLink() throws {
        var library = YarnConfig()
        library.packaging = .library
        let files = [
            "w/package.json": #"{"name":"w","version":"1.0.0","dependencies":{"shared":"link:./../shared"}}"#,
            "w/yarn.lock": "\"shared@link:../shared\":\n  version \"0.0.0\"\n",
            "shared/package.json": #"{"name":"shared","version":"1.0.0"}"#,
        ]
        let shared = Package.fixture(
            "shared:lib", config: .yarn(library),
            sources: ["shared/package.json": files["shared/package.json", default: ""]])
        let app = Package.fixture(
            "w:app", config: .yarn(YarnConfig()), sources: files.filter { $0.key.hasPrefix("w/") },
            dependencies: ["shared:lib"])
        let recipe = try recipe(app, [shared], files: files)
        let written = Dictionary(
            recipe.files.map { ($0.path, String(decoding: $0.content, as: UTF8.self)) }, uniquingKeysWith: { $1 })
        #expect(written["package.json"]?.contains("file:./_link_deps/shared") == true)
        #expect(written["yarn.lock"]?.contains("\"shared@file:./_link_deps/shared\"") == true)
        #expect(recipe.dependencies.map(\.path).sorted() == ["_libs/shared--lib", "_link_deps/shared"])
    }

    @Test("an argument that nothing resolved is an error that names the place")
    func unresolved() throws {
        var package = Package.fixture("c:p")
        package.unresolved = ["version"]
        let error = try #require(throws: BuildError.self) { try recipe(package) }
        #expect(error.description.contains("c/BUILD.yaml:1: c:p: cannot build with unresolved argument ${version}"))
    }

    @Test("fetch commands come before all but preparation, and only they have the network")
    func fetch() throws {
        var config = GenericConfig()
        config.commands = [["build"]]
        var settings = PackageSettings()
        settings.fetch = [["curl", "-O", "x"]]
        let recipe = try recipe(.fixture("c:p", config: .generic(config), settings: settings))
        #expect(recipe.steps.map(\.kind) == [.fetch, .build])
        #expect(recipe.steps.map(\.usesNetwork) == [true, false])
        #expect(recipe.tools == ["build", "curl"])
    }
}
