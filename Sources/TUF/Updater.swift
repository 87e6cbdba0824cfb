package import Bytes

/// The client of a repository: brings verified metadata up to date and fetches targets (TUF specification section 5).
///
/// What it keeps in its store is verified again whenever it is read, from the anchor on, so that a damaged or planted
/// file is never worse than an absent one.
package struct Updater: Sendable {
    /// Where metadata comes from.
    package enum Mode: Hashable, Sendable {
        /// From the repository. Metadata that has expired is refused.
        case refresh
        /// From the store, and nobody is asked. What has expired since is taken, and the result says so.
        case stored
    }

    /// What an update gives.
    package struct Result: Sendable {
        package let metadata: TrustedMetadata
        /// The targets that were asked for, by path. Those that no role vouches for are missing.
        package let files: [String: [UInt8]]
        /// The metadata behind them, root first.
        package let states: [RoleState]

        /// When the first of them expires.
        package var expires: Timestamp? { states.map(\.expires).min() }
    }

    /// The state of one role's metadata.
    package struct RoleState: Hashable, Sendable {
        package let role: String
        package let version: Int
        package let expires: Timestamp
    }

    /// A root that somebody vouches for: every other file is believed because of it.
    let anchor: [UInt8]
    let store: any MetadataStore
    let source: any MetadataSource
    let limits: TUFLimits

    package init(
        anchor: [UInt8], store: any MetadataStore, source: any MetadataSource, limits: TUFLimits = TUFLimits()
    ) {
        self.anchor = anchor
        self.store = store
        self.source = source
        self.limits = limits
    }

    /// Verifies everything from the anchor to the targets called `paths`.
    ///
    /// The time is fixed at `now` throughout (section 5.1). The store stays locked until the end, so that two processes
    /// never mix their files.
    package func run(_ mode: Mode, targets paths: [String], at now: Timestamp) async throws(TUFError) -> Result {
        let lock = try await store.lock(exclusively: mode == .refresh)
        var update = Update(
            updater: self, mode: mode, now: mode == .refresh ? now : nil,
            trusted: try TrustedMetadata(root: anchor, limits: limits))
        try await update.loadRoots()
        try await update.loadTimestamp()
        try await update.loadSnapshot()
        try await update.loadTargets(of: [TrustedMetadata.topRole])
        var files: [String: [UInt8]] = [:]
        for path in paths {
            if let target = try await update.find(path) { files[path] = try await update.fetch(path, target) }
        }
        lock.release()
        return Result(metadata: update.trusted, files: files, states: update.states)
    }
}
