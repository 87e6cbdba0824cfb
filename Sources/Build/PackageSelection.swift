internal import Graph
package import Workspace

/// Which packages `exec` works on.
package struct PackageSelection: Sendable {
    /// Where to start; empty means everywhere.
    package var packages: [PackageName] = []
    package var dependencies = false
    package var transitiveDependencies = false
    package var dependants = false
    package var transitiveDependants = false
    /// Only these types; empty means all.
    package var types: Set<PackageType> = []
    /// Only packages of which the full name matches this regular expression somewhere.
    package var namePattern: String?

    package init() {}

    /// The packages of `workspace` that are selected, each after those that it depends on.
    package func names(in workspace: Workspace) throws -> [PackageName] {
        var selected = Set(packages.isEmpty ? workspace.order : packages)
        if transitiveDependencies {
            for name in selected { selected.formUnion(workspace.transitiveDependencies(of: name)) }
        } else if dependencies {
            for name in selected { selected.formUnion(workspace.packages[name]?.dependencies ?? []) }
        }
        if transitiveDependants || dependants {
            for name in selected {
                selected.formUnion(workspace.dependants(of: name, transitive: transitiveDependants))
            }
        }
        if !types.isEmpty {
            selected = selected.filter { name in workspace.packages[name].map { types.contains($0.type) } ?? false }
        }
        if let namePattern {
            guard let pattern = try? Regex(namePattern) else {
                throw BuildError(.configuration, "'\(namePattern)' is not a regular expression; mind its brackets")
            }
            selected = selected.filter { $0.description.firstMatch(of: pattern) != nil }
        }
        switch workspace.graph.order() {
        case .sorted(let order): return order.map { workspace.order[$0] }.filter { selected.contains($0) }
        case .cycle(let cycle):
            throw BuildError(
                .configuration,
                "dependency cycle: " + cycle.map { workspace.order[$0].description }.joined(separator: " -> "))
        }
    }
}
