internal import Bytes

/// One update: reads and writes for `TrustedMetadata`, which decides.
struct Update: Sendable {
    let updater: Updater
    let mode: Updater.Mode
    /// The time at which expiry counts; `nil` where it is only reported.
    let now: Timestamp?
    var trusted: TrustedMetadata
    var delegated: [Updater.RoleState] = []

    private var store: any MetadataStore { updater.store }
    private var source: any MetadataSource { updater.source }
    private var limits: TUFLimits { updater.limits }

    var states: [Updater.RoleState] {
        func state<Role: RoleMetadata>(_ metadata: SignedMetadata<Role>?) -> [Updater.RoleState] {
            metadata.map {
                [Updater.RoleState(role: Role.type, version: $0.role.version, expires: $0.role.expires)]
            } ?? []
        }
        return state(trusted.root) + state(trusted.timestamp) + state(trusted.snapshot)
            + state(trusted.targets(of: [TrustedMetadata.topRole])) + delegated
    }

    // MARK: Root

    /// Follows the chain of roots: first as far as the store has it, then as far as the repository does.
    mutating func loadRoots() async throws(TUFError) {
        while let name = nextRoot, let bytes = try store.read(name, limit: limits.rootByteCount) {
            do {
                _ = try trusted.advance(root: bytes)
            } catch {
                // Damaged. The repository has the right one.
                if mode == .refresh { try store.remove(name) }
                break
            }
        }
        guard let now else { return }
        var rotations = 0
        while let name = nextRoot, let bytes = try await source.metadata(name, limit: limits.rootByteCount) {
            rotations += 1
            guard rotations <= limits.rootRotations else {
                throw TUFError(
                    .limit, "there are more than \(limits.rootRotations) new versions; update again to go on",
                    role: "root")
            }
            if try trusted.advance(root: bytes) {
                // Before the new root is kept: should this process end between the two, the next one still sees the
                // change of keys and forgets what the old ones signed.
                try store.remove(Self.timestamp)
                try store.remove(Self.snapshot)
            }
            try store.write(bytes, name)
        }
        try trusted.checkRootExpiry(at: now)
    }

    private var nextRoot: String? {
        let (next, isTooGreat) = trusted.root.role.version.addingReportingOverflow(1)
        return isTooGreat ? nil : "\(next).root.json"
    }

    // MARK: Timestamp and snapshot

    private static let timestamp = "timestamp.json"
    private static let snapshot = "snapshot.json"

    mutating func loadTimestamp() async throws(TUFError) {
        let stored = try store.read(Self.timestamp, limit: limits.timestampByteCount)
        if mode == .stored {
            _ = try trusted.update(timestamp: try present(stored, "timestamp"), at: nil)
            return
        }
        // What can't be verified now is as good as absent.
        if let stored { try? trusted.remember(timestamp: stored) }
        guard let bytes = try await source.metadata(Self.timestamp, limit: limits.timestampByteCount) else {
            throw TUFError(.absent, "the repository has no timestamp.json; check its address", role: "timestamp")
        }
        if try trusted.update(timestamp: bytes, at: now) == .replaced { try store.write(bytes, Self.timestamp) }
    }

    mutating func loadSnapshot() async throws(TUFError) {
        let stored = try store.read(Self.snapshot, limit: limits.snapshotByteCount)
        if mode == .stored {
            try trusted.update(snapshot: try present(stored, "snapshot"), at: nil)
            return
        }
        if let stored {
            try? trusted.remember(snapshot: stored)
            if (try? trusted.update(snapshot: stored, at: now)) != nil { return }
        }
        let announced = try trusted.announcedSnapshot()
        let bytes = try await fetch(Self.snapshot, announced, limit: limits.snapshotByteCount, role: "snapshot")
        try trusted.update(snapshot: bytes, at: now)
        try store.write(bytes, Self.snapshot)
    }

    // MARK: Targets

    /// Loads the metadata of the role at the end of `chain`, where that has not been done.
    mutating func loadTargets(of chain: [String]) async throws(TUFError) {
        guard trusted.targets(of: chain) == nil, let role = chain.last else { return }
        let announced = try trusted.announcedTargets(of: role)
        let isTop = chain.count == 1
        // Delegated roles choose their names; a folder of their own keeps them from being taken for other files.
        let name = isTop ? "targets.json" : "delegated/\(Self.fileName(role)).json"
        let stored = try store.read(name, limit: limits.targetsByteCount)
        if mode == .stored {
            try trusted.update(targets: try present(stored, role), of: chain, at: nil)
        } else if let stored, (try? trusted.update(targets: stored, of: chain, at: now)) != nil {
        } else {
            let bytes = try await fetch("\(role).json", announced, limit: limits.targetsByteCount, role: role)
            try trusted.update(targets: bytes, of: chain, at: now)
            try store.write(bytes, name)
        }
        if !isTop, let loaded = trusted.targets(of: chain) {
            delegated.append(
                Updater.RoleState(role: role, version: loaded.role.version, expires: loaded.role.expires))
        }
    }

    /// What is vouched for at `path`: the first role that names it, in the order of the delegations (section 5.6.7).
    ///
    /// A role is only asked about paths that the one above it leaves to it, so nobody speaks about the paths of others.
    mutating func find(_ path: String) async throws(TUFError) -> TargetFile? {
        var pending: [[String]] = [[TrustedMetadata.topRole]]
        var visited: Set<String> = []
        while let chain = pending.popLast() {
            guard let role = chain.last, visited.insert(role).inserted else { continue }
            guard visited.count <= limits.delegations + 1 else {
                throw TUFError(
                    .limit, "the search for \(path.safeForTerminal) went through \(limits.delegations) delegations")
            }
            try await loadTargets(of: chain)
            guard let metadata = trusted.targets(of: chain)?.role else { continue }
            if let target = metadata.target(at: path) { return target }
            let next = metadata.delegations?.roles(for: path) ?? []
            // A terminating delegation ends the search: what was to be asked after it is not asked.
            if next.last?.isTerminating == true { pending = [] }
            pending += next.reversed().map { chain + [$0.name] }
        }
        return nil
    }

    /// The bytes of a target, from the store where they are right there.
    func fetch(_ path: String, _ target: TargetFile) async throws(TUFError) -> [UInt8] {
        guard target.length <= limits.targetByteCount else {
            throw TUFError(
                .limit,
                "the target \(path.safeForTerminal) has \(target.length) bytes; the limit is \(limits.targetByteCount)")
        }
        let name = "targets/\(Self.fileName(path))"
        if let stored = try store.read(name, limit: target.length), (try? target.check(stored, path: path)) != nil {
            return stored
        }
        guard mode == .refresh else {
            throw TUFError(
                .absent, "the target \(path.safeForTerminal) is not at hand; fetch it with `martlet trust update`")
        }
        guard let relative = RepositoryPath(path) else {
            throw TUFError(.malformed, "the target \(path.safeForTerminal) has a path that leads out of a repository")
        }
        var remote = relative.text
        if trusted.root.role.consistentSnapshot, let hash = target.hashes.known.first {
            remote = relative.prefixed(hash.hex)
        }
        guard let bytes = try await source.target(remote, limit: target.length) else {
            throw TUFError(.absent, "the repository does not have the target \(remote.safeForTerminal) that it names")
        }
        try target.check(bytes, path: path)
        try store.write(bytes, name)
        return bytes
    }

    // MARK: Names and files

    /// A metadata file of the repository, of the version that was announced.
    private func fetch(
        _ name: String, _ announced: MetadataFile, limit: Int, role: String
    ) async throws(TUFError) -> [UInt8] {
        let name = trusted.root.role.consistentSnapshot ? "\(announced.version).\(name)" : name
        let limit = min(limit, announced.length ?? limit)
        guard let bytes = try await source.metadata(name, limit: limit) else {
            throw TUFError(
                .absent, "the repository does not have \(name.safeForTerminal), which it names", role: role)
        }
        return bytes
    }

    private func present(_ bytes: [UInt8]?, _ role: String) throws(TUFError) -> [UInt8] {
        guard let bytes else {
            throw TUFError(.absent, "its metadata is not at hand; fetch it with `martlet trust update`", role: role)
        }
        return bytes
    }

    /// `name` as the name of one file.
    private static func fileName(_ name: String) -> String {
        let encoded = RepositoryPath.encoded(name)
        return encoded.utf8.count <= 200 && !encoded.hasPrefix(".") ? encoded : Digest.of(name).hex
    }
}
