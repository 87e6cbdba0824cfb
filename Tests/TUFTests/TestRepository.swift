import Bytes
import Keys
import Synchronization
import TUF

/// A repository that a test writes, with every knob that an attacker would turn. `publish` signs and names files as the
/// specification says; the test may then put others in their place.
struct TestRepository {
    static let now = must { Timestamp("2026-01-01T00:00:00Z") }

    var root: RootMetadata
    var timestamp: TimestampMetadata
    var snapshot: SnapshotMetadata
    /// Metadata of targets by role.
    var targets: [String: TargetsMetadata]
    var signers: [RootMetadata.Role: [TestSigner]]
    var delegated: [String: [TestSigner]] = [:]
    var contents: [String: [UInt8]] = [:]

    let server = TestServer()

    init(consistent: Bool = true) {
        let expires = must { Timestamp("2026-06-01T00:00:00Z") }
        func header() -> MetadataHeader { MetadataHeader(version: 1, expires: expires) }
        signers = [
            .root: [TestSigner("root 1"), TestSigner(p256: "root 2"), TestSigner("root 3")],
            .timestamp: [TestSigner("online")], .snapshot: [TestSigner("online")], .targets: [TestSigner("targets")],
        ]
        root = RootMetadata(header: header(), consistentSnapshot: consistent, keys: KeyTable(), roles: [:])
        timestamp = TimestampMetadata(header: header(), snapshot: MetadataFile(version: 1))
        snapshot = SnapshotMetadata(header: header(), files: [:])
        targets = ["targets": TargetsMetadata(header: header(), targets: [:])]
        useSigners()
    }

    /// Writes the signers into the root, with thresholds of two for the root and one for the others.
    mutating func useSigners() {
        root.keys = KeyTable()
        for (role, signers) in signers {
            for signer in signers { root.keys.add(signer.key, as: signer.id) }
            root.roles[role] = RoleKeys(keyIDs: signers.map(\.id), threshold: role == .root ? 2 : 1)
        }
    }

    mutating func add(_ content: String, at path: String, role: String = "targets") {
        let bytes = Array(content.utf8)
        contents[path] = bytes
        targets[role]?.targets[path] = TargetFile(length: bytes.count, hashes: FileHashes(sha256: Digest.of(bytes)))
    }

    /// Lets `delegator` delegate to the new role `name`.
    mutating func delegate(
        _ name: String, from delegator: String = "targets", scope: DelegatedRole.Scope, terminating: Bool = false
    ) {
        let signer = TestSigner("delegated \(name)")
        delegated[name] = [signer]
        var delegations = targets[delegator]?.delegations ?? Delegations(keys: KeyTable(), roles: [])
        delegations.keys.add(signer.key, as: signer.id)
        delegations.roles.append(
            DelegatedRole(
                name: name, keys: RoleKeys(keyIDs: [signer.id], threshold: 1), scope: scope, isTerminating: terminating)
        )
        targets[delegator]?.delegations = delegations
        targets[name] = TargetsMetadata(header: MetadataHeader(version: 1, expires: root.expires), targets: [:])
    }

    /// Signs the root of this version, by `signers` where they are not its own.
    mutating func publishRoot(by others: [TestSigner] = []) {
        let file = SignedMetadata(root, by: (signers[.root] ?? []) + others)
        server.serve(file.bytes, as: "\(root.version).root.json")
    }

    /// Signs everything below the root, and tells the timestamp of the snapshot and the snapshot of the targets.
    mutating func publish(withHashes: Bool = true) {
        let isConsistent = root.consistentSnapshot
        func prefix(_ version: Int) -> String { isConsistent ? "\(version)." : "" }
        for (name, role) in targets {
            let file = SignedMetadata(role, by: delegated[name] ?? signers[.targets] ?? [])
            snapshot.files["\(name).json"] = MetadataFile(
                version: role.version, length: withHashes ? file.bytes.count : nil,
                hashes: withHashes ? FileHashes(sha256: Digest.of(file.bytes)) : nil)
            server.serve(file.bytes, as: "\(prefix(role.version))\(name).json")
        }
        let file = SignedMetadata(snapshot, by: signers[.snapshot] ?? [])
        server.serve(file.bytes, as: "\(prefix(snapshot.version))snapshot.json")
        timestamp.snapshot = MetadataFile(
            version: snapshot.version, length: withHashes ? file.bytes.count : nil,
            hashes: withHashes ? FileHashes(sha256: Digest.of(file.bytes)) : nil)
        publishTimestamp()
        for (path, bytes) in contents {
            let name = path.split(separator: "/").last ?? ""
            let hashed = path.dropLast(name.count) + "\(Digest.of(bytes).hex).\(name)"
            server.serve(target: bytes, as: isConsistent ? String(hashed) : path)
        }
    }

    mutating func publishTimestamp() {
        server.serve(SignedMetadata(timestamp, by: signers[.timestamp] ?? []).bytes, as: "timestamp.json")
    }

    /// New versions of everything below the root.
    mutating func bump() {
        timestamp.header.version += 1
        snapshot.header.version += 1
        targets["targets"]?.header.version += 1
    }
}

/// What the clients of a test repository see.
final class TestServer: MetadataSource {
    private struct Served {
        var metadata: [String: [UInt8]] = [:]
        var targets: [String: [UInt8]] = [:]
        var requests: [String] = []
        var isDown = false
    }

    private let served = Mutex(Served())

    func serve(_ bytes: [UInt8]?, as name: String) { served.withLock { $0.metadata[name] = bytes } }
    func serve(target bytes: [UInt8]?, as name: String) { served.withLock { $0.targets[name] = bytes } }
    func file(_ name: String) -> [UInt8]? { served.withLock { $0.metadata[name] } }
    var requests: [String] { served.withLock { $0.requests } }
    var targetNames: [String] { served.withLock { $0.targets.keys.sorted() } }
    func setDown(_ isDown: Bool) { served.withLock { $0.isDown = isDown } }

    func metadata(_ name: String, limit: Int) async throws(TUFError) -> [UInt8]? {
        try answer(name, limit, { $0.metadata })
    }
    func target(_ path: String, limit: Int) async throws(TUFError) -> [UInt8]? {
        try answer(path, limit, { $0.targets })
    }

    private func answer(
        _ name: String, _ limit: Int, _ table: @Sendable (Served) -> [String: [UInt8]]
    ) throws(TUFError) -> [UInt8]? {
        let (bytes, isDown) = served.withLock { served in
            served.requests.append(name)
            return (table(served)[name], served.isDown)
        }
        if isDown { throw TUFError(.unreachable, "the test took the repository away") }
        if let bytes, bytes.count > limit { throw TUFError(.limit, "\(name) has more than \(limit) bytes") }
        return bytes
    }
}
