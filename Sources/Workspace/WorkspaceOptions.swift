package import Bytes
package import Host
package import SystemPackage

/// How a workspace is to be loaded, and where the loader gets what it doesn't read itself.
package struct WorkspaceOptions: Sendable {
    /// What is made of keys and names that Leeway silently ignores.
    package enum Strictness: String, Sendable {
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

    /// What a load saw of the workspace before it asks about git.
    package struct Seen: Sendable {
        /// The digests of the files that define the workspace, as they were read.
        package var definitions: [String: Digest]
        /// Whether there was a source at a path; what is no source may be there all the same.
        package var isSource: @Sendable (String) -> Bool

        package init(definitions: [String: Digest], isSource: @escaping @Sendable (String) -> Bool) {
            self.definitions = definitions
            self.isSource = isSource
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
        /// Takes all new hashes of a load and keeps them, with the status that each file had before and after it was read.
        package var remember: @Sendable (_ new: [(path: String, status: FileStatus, hashes: ContentHashes)]) -> Void

        /// Whether no hashes are known at all, so that there is nothing to ask for.
        package var isEmpty = false

        package init(
            recall: @escaping @Sendable (_ path: String, _ status: FileStatus) -> ContentHashes?,
            remember: @escaping @Sendable (_ new: [(path: String, status: FileStatus, hashes: ContentHashes)]) -> Void
        ) {
            self.recall = recall
            self.remember = remember
        }
    }

    /// Where whole loads are kept, so that the next one can compare statuses instead of reading (docs/formats/snapshot.md).
    package struct Keeping: Sendable {
        package var file: FilePath
        /// What a load depends on beside the workspace and the other options: the program.
        package var identity: Digest
        /// The time of day in nanoseconds since 1970, for the rule against races.
        package var now: @Sendable () -> Int64 = { Clocks.nowNanoseconds() }
        /// Whether a load with these arguments may be written down: they may be secret.
        package var mayKeep: @Sendable ([String: String]) -> Bool
        /// Names what the answer of a probe depends on.
        package var identifyProbe: @Sendable (EnvironmentManifest.Probe) throws -> Digest
        /// Names what runs `BUILD.js` files.
        package var identifyEngine: @Sendable () throws -> Digest
        /// Names the repository and its commit, on which `gitFacts` depend beside the files; `nil` when they depend on
        /// more. The commit is that of the facts.
        package var identifyRepository: @Sendable () async throws -> (name: Digest, commit: String?)?

        package init(
            file: FilePath, identity: Digest, mayKeep: @escaping @Sendable ([String: String]) -> Bool,
            identifyProbe: @escaping @Sendable (EnvironmentManifest.Probe) throws -> Digest,
            identifyEngine: @escaping @Sendable () throws -> Digest,
            identifyRepository: @escaping @Sendable () async throws -> (name: Digest, commit: String?)? = { nil }
        ) {
            self.file = file
            self.identity = identity
            self.mayKeep = mayKeep
            self.identifyProbe = identifyProbe
            self.identifyEngine = identifyEngine
            self.identifyRepository = identifyRepository
        }
    }

    /// The variant to apply; `nil` means the workspace's default one, if it has one.
    package var variant: String?
    /// `-D name=value`.
    package var arguments: [String: String] = [:]
    package var strictness = Strictness.warn
    /// Asked once, and only when a package's text depends on the commit.
    package var gitFacts: @Sendable (Seen) async throws -> GitFacts = { _ in GitFacts(commit: nil) { _ in false } }
    /// Told git's names of contents, of 20 bytes each, before packages are asked about.
    package var learnGitNames: (@Sendable (_ names: [(digest: Digest, name: [UInt8])]) -> Void)?
    /// Opened when files have to be hashed.
    package var hashMemory: (@Sendable () -> HashMemory)?
    package var keeping: Keeping?
    package var javaScript = JavaScript.node
    /// Gives the standard output of an environment manifest's command. The default runs it in the workspace root.
    package var probe: (@Sendable (EnvironmentManifest.Probe) async throws -> String)?
    /// The id of the key that signs classic Leeway provenance, when one is configured.
    package var provenanceKeyID: String?

    package init() {}
}
