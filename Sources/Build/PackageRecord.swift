package import Bytes
package import Cache
package import Workspace

/// A package's result in the action cache: which stored documents say what it is.
package enum PackageRecord {
    package static let documentLimit = 64 << 20
    /// The name of the document that says what the result is.
    package static let packageName = "package"
    /// The names of the documents that other machines may see. What the key was made from is not among them: it holds
    /// commands and variables as they are.
    package static let documentNames = [packageName] + ProvenanceFormat.allCases.map(documentName)

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
        var blobs = [packageName: document, "manifest": manifest]
        for (format, statement) in statements { blobs[documentName(format)] = try store.put(statement) }
        return ActionResult(
            key: built.key, tree: built.artifact, trees: ["own": built.ownTree],
            blobs: blobs)
    }

    /// The result; `nil` when a part of it is gone or damaged, which makes it a miss.
    package static func read(_ record: ActionResult, store: ContentStore) throws -> BuiltPackage? {
        guard let built = package(record, key: record.key, store: store), store.contains(built.ownTree),
            store.contains(built.artifact)
        else { return nil }
        return built
    }

    /// What the documents of a record say about the result of `key`; `nil` when one is gone or damaged.
    static func package(_ record: ActionResult, key: Digest, store: ContentStore) -> BuiltPackage? {
        guard documentNames.allSatisfy({ record.blobs[$0].map(store.contains) ?? false }),
            let digest = record.blobs[packageName],
            let bytes = try? store.read(digest, limit: documentLimit), let json = try? JSON(parsing: bytes),
            let built = BuiltPackage(json: json), built.key == key
        else { return nil }
        return built
    }

    /// The name of the document with the statement in this shape.
    package static func documentName(_ format: ProvenanceFormat) -> String { "statement-\(format.rawValue)" }

    /// The statement about a recorded package's build, its exact bytes.
    static func statement(_ record: ActionResult, _ format: ProvenanceFormat, store: ContentStore) throws -> [UInt8] {
        guard let digest = record.blobs[documentName(format)] else {
            throw BuildError(.missing, "the cached result has no provenance; build it again")
        }
        return try store.read(digest, limit: documentLimit)
    }

    /// What is stored under `key`, which a package or one that needs it has, or what is known of a result elsewhere.
    package static func recorded(
        _ key: Digest, _ name: PackageName, actions: ActionCache, store: ContentStore
    ) throws -> (built: BuiltPackage, record: ActionResult) {
        if let record = try actions.lookup(key), let built = try read(record, store: store) { return (built, record) }
        guard let known = try KnownResult.find(key, store: store, actions: actions) else {
            throw BuildError(
                .missing, "the provenance of \(name) is no longer in the cache; build it again with --cache none",
                package: name)
        }
        return known
    }

    /// What the key of a recorded package was made from.
    static func manifest(_ record: ActionResult, store: ContentStore) -> JSON? {
        guard let digest = record.blobs["manifest"],
            let bytes = try? store.read(digest, limit: documentLimit)
        else { return nil }
        return try? JSON(parsing: bytes)
    }
}
