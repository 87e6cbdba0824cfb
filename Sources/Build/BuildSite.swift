package import Bytes
package import Cache
internal import Host
package import Sandbox
package import SystemPackage

/// What every step of a build shares: the stores, the sandbox, where tools are looked for.
///
/// The sandbox and the witness are made when the first step has to run: trying what walls a machine has, and asking git
/// about the workspace, take processes, and most builds find everything in the cache.
package struct BuildSite: Sendable {
    package var workspace: FilePath
    package var store: ContentStore
    package var actions: ActionCache
    package var sandbox: @Sendable () async throws -> Sandbox
    package var tools: ToolSettings
    /// Where steps run; on the same file system as the store.
    package var scratch: FilePath
    /// Where files of Debian packages are taken from beside the store, when that is one of its own: they follow from
    /// locks, and are not fetched twice.
    package var fetchedPackages: FilePath?
    /// Writes the provenance.
    package var witness: @Sendable () async throws -> Witness
    /// The state of the repository (`SourceFacts.state`) now. Asked only when a result was made from uncommitted files.
    package var sourceState: @Sendable () async throws -> Digest
    /// Seconds since 1970; a parameter so that tests decide.
    package var clock: @Sendable () -> Int

    package init(
        workspace: FilePath, store: ContentStore, actions: ActionCache, tools: ToolSettings, scratch: FilePath,
        sandbox: @escaping @Sendable () async throws -> Sandbox,
        witness: @escaping @Sendable () async throws -> Witness,
        sourceState: @escaping @Sendable () async throws -> Digest,
        clock: @escaping @Sendable () -> Int = { Int(Clocks.nowNanoseconds() / 1_000_000_000) }
    ) {
        self.workspace = workspace
        self.store = store
        self.actions = actions
        self.sandbox = sandbox
        self.tools = tools
        self.scratch = scratch
        self.witness = witness
        self.sourceState = sourceState
        self.clock = clock
    }
}
