internal import Workspace

extension Recipe {
    /// A docker package: its direct dependencies in the build context, an image builder on the host, an OCI archive.
    static func docker(_ package: Package, _ config: DockerConfig, _ context: RecipeContext) -> Recipe {
        var arguments = config.buildArgs
        for name in package.dependencies where context.packages[name]?.type == .docker {
            let variable = String(name.fileSystemSafe.map { $0 == "-" ? "_" : $0 }).uppercased()
            arguments["DEP_\(variable)"] = context.packages[name]?.imageName ?? ""
        }
        var recipe = Recipe(steps: [], tools: [])
        if !package.prep.isEmpty { recipe.steps.append(Step(.prep, package.prep)) }
        var build = Step(.build, [])
        build.runner = .imageBuilder(
            ImageBuild(dockerfile: config.dockerfile, buildArguments: arguments, squash: config.squash))
        recipe.steps.append(build)
        recipe.dependencies = package.dependencies.map {
            DependencyMount(package: $0, path: package.place(of: $0), isPartOfArtifact: false)
        }
        recipe.artifactDirectory = "_martlet"
        recipe.tools = HostImageBuilder.names + package.prep.compactMap(\.first)
        return recipe
    }
}

extension Package {
    /// The name of the image that a docker package makes: its first tag, or its Leeway version.
    var imageName: String {
        guard case .docker(let config) = config else { return "" }
        return config.image.first ?? leewayVersion
    }
}
