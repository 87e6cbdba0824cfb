package import Bytes
package import Graph
package import SystemPackage

/// A workspace with all its packages linked: sources hashed, dependencies in order, versions computed.
package struct Workspace: Sendable {
    /// The absolute path of the directory with `WORKSPACE.yaml`.
    package let root: FilePath
    package internal(set) var file: WorkspaceFile
    /// The variant that was applied.
    package internal(set) var variant: Variant?
    /// The arguments in effect: defaults, the arguments file and `-D`, in rising order of precedence.
    package internal(set) var arguments: [String: String]
    package internal(set) var components: [String: Component] = [:]
    package internal(set) var packages: [PackageName: Package] = [:]
    package internal(set) var scripts: [PackageName: Script] = [:]
    /// What is wrong or doubtful, sorted by place. A workspace with an error in it must not be built.
    package internal(set) var diagnostics: [Diagnostic] = []
    package internal(set) var environmentManifest = EnvironmentManifest(values: [:])
    /// The files that define the workspace, relative to the root: they are inputs of every package's meaning.
    package internal(set) var definitionFiles: [String] = []
    /// The SHA-256 of each definition file as it was read.
    package internal(set) var definitionDigests: [String: Digest] = [:]

    /// Names everything that was read and what came of it, where that could be kept: equal states are equal workspaces.
    package internal(set) var state: Digest?
    /// Whether an earlier load was taken over.
    package internal(set) var isRestored = false

    /// The packages in the order of their numbers in `graph`, which is that of their names.
    package internal(set) var order: [PackageName] = []
    /// The dependencies between the packages.
    package internal(set) var graph = Graph(dependencies: [])

    /// A directory with a `BUILD.yaml`.
    package struct Component: Sendable {
        /// Relative to the root; `//` for the root itself.
        package var name: String
        package var constants: [String: String]
        /// In the order of the file, those of `BUILD.js` last.
        package var packages: [PackageName]
        package var scripts: [PackageName]
        package var location: SourceLocation
        /// Whether a `BUILD.js` adds packages.
        package var hasScript: Bool
    }

    init(root: FilePath, file: WorkspaceFile, arguments: [String: String]) {
        self.root = root
        self.file = file
        self.arguments = arguments
    }

    /// The diagnostics that forbid a build.
    package var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }

    /// The number of each package in `graph`.
    var numbers: [PackageName: Int] = [:]

    /// The number of a package in `graph`.
    package func number(of name: PackageName) -> Int? { numbers[name] }

    /// All that a package depends on, directly or through others, sorted by name.
    package func transitiveDependencies(of name: PackageName) -> [PackageName] {
        number(of: name).map { graph.transitiveDependencies(of: [$0]).map { order[$0] } } ?? []
    }

    /// The packages that depend on a package directly, or with `transitive` also through others, sorted by name.
    package func dependants(of name: PackageName, transitive: Bool = false) -> [PackageName] {
        guard let number = number(of: name) else { return [] }
        return (transitive ? graph.transitiveDependants(of: [number]) : graph.dependants[number]).map { order[$0] }
    }
}
