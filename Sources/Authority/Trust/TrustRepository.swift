package import Bytes
internal import Host
package import Keys
package import SystemPackage
internal import TUF

/// Keeps a TUF repository in a directory: `root.json`, `targets.json`, `snapshot.json` and `timestamp.json`, each signed,
/// fresh and under the names that clients ask for (TUF specification sections 4 and 6).
///
/// `timestamp.json` is written last: before that, no client sees a new snapshot, and a crash leaves the old one whole.
package struct TrustRepository: Sendable {
    /// Who signs which role.
    package struct Signers: Sendable {
        /// All keys of the root role. Those that are to leave it are in `formerRoot`, and sign once more.
        package var root: [any Signer]
        package var formerRoot: [any Signer]
        package var targets: any Signer
        /// Signs snapshot and timestamp.
        package var online: any Signer

        package init(
            root: [any Signer], formerRoot: [any Signer] = [], targets: any Signer, online: any Signer
        ) {
            self.root = root
            self.formerRoot = formerRoot
            self.targets = targets
            self.online = online
        }
    }

    /// How long metadata is good, and with how much time left it is made anew; in days.
    package struct Lifetime: Hashable, Sendable {
        package var days: Int64
        package var renewal: Int64

        package init(days: Int64, renewal: Int64) {
            self.days = days
            self.renewal = renewal
        }

        func expiry(from now: Timestamp) throws(AuthorityError) -> Timestamp {
            guard let moment = Timestamp(seconds: now.seconds + days * 86400) else {
                throw AuthorityError(.refused, "no metadata is made in the year 9999")
            }
            return moment
        }

        func isDue(_ expires: Timestamp, at now: Timestamp) -> Bool {
            expires.seconds - now.seconds < renewal * 86400
        }
    }

    package var rootLife = Lifetime(days: 365, renewal: 120)
    package var targetsLife = Lifetime(days: 90, renewal: 45)
    package var snapshotLife = Lifetime(days: 14, renewal: 7)
    package var timestampLife = Lifetime(days: 2, renewal: 1)

    private let directory: FilePath

    /// Metadata are in `directory` itself, targets below `targets/`, as mirrors have them.
    package init(_ directory: FilePath) { self.directory = directory }

    /// The repository's files, for who serves them: the bytes at a path that a client may ask for.
    package func file(_ path: String) throws(AuthorityError) -> [UInt8]? {
        var name = path[...]
        if name.hasPrefix("targets/") { name = name.dropFirst(8) }
        guard !name.isEmpty, name.first != ".", name.utf8.count <= 200,
            name.utf8.allSatisfy({
                0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
            })
        else { return nil }
        return try read(path)
    }

    /// The newest root.json, with which clients begin.
    package func root() throws(AuthorityError) -> [UInt8]? { try newestRoot()?.bytes }

    /// Makes what is missing, has changed or soon expires, and gives the roles with new versions.
    package func update(
        _ contents: [String: [UInt8]], signers: Signers, at now: Timestamp
    ) async throws(AuthorityError) -> [String] {
        do {
            try Files.createDirectories(directory.appending("targets"))
        } catch {
            throw AuthorityError(.damaged, "\(error)")
        }
        var changed: [String] = []
        let root = try await updateRoot(signers, at: now, &changed)
        // Metadata that other keys have signed are of no use to anybody; versions go on from them all the same.
        let timestamp: SignedMetadata<TimestampMetadata>? = try load("timestamp.json")
        let snapshot: SignedMetadata<SnapshotMetadata>? = try timestamp.flatMap {
            (file) throws(AuthorityError) in try load("\(file.role.snapshot.version).snapshot.json")
        }
        let targets: SignedMetadata<TargetsMetadata>? = try snapshot.flatMap { (file) throws(AuthorityError) in
            try file.role.files["targets.json"].flatMap { (meta) throws(AuthorityError) in
                try load("\(meta.version).targets.json")
            }
        }
        let newTargets = try await updateTargets(targets, contents, signers, root, at: now, &changed)
        let newSnapshot = try await updateSnapshot(snapshot, newTargets, signers, root, at: now, &changed)
        try await updateTimestamp(timestamp, newSnapshot, signers, root, at: now, &changed)
        return changed
    }

    // MARK: Roles

    private func updateRoot(
        _ signers: Signers, at now: Timestamp, _ changed: inout [String]
    ) async throws(AuthorityError) -> RootMetadata {
        let old = try newestRoot()
        var wanted = RootMetadata(
            header: MetadataHeader(version: (old?.role.version ?? 0) + 1, expires: try rootLife.expiry(from: now)),
            consistentSnapshot: true, keys: KeyTable(), roles: [:])
        func add(_ signers: [any Signer], _ role: RootMetadata.Role, threshold: Int = 1) throws(AuthorityError) {
            var ids: [String] = []
            for signer in signers {
                guard let key = TUFKey(signer.publicKey) else {
                    throw AuthorityError(.unsupported, "TUF has no word for keys of \(signer.publicKey.algorithm)")
                }
                wanted.keys.add(key, as: key.id)
                ids.append(key.id)
            }
            wanted.roles[role] = RoleKeys(keyIDs: ids, threshold: threshold)
        }
        // A majority: one key that is lost or stolen neither stops the repository nor takes it over.
        try add(signers.root, .root, threshold: max(1, signers.root.count / 2 + (signers.root.count > 1 ? 1 : 0)))
        try add([signers.targets], .targets)
        try add([signers.online], .snapshot)
        try add([signers.online], .timestamp)
        if let old, old.role.keys == wanted.keys, old.role.roles == wanted.roles,
            !rootLife.isDue(old.role.expires, at: now)
        {
            return old.role
        }
        // Clients take a new root when the old one's keys have signed it, and its own.
        let all =
            signers.root
            + signers.formerRoot.filter { former in
                !signers.root.contains { $0.publicKey == former.publicKey }
            }
        let file = try await sign(wanted, all)
        if let old {
            do {
                try file.verify(
                    old.role.roles[.root] ?? RoleKeys(keyIDs: [], threshold: 1), in: old.role.keys, named: "root")
            } catch {
                throw AuthorityError(
                    .refused, "no client would follow the new root: \(error); the old root's keys must be at hand")
            }
        }
        try write(file.bytes, "\(wanted.version).root.json")
        changed.append("root")
        return wanted
    }

    private func updateTargets(
        _ old: SignedMetadata<TargetsMetadata>?, _ contents: [String: [UInt8]], _ signers: Signers,
        _ root: RootMetadata, at now: Timestamp, _ changed: inout [String]
    ) async throws(AuthorityError) -> SignedMetadata<TargetsMetadata> {
        var files: [String: TargetFile] = [:]
        for (path, bytes) in contents {
            files[path] = TargetFile(length: bytes.count, hashes: FileHashes(sha256: Digest.of(bytes)))
            let name = "targets/\(Digest.of(bytes).hex).\(path)"
            guard try self.file(name) == nil else { continue }
            try write(bytes, name)
        }
        return try await renewed(old, .targets, life: targetsLife, signer: signers.targets, root, at: now, &changed) {
            TargetsMetadata(header: $0, targets: files)
        }
    }

    private func updateSnapshot(
        _ old: SignedMetadata<SnapshotMetadata>?, _ targets: SignedMetadata<TargetsMetadata>, _ signers: Signers,
        _ root: RootMetadata, at now: Timestamp, _ changed: inout [String]
    ) async throws(AuthorityError) -> SignedMetadata<SnapshotMetadata> {
        let files = ["targets.json": Self.reference(to: targets)]
        return try await renewed(old, .snapshot, life: snapshotLife, signer: signers.online, root, at: now, &changed) {
            SnapshotMetadata(header: $0, files: files)
        }
    }

    private func updateTimestamp(
        _ old: SignedMetadata<TimestampMetadata>?, _ snapshot: SignedMetadata<SnapshotMetadata>, _ signers: Signers,
        _ root: RootMetadata, at now: Timestamp, _ changed: inout [String]
    ) async throws(AuthorityError) {
        let reference = Self.reference(to: snapshot)
        _ = try await renewed(old, .timestamp, life: timestampLife, signer: signers.online, root, at: now, &changed) {
            TimestampMetadata(header: $0, snapshot: reference)
        }
    }

    /// The file of a role: `old` while it says what is wanted, is signed as `root` asks and lives on, else the next
    /// version of it, written.
    private func renewed<Role: RoleMetadata>(
        _ old: SignedMetadata<Role>?, _ role: RootMetadata.Role, life: Lifetime, signer: any Signer,
        _ root: RootMetadata,
        at now: Timestamp, _ changed: inout [String], _ make: (MetadataHeader) -> Role
    ) async throws(AuthorityError) -> SignedMetadata<Role> {
        if let old, old.role == make(old.role.header), isSigned(old, role, root), !life.isDue(old.role.expires, at: now)
        {
            return old
        }
        let header = MetadataHeader(version: (old?.role.version ?? 0) + 1, expires: try life.expiry(from: now))
        let file = try await sign(make(header), [signer])
        // Clients ask for the timestamp without knowing its version.
        try write(file.bytes, role == .timestamp ? "timestamp.json" : "\(header.version).\(role.rawValue).json")
        changed.append(role.rawValue)
        return file
    }

    private static func reference<Role>(to file: SignedMetadata<Role>) -> MetadataFile {
        MetadataFile(
            version: file.role.version, length: file.bytes.count, hashes: FileHashes(sha256: Digest.of(file.bytes)))
    }

    // MARK: Signing

    private func isSigned<Role>(
        _ file: SignedMetadata<Role>, _ role: RootMetadata.Role, _ root: RootMetadata
    ) -> Bool {
        let (keys, table) = root.keys(of: role)
        return (try? file.verify(keys, in: table, named: role.rawValue)) != nil
    }

    private func sign<Role>(
        _ role: Role, _ signers: [any Signer]
    ) async throws(AuthorityError) -> SignedMetadata<Role> {
        let unsigned = SignedMetadata(role)
        var signatures: [SignedMetadata<Role>.Signature] = []
        for signer in signers {
            do {
                let signature = try await signer.sign(.bytes(unsigned.signedBytes))
                guard let key = TUFKey(signer.publicKey) else { continue }
                signatures.append(.init(keyID: key.id, hex: Hex.encode(signature)))
            } catch {
                throw AuthorityError(.unreachable, "a key of the trust repository does not sign: \(error)")
            }
        }
        return SignedMetadata(role, signatures: signatures)
    }

    // MARK: Files

    private func newestRoot() throws(AuthorityError) -> SignedMetadata<RootMetadata>? {
        var version = 0
        do {
            guard try Files.exists(directory) else { return nil }
            for name in try Files.list(directory) where name.hasSuffix(".root.json") {
                if let number = Int(name.dropLast(10)) { version = max(version, number) }
            }
        } catch {
            throw AuthorityError(.damaged, "the trust repository can't be listed: \(error)")
        }
        return version == 0 ? nil : try load("\(version).root.json")
    }

    private func load<Role>(_ name: String) throws(AuthorityError) -> SignedMetadata<Role>? {
        guard let bytes = try read(name) else { return nil }
        do {
            return try SignedMetadata<Role>(parsing: bytes, limit: TUFLimits().targetsByteCount)
        } catch {
            throw AuthorityError(.damaged, "\(name) of the trust repository: \(error)")
        }
    }

    private func read(_ name: String) throws(AuthorityError) -> [UInt8]? {
        let path = directory.pushing(FilePath(name))
        do {
            guard try Files.exists(path) else { return nil }
            return try Files.read(path, limit: TUFLimits().targetByteCount)
        } catch {
            throw AuthorityError(.damaged, "the trust repository: \(error)")
        }
    }

    private func write(_ bytes: [UInt8], _ name: String) throws(AuthorityError) {
        do {
            try Files.write(bytes, to: directory.pushing(FilePath(name)), durable: true)
        } catch {
            throw AuthorityError(.unreachable, "the trust repository can't be written: \(error)")
        }
    }
}
