internal import Host
package import SystemPackage
package import Workspace

/// What commands are told about the workspace that they work on.
package struct ProjectOptions: Sendable {
    /// The workspace's root; `nil` means to look for it.
    package var root: FilePath?
    /// Where martlet was started.
    package var directory: FilePath
    package var variant: String?
    /// `-D name=value`.
    package var arguments: [String: String] = [:]
    /// How martlet was called.
    package var commandLine: [String] = []
    /// martlet's own environment.
    package var environment: [String: String]
    /// The time of day in nanoseconds since 1970; a parameter so that tests decide.
    package var now: @Sendable () -> Int64 = { Clocks.nowNanoseconds() }
    package var strictness = WorkspaceOptions.Strictness.warn

    /// Whether the workspace is a stranger's: then no command of its runs outside of a sandbox.
    package var isServed = false

    package init(directory: FilePath, environment: [String: String]) {
        self.directory = directory
        self.environment = environment
    }
}
