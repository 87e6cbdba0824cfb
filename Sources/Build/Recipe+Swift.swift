internal import Workspace

extension Recipe {
    /// A Swift package: `swift build`, its products in the artifact's `bin`.
    static func swift(_ package: Package, _ config: SwiftConfig, _ context: RecipeContext) -> Recipe {
        // SwiftPM's own sandbox is for macOS; the rest keeps it from looking for newer dependencies.
        let common = [
            "--disable-sandbox", "--disable-automatic-resolution", "--scratch-path",
            "/tmp/swift-build",
        ]
        let flags =
            ["-c", config.configuration.rawValue] + common + config.buildFlags + [
                "-Xswiftc", "-file-prefix-map", "-Xswiftc", "/build=.",
            ]
        var recipe = Recipe(steps: [], tools: ["swift", "sh"])
        if !package.prep.isEmpty { recipe.steps.append(Step(.prep, package.prep)) }
        if !config.dontTest, !context.dontTest,
            package.sources.contains(where: { $0.path.contains("/Tests/") || $0.path.hasPrefix("Tests/") })
        {
            var test = Step(.test, [["swift", "test"] + common])
            test.keepsFiles = false
            recipe.steps.append(test)
        }
        let products =
            config.products.isEmpty
            ? "$(find \"$bin\" -maxdepth 1 -type f -perm -0100 ! -name '*.so' ! -name '*.build')"
            : config.products.map { "\"$bin\"/'\($0)'" }.joined(separator: " ")
        recipe.steps.append(
            Step(
                .build,
                [
                    ["swift", "build"] + flags,
                    [
                        "sh", "-c",
                        "bin=$(swift build --show-bin-path \"$@\") && mkdir -p _martlet/bin && cp \(products) _martlet/bin/",
                        "sh",
                    ] + flags,
                ]))
        recipe.dependencies = context.transitiveDependencies(package.name).compactMap { name in
            guard let dependency = context.packages[name], !dependency.isPassedOver else { return nil }
            return DependencyMount(package: name, path: "_deps/" + package.place(of: name), isPartOfArtifact: false)
        }
        recipe.artifactDirectory = "_martlet"
        recipe.tools += package.prep.compactMap(\.first)
        return recipe
    }
}
