internal import Bytes
package import Cache
internal import Host
package import Sandbox
internal import Synchronization
package import SystemPackage

/// The cache directory of a user, opened: stores, tool index, sandbox.
package final class ProjectCache: Sendable {
    package let directory: FilePath
    package let store: ContentStore
    package let actions: ActionCache
    package let tools: ToolSettings
    /// git's names of contents.
    let blobs: BlobIndex
    /// The sandbox, once it was needed; guards nothing else.
    private let sandboxes = Mutex<[Bool: Sandbox]>([:])
    /// Made when it is first asked for; the lock guards that.
    private let scratchDirectory = Mutex<ScratchDirectory?>(nil)
    /// Why steps run with weaker walls than they should, once that is known.
    private let reason = Mutex<String?>(nil)

    package init(_ directory: FilePath, environment: [String: String]) throws {
        self.directory = directory
        store = try ContentStore(directory: directory)
        actions = ActionCache(store)
        blobs = BlobIndex(directory: directory.appending("index"))
        tools = ToolSettings(
            searchPath: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
            index: ToolIndex(file: directory.appending("tools.json")))
    }

    /// Where the status and hashes of the files of the workspace at `root` are remembered.
    func statIndex(of root: FilePath) throws -> FilePath {
        let indices = directory.appending("index")
        try Files.createDirectories(indices, mode: 0o700)
        return indices.appending(Digest.of(root.string).hex)
    }

    /// Where this martlet's steps run.
    func scratch() throws -> FilePath {
        try scratchDirectory.withLock { known in
            if let known { return known.path }
            let made = try ScratchDirectory(in: directory.appending("scratch"))
            known = made
            return made.path
        }
    }

    /// What keeps steps apart on this machine.
    /// - Parameter off: whether it is switched off.
    package func sandbox(off: Bool) async throws -> Sandbox {
        if let known = sandboxes.withLock({ $0[off] }) { return known }
        let scratch = try scratch()
        let bubblewrap: FilePath = "/usr/bin/bwrap"
        var found = Sandbox.Finding(level: .off)
        let kept = try? KeptTrial(
            file: directory.appending("sandbox.json"), bubblewrap: bubblewrap, scratch: scratch)
        if !off {
            if let known = kept?.load() {
                found = known
            } else {
                found = await Sandbox.probe(bubblewrap: bubblewrap, scratch: scratch)
                kept?.keep(found)
            }
            reason.withLock { [found] in $0 = found.reason }
        }
        let sandbox = try Sandbox(
            level: found.level, scratch: scratch.appending("sandbox"), bubblewrap: bubblewrap,
            hasOwnUser: found.hasOwnUser, onRefusal: { kept?.forget() })
        sandboxes.withLock { $0[off] = sandbox }
        return sandbox
    }

    /// Why the walls are weaker than they should be; `nil` when they are not, or when no step had to run.
    package var weakness: String? { reason.withLock { $0 } }

    /// Keeps what was learnt of tools for the next run.
    package func save() throws {
        try tools.index.save()
        try blobs.save()
    }
}
