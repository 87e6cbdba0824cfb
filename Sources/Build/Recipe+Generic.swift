internal import Workspace

extension Recipe {
    /// A generic package: its commands beside its direct dependencies, which stay in the artifact as Leeway's do.
    static func generic(_ package: Package, _ config: GenericConfig, _ context: RecipeContext) -> Recipe {
        var steps: [Step] = []
        let commands = package.prep + config.commands
        if !commands.isEmpty { steps.append(Step(.build, commands)) }
        if !config.dontTest, !context.dontTest, !config.test.isEmpty {
            // Leeway runs the tests after the commands, in the same directory.
            var test = Step(.test, config.test)
            test.keepsFiles = false
            steps.append(test)
        }
        var recipe = Recipe(steps: steps, tools: (commands + config.test).compactMap(\.first))
        // Leeway makes an empty archive of a package that runs nothing and has no dependencies, whatever its sources;
        // here the sources are the artifact, so that such a package can be used to hand files on.
        recipe.dependencies = package.dependencies.map {
            DependencyMount(package: $0, path: package.place(of: $0), isPartOfArtifact: true)
        }
        return recipe
    }
}
