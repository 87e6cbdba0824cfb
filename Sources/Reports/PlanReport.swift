package import Build
package import Bytes
package import Host
internal import Workspace

/// What a build would do, without doing it.
package struct PlanReport: Sendable {
    private let plan: Builder.Plan
    private let project: Project

    package init(_ plan: Builder.Plan, of project: Project) {
        self.plan = plan
        self.project = project
    }

    private var packages: [PlannedPackage] { plan.planned(project.workspace.packages) }

    /// The table that a build begins with.
    /// - Parameter screen: where it will be shown.
    package func text(for screen: Terminal) -> String {
        let ink = Ink(isTerminal: screen.isTerminal, environment: project.options.environment)
        var report = PlainReport(ink: ink) { _ in }
        let table = report.lines(for: BuildEvent(.planned(packages), time: .zero), BuildRecord())
        let count = plan.missing.count
        return table
            + (count == 0 ? "nothing to build\n" : "\(count) \(count == 1 ? "package" : "packages") to build\n")
    }

    /// For programs.
    package var json: JSON {
        [
            "targets": .array(plan.targets.map { .string($0.description) }),
            "packages": .array(
                packages.map { package in
                    [
                        "name": .string(package.name.description), "version": .string(package.leewayVersion),
                        "key": plan.keys[package.name].map { .string($0.digest.hex) } ?? .null,
                        "cached": .bool(package.isCached), "remote": .bool(package.isRemote),
                        "dependencies": .array(package.dependencies.map { .string($0.description) }),
                    ]
                }),
        ]
    }

    /// The packages that have to be built as `--dump-plan` writes them, with a line feed.
    package var steps: String {
        let steps = BuildPlan(
            targets: plan.targets, missing: plan.missing, dependencies: plan.dependencies, order: plan.order)
        return steps.json.text(indented: false) + "\n"
    }
}
