internal import Host
package import SystemPackage

extension Workspace {
    /// The levels that a search for a workspace goes up.
    package static let searchLimit = 100

    /// The root of the workspace that `directory` is in: the nearest directory with a `WORKSPACE.yaml` that is ours.
    ///
    /// - Parameter override: the value of `LEEWAY_WORKSPACE_ROOT`, which wins.
    package static func findRoot(from directory: FilePath, override: String? = nil) throws -> FilePath {
        if let override, !override.isEmpty {
            let root = FilePath(override)
            return root.isAbsolute ? root : directory.appending(override).lexicallyNormalized()
        }
        var current = directory
        var passed: FilePath?
        for _ in 0..<searchLimit {
            let file = current.appending("WORKSPACE.yaml")
            if let text = try? Files.read(file, limit: YAMLLimits().bytes) {
                if WorkspaceFile.isOurs(text) { return current }
                passed = passed ?? file
            }
            guard current.components.count > 0 else { break }
            current = current.removingLastComponent()
        }
        var message = "no WORKSPACE.yaml in \(directory) or above it; go into a workspace or use --workspace"
        if let passed { message += " (\(passed) is another program's)" }
        throw WorkspaceError(.noWorkspace, message)
    }
}
