internal import Bytes
internal import Git
internal import Host
internal import SystemPackage

/// The source facts of a workspace, asked of git when the first statement is written: a build with nothing to do
/// starts no git.
actor SourceFactsMemory {
    private let root: FilePath
    private let blobs: BlobIndex
    private let definitions: [String: Digest]
    private var known: SourceFacts?

    /// - Parameter definitions: the digests of the files that define the workspace, as they were read.
    init(root: FilePath, blobs: BlobIndex, definitions: [String: Digest]) {
        self.root = root
        self.blobs = blobs
        self.definitions = definitions
    }

    /// The facts, the same ones at every call.
    func facts() async throws -> SourceFacts {
        if let known { return known }
        let found = try await SourceFacts(of: root, blobs: blobs, definitions: definitions)
        // Another call may have been quicker; all statements of a build speak of one commit.
        if let known { return known }
        known = found
        return found
    }
}

/// The state of a workspace's repository, asked of git once.
actor SourceState {
    private let root: FilePath
    private let definitions: [String: Digest]
    private var known: Digest?

    init(root: FilePath, definitions: [String: Digest]) {
        self.root = root
        self.definitions = definitions
    }

    /// As `SourceFacts.state` would be now, by one process.
    func digest() async throws -> Digest {
        if let known { return known }
        var commit: String?
        do {
            commit = try await GitRepository.headCommit(at: root)?.hex
        } catch let error as HostError where error.code == .notFound {
            // Without git no commit is ever named.
        }
        let state = SourceFacts.state(commit: commit, definitions: definitions)
        known = known ?? state
        return state
    }
}
