package import Bytes
internal import Image
internal import SystemPackage
package import Workspace

/// What a package's result depends on, whole, and the digest of it by which a result is found again.
///
/// The manifest is a JSON document with one member for each thing that could have changed, so that two of them can be
/// compared to say why a package has to be built. docs/formats/keys.md describes it.
package struct PackageKey: Sendable {
    /// Settings of the build, as opposed to the workspace, that results depend on.
    package struct Conditions: Sendable {
        /// Whether steps run without walls; such results are kept apart from all others.
        package var isUnsandboxed: Bool

        package init(isUnsandboxed: Bool) { self.isUnsandboxed = isUnsandboxed }
    }

    /// Everything that the result depends on. It holds commands and variables as they are, secrets included, and so
    /// stays in the local cache.
    package var manifest: JSON
    package var digest: Digest

    /// The number of this scheme; a change that gives the same manifest another meaning raises it.
    private static let version = 1

    init(manifest: JSON) {
        self.manifest = manifest
        digest = .of(manifest.canonical())
    }

    /// The key of an artifact that Leeway made, which is known by its archive. What is built from it has another key
    /// than what is built from martlet's own result of the same package.
    init(importing archive: Digest, of package: PackageName, leewayVersion: String) {
        self.init(manifest: [
            "version": .integer(Self.version), "package": .string(package.description),
            "leeway": ["version": .string(leewayVersion), "archive": .string(archive.hex)],
        ])
    }

    /// - Parameters:
    ///   - dependencies: the keys of the packages that the recipe mounts.
    ///   - passed: variables that the package takes from martlet's own environment.
    package init(
        package: Package, recipe: Recipe, toolchain: Toolchain, dependencies: [PackageName: Digest],
        passed: [String: String], conditions: Conditions
    ) {
        let names = Set(recipe.tools)
        let tools = names.compactMap { name in toolchain.tools[name].map { (name, JSON.string($0.digest.hex)) } }
        var members: [(String, JSON)] = [
            ("version", .integer(Self.version)),
            ("package", .string(package.name.description)),
            ("type", .string(package.type.rawValue)),
            ("config", package.config.json),
            ("steps", .array(recipe.steps.map { Self.json(of: $0, package, toolchain, passed) })),
            ("files", .rows(recipe.files.map { ($0.path, .string(Self.text(of: $0))) })),
            ("sources", .rows(package.sources.map { ($0.path, .string(Self.text(of: $0))) })),
            ("dependencies", .array(recipe.dependencies.map { Self.json(of: $0, key: dependencies[$0.package]) })),
            ("artifact", ["directory": .string(recipe.artifactDirectory), "leftOut": .list(recipe.leftOut)]),
            ("settings", package.settings.json),
            ("declared", Self.declared(package.leewayHeader)),
            ("tools", .rows(tools.sorted { $0.0 < $1.0 })),
            ("roots", .list(toolchain.roots.map(\.string))),
            ("platform", .table(toolchain.platform)),
        ]
        if conditions.isUnsandboxed { members.append(("sandbox", "off")) }
        manifest = .rows(members)
        digest = .of(manifest.canonical())
    }

    /// What the Leeway manifest has beside definition, sources and dependencies: the declared environment and the
    /// arguments that a package says it depends on. The definition's own text is left out, so that a comment rebuilds
    /// nothing; what it says is in the other members.
    private static func declared(_ leewayHeader: String) -> JSON {
        .list(
            leewayHeader.split(separator: "\n").filter { $0.hasPrefix("environment: ") || $0.hasPrefix("arg ") }
                .map(String.init))
    }

    private static func json(
        of step: Recipe.Step, _ package: Package, _ toolchain: Toolchain, _ passed: [String: String]
    ) -> JSON {
        let variables = StepEnvironment.variables(
            for: package, step: step, searchPath: toolchain.searchPath, passed: passed)
        var members: [(String, JSON)] = [
            ("kind", .string(step.kind.rawValue)),
            ("commands", .commands(step.commands)),
            ("environment", .table(variables)),
            ("network", .bool(step.usesNetwork)),
            ("keeps", .bool(step.keepsFiles)),
        ]
        if case .imageBuilder(let image) = step.runner {
            members.append(
                (
                    "image",
                    [
                        "dockerfile": .string(image.dockerfile), "squash": .bool(image.squash),
                        "arguments": .table(image.buildArguments),
                    ]
                ))
        }
        // What is in the image is in `config`; this is how layers are made of it.
        if case .imageAssembly = step.runner {
            members.append(("image", ["recipe": .integer(ImageBuilder.recipeVersion)]))
        }
        return .rows(members)
    }

    private static func json(of mount: Recipe.DependencyMount, key: Digest?) -> JSON {
        var members: [(String, JSON)] = [
            ("package", .string(mount.package.description)), ("path", .string(mount.path)),
            ("part", .bool(mount.isPartOfArtifact)), ("subdirectory", .string(mount.subdirectory)),
            ("key", key.map { .string($0.hex) } ?? .null),
        ]
        if mount.isChanged { members.append(("changed", true)) }
        return .rows(members)
    }

    private static func text(of source: SourceFile) -> String {
        var text =
            source.digest.hex + (source.isExecutable ? " executable" : "") + (source.isImplicit ? " implicit" : "")
        if let target = source.linkTarget { text += " link:\(target)" }
        return text
    }

    private static func text(of file: Recipe.WrittenFile) -> String {
        Digest.of(file.content).hex + (file.isExecutable ? " executable" : "")
    }
}
