internal import Workspace

extension Recipe {
    /// An image package: its direct dependencies in their places, where the definition's files are taken from, and an
    /// OCI layout as the artifact, so that layers which images share are stored once.
    static func image(_ package: Package, _ config: ImageConfig, _ context: RecipeContext) -> Recipe {
        var recipe = Recipe(steps: [], tools: package.prep.compactMap(\.first))
        if !package.prep.isEmpty { recipe.steps.append(Step(.prep, package.prep)) }
        var build = Step(.build, [])
        build.runner = .imageAssembly(
            ImageAssembly(
                definition: config.definition, lock: config.lock, compression: config.compression,
                provenance: config.provenance))
        recipe.steps.append(build)
        recipe.dependencies = package.dependencies.map {
            DependencyMount(package: $0, path: package.place(of: $0), isPartOfArtifact: false)
        }
        recipe.artifactDirectory = "_martlet"
        return recipe
    }

    /// The image that martlet puts together, if it is to do so.
    var assembly: ImageAssembly? {
        for step in steps { if case .imageAssembly(let assembly) = step.runner { return assembly } }
        return nil
    }
}
