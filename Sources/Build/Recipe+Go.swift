internal import Workspace

extension Recipe {
    /// A Go module: every dependency below `_deps`, those that are Go modules replaced in `go.mod` or used by
    /// `go.work`; gofmt, lint, test, `go build -trimpath`.
    static func go(_ package: Package, _ config: GoConfig, _ context: RecipeContext) throws(BuildError) -> Recipe {
        let directory = package.name.component == "//" ? "" : package.name.component + "/"
        guard
            package.sources.contains(where: {
                $0.path == directory + "go.mod" || $0.isImplicit && $0.path.hasSuffix(".mod")
            })
        else {
            throw BuildError(
                .configuration, "can only build Go modules: add go.mod to the sources", package: package.name,
                location: package.location)
        }
        let go = config.goVersion.isEmpty ? "go" : config.goVersion
        var recipe = Recipe(steps: [], tools: [go, "gofmt"])
        var prep: [[String]] = []
        var uses = ["./"]
        let isWorkspace = package.sources.contains { $0.isImplicit && $0.path == "go.work" }
        for name in context.transitiveDependencies(package.name) {
            guard let dependency = context.packages[name], !dependency.isPassedOver else { continue }
            let path = "_deps/" + package.place(of: name)
            recipe.dependencies.append(DependencyMount(package: name, path: path, isPartOfArtifact: false))
            guard dependency.type == .go else { continue }
            uses.append("./" + path)
            if !isWorkspace {
                let module = "$(sed -n 's/^module[ \\t]*//p' '\(path)/go.mod' | head -n1)"
                prep.append(["sh", "-c", "\(go) mod edit -replace \"\(module)\"='./\(path)'"])
            }
        }
        if isWorkspace {
            let content = try workFile(of: package, uses: uses, context)
            recipe.files.append(WrittenFile(path: "go.work", content: Array(content.utf8)))
        }
        prep += package.prep
        if config.generate { prep.append([go, "generate", "-v", "./..."]) }
        if !prep.isEmpty { recipe.steps.append(Step(.prep, prep)) }
        recipe.addGoSteps(package, config, context, go: go)
        recipe.leftOut = ["_deps"]
        recipe.tools += recipe.steps.flatMap(\.commands).compactMap(\.first)
        return recipe
    }

    private mutating func addGoSteps(_ package: Package, _ config: GoConfig, _ context: RecipeContext, go: String) {
        if Self.needsModules(package) {
            var fetch = Step(.fetch, [[go, "mod", "download"]])
            fetch.usesNetwork = true
            fetch.environment = ["GOPROXY": "https://proxy.golang.org,direct"]
            steps.append(fetch)
        }
        var lint: [[String]] = []
        if !config.dontCheckGoFmt {
            // `gofmt` only reads; Leeway's `go fmt` would change the files that it complains about.
            let files = "find . -path ./_deps -prune -o -path '*/vendor' -prune -o -name '*.go' -type f -print0"
            lint.append([
                "sh", "-c",
                "bad=$(\(files) | xargs -0 -r gofmt -l) && if [ -n \"$bad\" ]; then echo 'please gofmt your code:'; echo \"$bad\"; exit 1; fi",
            ])
        }
        if !config.dontLint { lint.append(config.lintCommand.isEmpty ? ["golangci-lint", "run"] : config.lintCommand) }
        if !lint.isEmpty {
            var step = Step(.lint, lint)
            step.keepsFiles = false
            steps.append(step)
        }
        if !config.dontTest, !context.dontTest {
            var step = Step(.test, [[go, "test", "./..."]])
            step.keepsFiles = false
            steps.append(step)
        }
        guard config.packaging == .app else { return }
        let plain = [go, "build", "-trimpath"] + config.buildFlags + ["."]
        steps.append(Step(.build, [config.buildCommand.isEmpty ? plain : config.buildCommand]))
    }

    /// Whether `go.sum` names modules that have to be downloaded; a vendored module is complete.
    private static func needsModules(_ package: Package) -> Bool {
        let paths = Set(package.sources.map(\.path))
        return package.sources.contains {
            $0.path.hasSuffix("go.sum") && $0.size > 0
                && !paths.contains($0.path.dropLast("go.sum".count) + "vendor/modules.txt")
        }
    }

    /// The workspace's `go.work` with its `use` directives replaced: it names modules that are not in the build.
    private static func workFile(of package: Package, uses: [String], _ context: RecipeContext) throws(BuildError)
        -> String
    {
        let bytes: [UInt8]
        do {
            bytes = try context.readSource("go.work")
        } catch {
            throw BuildError(.missing, "cannot read go.work: \(error)", package: package.name)
        }
        var lines: [Substring] = []
        var inBlock = false
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
            if inBlock {
                inBlock = words.first != ")"
            } else if words.first == "use" || words.first == "use(" {
                inBlock = words.last?.hasSuffix("(") == true
            } else {
                lines.append(line)
            }
        }
        return lines.joined(separator: "\n") + "\nuse (\n" + uses.sorted().map { "\t\($0)\n" }.joined() + ")\n"
    }
}
