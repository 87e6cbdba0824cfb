package import Workspace

/// What reports say about a build beside its events. Clock and environment are given, so that a report of the same
/// build is always the same bytes.
package struct ReportContext: Sendable {
    /// What was asked for.
    package var targets: [PackageName]
    /// The absolute path of the workspace.
    package var workspaceRoot: String
    /// The version of martlet.
    package var toolVersion: String
    /// When the build began: nanoseconds since 1970-01-01 00:00 UTC.
    package var began: Int64
    /// martlet's environment, for trace parents and the facts of a CI run.
    package var environment: [String: String]

    package init(
        targets: [PackageName], workspaceRoot: String, toolVersion: String, began: Int64, environment: [String: String]
    ) {
        self.targets = targets
        self.workspaceRoot = workspaceRoot
        self.toolVersion = toolVersion
        self.began = began
        self.environment = environment
    }
}
