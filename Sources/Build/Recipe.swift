package import Workspace

/// How a package is built: its steps in order, and what of their result is the artifact.
///
/// A recipe follows from the package alone. It names dependencies but holds none of their content, so it can be made,
/// shown and compared before anything is built.
package struct Recipe: Sendable, Equatable {
    /// One step: commands in one sandbox, started from the files that earlier steps left.
    package struct Step: Sendable, Equatable {
        package var kind: StepKind
        /// Argument vectors that run one after the other; the first that fails ends the step.
        package var commands: [[String]]
        /// Variables of this step beside those of every step.
        package var environment: [String: String] = [:]
        /// Whether the step may reach the network. Only a `fetch` step ever may.
        package var usesNetwork = false
        /// Whether later steps see the files that this one leaves.
        package var keepsFiles = true
        /// What runs the commands.
        package var runner = Runner.sandbox

        package init(_ kind: StepKind, _ commands: [[String]]) {
            self.kind = kind
            self.commands = commands
        }
    }

    /// What runs a step.
    package enum Runner: Sendable, Equatable {
        /// The commands, in the sandbox.
        case sandbox
        /// An image builder on the host, because it needs privileges that no sandboxed step has.
        case imageBuilder(ImageBuild)
        /// martlet itself, which puts an image together from files and packages and starts nothing.
        case imageAssembly(ImageAssembly)
    }

    /// The image that a docker package asks for.
    package struct ImageBuild: Sendable, Equatable {
        package var dockerfile: String
        package var buildArguments: [String: String]
        package var squash: Bool
    }

    /// The image that an image package asks for. Files are relative to the package's directory.
    package struct ImageAssembly: Sendable, Equatable {
        package var definition: String
        /// Empty for an image without Debian packages.
        package var lock: String
        package var compression: ImageConfig.Compression
        /// Where in the image the provenance of the dependencies is put; empty for nowhere.
        package var provenance: String
    }

    /// A file that martlet writes into the package's directory before the first step.
    package struct WrittenFile: Sendable, Equatable {
        /// Relative to the package's directory.
        package var path: String
        package var content: [UInt8]
        package var isExecutable = false
    }

    /// A dependency's artifact, put at a place of the package's directory.
    package struct DependencyMount: Sendable, Equatable {
        package var package: PackageName
        /// Relative to the package's directory.
        package var path: String
        /// Whether the artifact refers to the dependency at that place, so that the flat archive has it there.
        package var isPartOfArtifact: Bool
        /// The directory of the dependency's artifact that is put there; empty means all of it.
        package var subdirectory = ""
        /// Whether commands change what is there: then it is a copy, one of the package's own files, and not mounted.
        package var isChanged = false
    }

    package var steps: [Step]
    package var files: [WrittenFile] = []
    package var dependencies: [DependencyMount] = []
    /// The directory, relative to the package's own, that becomes the artifact; empty means the package's directory.
    package var artifactDirectory = ""
    /// Paths in that directory that are left out.
    package var leftOut: [String] = []
    /// Names of the programs that the steps start.
    package var tools: [String]

    package init(steps: [Step], tools: [String]) {
        self.steps = steps
        self.tools = tools
    }
}

/// What a recipe needs to know beside its own package.
package struct RecipeContext: Sendable {
    package var packages: [PackageName: Package]
    /// All dependencies of a package, direct and indirect, in dependency order.
    package var transitiveDependencies: @Sendable (PackageName) -> [PackageName]
    /// Whether test steps are left out.
    package var dontTest: Bool
    /// Reads a source of the workspace by its path.
    package var readSource: @Sendable (String) throws -> [UInt8]

    package init(
        packages: [PackageName: Package], transitiveDependencies: @escaping @Sendable (PackageName) -> [PackageName],
        dontTest: Bool, readSource: @escaping @Sendable (String) throws -> [UInt8]
    ) {
        self.packages = packages
        self.transitiveDependencies = transitiveDependencies
        self.dontTest = dontTest
        self.readSource = readSource
    }
}

extension Recipe {
    /// The recipe of `package`, by its type.
    package init(for package: Package, in context: RecipeContext) throws(BuildError) {
        guard package.unresolved.isEmpty else {
            let names = package.unresolved.sorted().map { "${\($0)}" }.joined(separator: ", ")
            throw BuildError(
                .configuration,
                "cannot build with unresolved argument \(names); give it with -D name=value or in WORKSPACE.yaml",
                package: package.name, location: package.location)
        }
        switch package.config {
        case .generic(let config):
            self = Self.generic(package, config, context)
            markChangedDependencies()
        case .go(let config):
            self = try Self.go(package, config, context)
            markChangedDependencies()
        case .yarn(let config): self = try Self.yarn(package, config, context)
        case .docker(let config):
            self = Self.docker(package, config, context)
            markChangedDependencies()
        case .image(let config): self = Self.image(package, config, context)
        case .swift(let config): self = Self.swift(package, config, context)
        }
        addFetchCommands(of: package)
        tools = Set(tools + package.settings.tools).sorted()
    }

    /// Puts the package's own fetch commands before every step that comes after preparation.
    private mutating func addFetchCommands(of package: Package) {
        guard !package.settings.fetch.isEmpty else { return }
        tools += package.settings.fetch.compactMap(\.first)
        if let index = steps.firstIndex(where: { $0.kind == .fetch }) {
            steps[index].commands = package.settings.fetch + steps[index].commands
            steps[index].usesNetwork = true
            return
        }
        var step = Step(.fetch, package.settings.fetch)
        step.usesNetwork = true
        let index = steps.firstIndex { $0.kind != .prep } ?? steps.endIndex
        steps.insert(step, at: index)
    }
}

extension Package {
    /// Whether Leeway's transitive rules pass over this package.
    var isPassedOver: Bool { isEphemeral }

    /// Where `dependency` is put, relative to the package's directory.
    func place(of dependency: PackageName) -> String { layout[dependency] ?? dependency.fileSystemSafe }
}
