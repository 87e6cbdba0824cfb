package import Bytes

/// Metadata that has been verified, and the rules by which newer takes its place (TUF specification sections 5.3 to
/// 5.6). It does no I/O and knows no clock: `Updater` brings both.
///
/// The order is root, timestamp, snapshot, targets, delegated targets; each step needs the one before it. Where a
/// function takes a time, metadata that has expired then is refused; without one that is left to the caller.
package struct TrustedMetadata: Sendable {
    /// Where in the chain of roots an update begins; every root after it was verified by its predecessor.
    package private(set) var root: SignedMetadata<RootMetadata>
    package private(set) var timestamp: SignedMetadata<TimestampMetadata>?
    package private(set) var snapshot: SignedMetadata<SnapshotMetadata>?
    /// By the roles that lead to it. One role may be delegated to by two others, with different keys, and is then two.
    private var targets: [[String]: SignedMetadata<TargetsMetadata>] = [:]

    private let limits: TUFLimits
    /// The newest snapshot of earlier updates, to compare versions with.
    private var earlierSnapshot: SignedMetadata<SnapshotMetadata>?

    /// What became of metadata that was offered.
    package enum Outcome: Hashable, Sendable {
        case replaced
        /// It has the version that is trusted already, which stays.
        case unchanged
    }

    /// Begins with a root that somebody vouches for in another way. It need not be the newest, nor unexpired.
    package init(root bytes: [UInt8], limits: TUFLimits = TUFLimits()) throws(TUFError) {
        root = try SignedMetadata(parsing: bytes, limit: limits.rootByteCount)
        self.limits = limits
        try root.verify(root.role.keys(of: .root).role, in: root.role.keys, named: "root")
    }

    // MARK: Root

    /// Takes the next version of the root, which both the current one and itself must have signed.
    ///
    /// Gives whether the keys of timestamp or snapshot changed: what those had signed is then no longer compared with,
    /// or an attacker who once had them could block updates with a high version for ever (section 5.3.11).
    package mutating func advance(root bytes: [UInt8]) throws(TUFError) -> Bool {
        let next = try SignedMetadata<RootMetadata>(parsing: bytes, limit: limits.rootByteCount)
        // The old keys first: work that a stranger asks for stays small.
        try next.verify(root.role.keys(of: .root).role, in: root.role.keys, named: "root")
        try next.verify(next.role.keys(of: .root).role, in: next.role.keys, named: "root")
        guard next.role.version == root.role.version + 1 else {
            throw TUFError(
                next.role.version <= root.role.version ? .rollback : .mismatch,
                "the file for version \(root.role.version + 1) holds version \(next.role.version)", role: "root")
        }
        let isRotated = [RootMetadata.Role.timestamp, .snapshot].contains {
            next.role.hasOtherKeys(of: $0, than: root.role)
        }
        root = next
        (timestamp, snapshot, targets) = (nil, nil, [:])
        if isRotated { earlierSnapshot = nil }
        return isRotated
    }

    /// Checks that the root has not expired: without this, an attacker who withholds newer ones would freeze the client
    /// (section 5.3.10).
    package func checkRootExpiry(at now: Timestamp) throws(TUFError) { try root.checkExpiry(at: now, named: "root") }

    // MARK: Timestamp

    /// Takes a timestamp that an earlier update trusted, for the comparison with newer ones. It may have expired.
    package mutating func remember(timestamp bytes: [UInt8]) throws(TUFError) {
        timestamp = try verified(bytes, limit: limits.timestampByteCount, role: .timestamp)
    }

    /// Takes a newer timestamp.
    package mutating func update(timestamp bytes: [UInt8], at now: Timestamp?) throws(TUFError) -> Outcome {
        let next: SignedMetadata<TimestampMetadata> = try verified(
            bytes, limit: limits.timestampByteCount, role: .timestamp)
        if let timestamp {
            guard next.role.version >= timestamp.role.version else {
                throw rollback("timestamp", from: timestamp.role.version, to: next.role.version)
            }
            if next.role.version == timestamp.role.version {
                try timestamp.checkExpiry(at: now, named: "timestamp")
                return .unchanged
            }
            guard next.role.snapshot.version >= timestamp.role.snapshot.version else {
                throw rollback(
                    "snapshot", from: timestamp.role.snapshot.version, to: next.role.snapshot.version)
            }
        }
        try next.checkExpiry(at: now, named: "timestamp")
        timestamp = next
        snapshot = nil
        targets = [:]
        return .replaced
    }

    // MARK: Snapshot

    /// Takes a snapshot that an earlier update trusted, for the comparison of versions alone.
    package mutating func remember(snapshot bytes: [UInt8]) throws(TUFError) {
        earlierSnapshot = try verified(bytes, limit: limits.snapshotByteCount, role: .snapshot)
    }

    /// Takes the snapshot that the timestamp names.
    package mutating func update(snapshot bytes: [UInt8], at now: Timestamp?) throws(TUFError) {
        let announced = try announcedSnapshot()
        try attributed("snapshot") { () throws(TUFError) in try announced.check(bytes, what: "the snapshot") }
        let next: SignedMetadata<SnapshotMetadata> = try verified(
            bytes, limit: limits.snapshotByteCount, role: .snapshot)
        guard next.role.version == announced.version else {
            throw TUFError(
                .mismatch, "it is version \(next.role.version), but the timestamp names \(announced.version)",
                role: "snapshot")
        }
        for (name, file) in earlierSnapshot?.role.files.sorted(by: { $0.key < $1.key }) ?? [] {
            guard let new = next.role.files[name] else {
                throw TUFError(
                    .rollback, "\(name.safeForTerminal), which it named before, is gone from it", role: "snapshot")
            }
            guard new.version >= file.version else {
                throw rollback(String(name.dropLast(5)), from: file.version, to: new.version)
            }
        }
        try next.checkExpiry(at: now, named: "snapshot")
        snapshot = next
        earlierSnapshot = next
        targets = [:]
    }

    /// What the timestamp says of the snapshot.
    package func announcedSnapshot() throws(TUFError) -> MetadataFile {
        guard let timestamp else { throw TUFError(.absent, "there is no trusted timestamp yet", role: "timestamp") }
        return timestamp.role.snapshot
    }

    // MARK: Targets

    /// The name of the role at the top of all targets.
    package static let topRole = "targets"

    /// The metadata of the role of targets at the end of `chain`, which begins with `targets`; `nil` where it was not
    /// loaded.
    package func targets(of chain: [String]) -> SignedMetadata<TargetsMetadata>? { targets[chain] }

    /// What the snapshot says of the metadata of a role of targets.
    package func announcedTargets(of role: String) throws(TUFError) -> MetadataFile {
        guard let snapshot else { throw TUFError(.absent, "there is no trusted snapshot yet", role: "snapshot") }
        guard let file = snapshot.role.files["\(role).json"] else {
            throw TUFError(.absent, "the snapshot does not name its metadata", role: role)
        }
        return file
    }

    /// Takes the metadata of the role of targets at the end of `chain`. The roles before it must have been taken, and
    /// each delegate to the next.
    package mutating func update(targets bytes: [UInt8], of chain: [String], at now: Timestamp?) throws(TUFError) {
        guard let role = chain.last, chain.first == Self.topRole else {
            throw TUFError(.absent, "a chain of delegations begins with \(Self.topRole)")
        }
        let announced = try announcedTargets(of: role)
        try attributed(role) { () throws(TUFError) in try announced.check(bytes, what: "the file") }
        let next: SignedMetadata<TargetsMetadata>
        if chain.count == 1 {
            next = try verified(bytes, limit: limits.targetsByteCount, role: .targets)
        } else {
            guard let delegations = targets[Array(chain.dropLast())]?.role.delegations,
                let delegation = delegations.role(named: role)
            else { throw TUFError(.absent, "no trusted role delegates to it", role: role) }
            next = try attributed(role) { () throws(TUFError) in
                try SignedMetadata(parsing: bytes, limit: limits.targetsByteCount)
            }
            try next.verify(delegation.keys, in: delegations.keys, named: role)
        }
        guard next.role.version == announced.version else {
            throw TUFError(
                .mismatch, "it is version \(next.role.version), but the snapshot names \(announced.version)", role: role
            )
        }
        try next.checkExpiry(at: now, named: role)
        targets[chain] = next
    }

    // MARK: Rules that all share

    /// Reads metadata of one of the four roles, with the signatures that the root asks for.
    private func verified<Role: RoleMetadata>(
        _ bytes: [UInt8], limit: Int, role: RootMetadata.Role
    ) throws(TUFError) -> SignedMetadata<Role> {
        let next = try SignedMetadata<Role>(parsing: bytes, limit: limit)
        let (keys, table) = root.role.keys(of: role)
        try next.verify(keys, in: table, named: role.rawValue)
        return next
    }

    private func rollback(_ role: String, from old: Int, to new: Int) -> TUFError {
        TUFError(
            .rollback, "version \(new) is offered, but version \(old) was seen before: an old state is being replayed",
            role: role.safeForTerminal)
    }

    private func attributed<Result>(
        _ role: String, _ body: () throws(TUFError) -> Result
    ) throws(TUFError) -> Result {
        do {
            return try body()
        } catch {
            throw TUFError(error.code, error.message, role: role, expires: error.expires)
        }
    }
}
