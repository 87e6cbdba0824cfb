internal import Bytes
internal import Cache
internal import Workspace

/// A package's result in the action cache: which stored documents say what it is.
enum PackageRecord {
    private static let documentLimit = 64 << 20

    /// The record for the cache; stores the documents that it names.
    /// - Parameters:
    ///   - manifest: what the key was made from, kept to say later why a package is built again.
    ///   - statements: the in-toto statement about the build, in each shape.
    static func write(
        _ built: BuiltPackage, manifest: JSON, statements: [ProvenanceFormat: [UInt8]], store: ContentStore
    ) throws
        -> ActionResult
    {
        let document = try store.put(built.json.canonical())
        let manifest = try store.put(manifest.canonical())
        var blobs = ["package": document, "manifest": manifest]
        for (format, statement) in statements { blobs[blobName(format)] = try store.put(statement) }
        return ActionResult(
            key: built.key, tree: built.artifact, trees: ["own": built.ownTree],
            blobs: blobs)
    }

    /// The result; `nil` when a part of it is gone or damaged, which makes it a miss.
    static func read(_ record: ActionResult, store: ContentStore) throws -> BuiltPackage? {
        guard let digest = record.blobs["package"], store.contains(digest),
            let bytes = try? store.read(digest, limit: documentLimit), let json = try? JSON(parsing: bytes),
            let built = BuiltPackage(json: json), built.key == record.key, store.contains(built.ownTree),
            store.contains(built.artifact),
            ProvenanceFormat.allCases.allSatisfy({ record.blobs[blobName($0)].map(store.contains) ?? false })
        else { return nil }
        return built
    }

    private static func blobName(_ format: ProvenanceFormat) -> String { "statement-\(format.rawValue)" }

    /// The statement about a recorded package's build, its exact bytes.
    static func statement(_ record: ActionResult, _ format: ProvenanceFormat, store: ContentStore) throws -> [UInt8] {
        guard let digest = record.blobs[blobName(format)] else {
            throw BuildError(.missing, "the cached result has no provenance; build it again")
        }
        return try store.read(digest, limit: documentLimit)
    }

    /// What is stored under `key`, which a package or one that needs it has.
    static func recorded(
        _ key: Digest, _ name: PackageName, actions: ActionCache, store: ContentStore
    ) throws -> (built: BuiltPackage, record: ActionResult) {
        guard let record = try actions.lookup(key), let built = try read(record, store: store) else {
            throw BuildError(
                .missing, "the provenance of \(name) is no longer in the cache; build it again with --cache none",
                package: name)
        }
        return (built, record)
    }

    /// What the key of a recorded package was made from.
    static func manifest(_ record: ActionResult, store: ContentStore) -> JSON? {
        guard let digest = record.blobs["manifest"],
            let bytes = try? store.read(digest, limit: documentLimit)
        else { return nil }
        return try? JSON(parsing: bytes)
    }
}
