internal import Host
internal import SystemPackage
package import Workspace

/// A workspace whose author is a stranger to the machine: what of it a build service does not do.
package struct ServedWorkspace: Sendable {
    private let workspace: Workspace
    private let mayFetch: Bool

    package init(_ workspace: Workspace, mayFetch: Bool) {
        self.workspace = workspace
        self.mayFetch = mayFetch
    }

    /// Refuses a plan that would run anything outside of a sandbox, let a step read more of the machine than every step
    /// may, or let it reach the network where the service does not allow that.
    func check(_ plan: Builder.Plan, _ packages: [PackageName: Package]) throws {
        let settings = workspace.file.settings
        guard settings.sandbox, !plan.isUnsandboxed else {
            throw refusal("the workspace switches the sandbox off", nil)
        }
        // A root is mounted as it is: the service's own directory could be one.
        guard settings.toolRoots.isEmpty else { throw refusal("the workspace names toolRoots of the machine", nil) }
        for name in plan.order {
            guard let package = packages[name], let recipe = plan.recipes[name] else { continue }
            guard package.settings.toolRoots.isEmpty else { throw refusal("it names toolRoots of the machine", name) }
            for step in recipe.steps {
                switch step.runner {
                case .sandbox: break
                case .imageAssembly(let assembly):
                    // No command runs; what a lock names is asked for at addresses that the workspace chose.
                    guard mayFetch || assembly.lock.isEmpty else {
                        throw refusal("its image needs packages from the network", name)
                    }
                case .imageBuilder:
                    throw refusal("its \(step.kind.rawValue) step runs outside of the sandbox", name)
                }
                guard mayFetch || !step.usesNetwork else {
                    throw refusal("its \(step.kind.rawValue) step needs the network", name)
                }
            }
            for source in package.sources {
                // The checkout has no link that leads out; a path of the machine is the other way there.
                let isInside =
                    !source.path.hasPrefix("/")
                    && !source.path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
                guard isInside else { throw refusal("its source \(source.path) is not in the workspace", name) }
            }
        }
    }

    private func refusal(_ reason: String, _ package: PackageName?) -> BuildError {
        BuildError(.configuration, "\(reason), and this service does not allow that", package: package)
    }
}
