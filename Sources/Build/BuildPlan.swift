package import Bytes
package import Workspace

/// The order of a build as `--dump-plan` writes it: groups of packages, each group after those that it needs.
package struct BuildPlan: Sendable {
    /// Each step holds full names, sorted.
    package var steps: [[PackageName]]

    /// The plan of everything in `missing`, by distance from `targets`, as Leeway computes it: a package is built in
    /// the latest step that still comes before all that need it.
    package init(
        targets: [PackageName], missing: Set<PackageName>, dependencies: [PackageName: [PackageName]],
        order: [PackageName]
    ) {
        var depth: [PackageName: Int] = [:]
        for target in targets where missing.contains(target) { depth[target] = 0 }
        for name in order.reversed() {
            guard let own = depth[name] else { continue }
            for dependency in dependencies[name, default: []] where missing.contains(dependency) {
                depth[dependency] = max(depth[dependency, default: 0], own + 1)
            }
        }
        let deepest = depth.values.max() ?? 0
        var steps = Array(repeating: [PackageName](), count: deepest + 1)
        for (name, depth) in depth { steps[deepest - depth].append(name) }
        self.steps = steps.map { $0.sorted() }
    }

    /// A JSON array of arrays of full names.
    package var json: JSON { .array(steps.map { .array($0.map { .string($0.description) }) }) }
}
