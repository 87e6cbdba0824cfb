internal import Cache
internal import Host
internal import SystemPackage
internal import Workspace

/// What steps need that martlet carries out itself, outside the sandbox.
extension StepRun {
    /// The package's directory relative to the workspace's root, empty for the root itself.
    private var component: String { package.name.component == "//" ? "" : package.name.component }

    /// A private copy of the package's directory with its dependencies in their places.
    func context(in workplace: StepWorkplace) async throws -> FilePath {
        let context = try workplace.makeDirectory("context")
        for (path, node) in before.subset(below: component).nodes {
            let target = context.appending(path)
            try Files.createDirectories(target.removingLastComponent())
            let source = workplace.lower.appending(component).appending(path)
            switch node {
            case .file(_, _, let isExecutable):
                _ = try Files.copy(source, to: target, mode: isExecutable ? 0o755 : 0o644)
            case .link(let destination): try Files.symlink(destination, at: target)
            case .directory: break
            }
        }
        for dependency in dependencies {
            try await dependency.copy(to: context.appending(dependency.mount.path), from: site.store)
        }
        return context
    }

    /// Takes what is in `directory` into the store, as what the step made in the recipe's artifact directory.
    func captureArtifact(_ directory: FilePath) async throws -> StepChanges {
        let captured = try await StepChanges.capture(directory, over: FileSet(), isWhole: true, in: site.store)
        let place = component.isEmpty ? recipe.artifactDirectory : "\(component)/\(recipe.artifactDirectory)"
        var changes = StepChanges()
        for (path, node) in captured.files.nodes { changes.files.put(node, at: "\(place)/\(path)") }
        for path in captured.files.emptyDirectories { changes.files.makeDirectory("\(place)/\(path)") }
        return changes
    }
}
