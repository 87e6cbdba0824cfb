internal import Bytes
internal import TUF

extension FuzzTarget {
    /// Reading metadata of every role: what is written again has the same signed bytes and means the same, and paths
    /// are searched for in bounded time.
    static let tufMetadata = FuzzTarget(name: "tuf-metadata") { input in
        if let root = check(input, RootMetadata.self) { _ = try? TrustedMetadata(root: root.bytes) }
        _ = check(input, TimestampMetadata.self)
        _ = check(input, SnapshotMetadata.self)
        _ = check(input, TargetsMetadata.self)
    }

    private static func check<Role: RoleMetadata>(_ input: [UInt8], _: Role.Type) -> SignedMetadata<Role>? {
        guard let file = try? SignedMetadata<Role>(parsing: input, limit: 1 << 20) else { return nil }
        let written = SignedMetadata(file.role, signatures: file.signatures)
        let again = try? SignedMetadata<Role>(parsing: written.bytes, limit: 1 << 22)
        require(again?.role == file.role, "metadata reads back as it was written")
        require(again?.signedBytes == written.signedBytes, "the signed part has one canonical form")
        return file
    }
}
