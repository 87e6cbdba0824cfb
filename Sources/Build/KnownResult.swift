package import Bytes
package import Cache
internal import Workspace

/// What is known of a result whose files are elsewhere: its documents, and the entry of the remote cache that vouches
/// for them. It lies in the action cache under a key of its own, so that nobody takes it for a result that is here.
package enum KnownResult {
    private static let entryName = "entry"

    private static func key(_ key: Digest) -> Digest { .of("martlet known result 1\n\(key.hex)\n") }

    /// Records what `entry` vouches for.
    /// - Parameter documents: the bytes of each document by its name, `PackageRecord.documentNames`.
    package static func record(
        _ built: BuiltPackage, documents: [String: [UInt8]], entry: [UInt8], from place: String,
        store: ContentStore, actions: ActionCache
    ) throws {
        try store.put(Tree.empty)
        var blobs = [entryName: try store.put(entry)]
        for (name, bytes) in documents { blobs[name] = try store.put(bytes) }
        try actions.record(
            ActionResult(
                key: key(built.key), tree: ContentStore.emptyRoot, blobs: blobs,
                facts: ["package": built.name.description, "from": place]))
    }

    /// What is known of the result of `key`; `nil` when that is nothing, or no longer whole.
    package static func find(
        _ key: Digest, store: ContentStore, actions: ActionCache
    ) throws -> (built: BuiltPackage, record: ActionResult)? {
        guard let record = try actions.lookup(self.key(key)),
            let built = PackageRecord.package(record, key: key, store: store),
            record.blobs[entryName].map(store.contains) == true
        else { return nil }
        return (built, record)
    }

    /// The entry that vouches for a known result.
    package static func entry(_ record: ActionResult, limit: Int, store: ContentStore) throws -> [UInt8]? {
        try record.blobs[entryName].map { try store.read($0, limit: limit) }
    }

    /// Forgets what is known of the result of `key`.
    package static func forget(_ key: Digest, actions: ActionCache) throws { try actions.remove(self.key(key)) }

    /// Makes a result, whose files and whose references' files have come, one of this cache.
    static func adopt(_ key: Digest, store: ContentStore, actions: ActionCache) throws {
        guard let (built, record) = try find(key, store: store, actions: actions) else { return }
        var blobs = record.blobs
        blobs[entryName] = nil
        try actions.record(
            ActionResult(
                key: key, tree: built.artifact, trees: ["own": built.ownTree], blobs: blobs, facts: record.facts))
    }
}
