/// How much a client takes from a repository, which may be an attacker's.
package struct TUFLimits: Hashable, Sendable {
    /// Bytes of one version of root.json.
    package var rootByteCount = 512_000
    package var timestampByteCount = 16_384
    /// Bytes of a snapshot, and of targets metadata, where the referring metadata gives no length, and at most.
    package var snapshotByteCount = 2_000_000
    package var targetsByteCount = 5_000_000
    /// Bytes of a target.
    package var targetByteCount = 64 << 20
    /// How many new versions of root.json one update goes through.
    package var rootRotations = 256
    /// How many delegated roles the search for a target looks at.
    package var delegations = 32

    package init() {}

    /// Keys, and keys of one role, in one file.
    static let keyCount = 256
    /// Signatures on one file. Each costs an attempt to verify it.
    static let signatureCount = 256
    /// Nesting of the JSON.
    static let depth = 64
}
