package import Host

/// How a workspace is to be loaded, and where the loader gets what it doesn't read itself.
package struct WorkspaceOptions: Sendable {
    /// What is made of keys and names that Leeway silently ignores.
    package enum Strictness: Sendable {
        /// Nothing, as Leeway does.
        case lenient
        /// A warning.
        case warn
        /// An error.
        case strict

        var severity: Diagnostic.Severity? {
            switch self {
            case .lenient: nil
            case .warn: .warning
            case .strict: .error
            }
        }
    }

    /// What git knows about the workspace.
    package struct GitFacts: Sendable {
        /// 40 hexadecimal digits; `nil` outside a repository.
        package var commit: String?
        /// Whether a package's own sources or definition differ from the commit. Dependencies are asked for apart.
        package var isDirty: @Sendable (Package) -> Bool

        package init(commit: String?, isDirty: @escaping @Sendable (Package) -> Bool) {
            self.commit = commit
            self.isDirty = isDirty
        }
    }

    /// A memory of file hashes by path and status.
    package struct HashMemory: Sendable {
        /// The hashes of a file that had this status when they were computed; `nil` when none are known.
        package var recall: @Sendable (_ path: String, _ status: FileStatus) -> ContentHashes?
        /// Takes new hashes, with the status that the file had before and after it was read.
        package var remember: @Sendable (_ new: [(path: String, status: FileStatus, hashes: ContentHashes)]) -> Void

        package init(
            recall: @escaping @Sendable (_ path: String, _ status: FileStatus) -> ContentHashes?,
            remember: @escaping @Sendable (_ new: [(path: String, status: FileStatus, hashes: ContentHashes)]) -> Void
        ) {
            self.recall = recall
            self.remember = remember
        }
    }

    /// The variant to apply; `nil` means the workspace's default one, if it has one.
    package var variant: String?
    /// `-D name=value`.
    package var arguments: [String: String] = [:]
    package var strictness = Strictness.warn
    /// Asked once, and only when a package's text depends on the commit.
    package var gitFacts: @Sendable () async throws -> GitFacts = { GitFacts(commit: nil) { _ in false } }
    package var hashMemory: HashMemory?
    package var javaScript = JavaScript.node
    /// Gives the standard output of an environment manifest's command. The default runs it in the workspace root.
    package var probe: (@Sendable (EnvironmentManifest.Probe) async throws -> String)?
    /// The id of the key that signs classic Leeway provenance, when one is configured.
    package var provenanceKeyID: String?

    package init() {}
}
