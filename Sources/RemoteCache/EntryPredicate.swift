package import Attest
internal import Build
package import Bytes
internal import Sigstore
internal import Workspace

/// What an entry says: that the result of a key is this artifact, with these documents, and that its files are in these
/// packs and blobs. The statement's subject is the artifact.
package struct EntryPredicate: Hashable, Sendable {
    /// Small files, together.
    package struct Pack: Hashable, Sendable {
        package var blob: BlobName
        /// How many bytes it unpacks to.
        package var contentSize: Int
    }

    package static let type = "https://martlet.dev/cache-entry/v1"
    /// The most packs and blobs that an entry may name.
    package static let greatestCount = 100_000

    package var package: String
    package var key: Digest
    package var namespace: String
    package var artifact: Digest
    package var ownTree: Digest
    /// The digest of each document by its name.
    package var documents: [String: Digest]
    package var packs: [Pack]
    package var blobs: [BlobName]

    init(
        of built: BuiltPackage, in namespace: Namespace, documents: [String: Digest], packs: [Pack], blobs: [BlobName]
    ) {
        package = built.name.description
        key = built.key
        self.namespace = namespace.text
        artifact = built.artifact
        ownTree = built.ownTree
        self.documents = documents
        self.packs = packs
        self.blobs = blobs
    }

    /// The statement; equal predicates give equal bytes.
    var statement: Statement {
        var names = JSONObject()
        for (name, digest) in documents.sorted(by: { $0.key < $1.key }) { names[name] = .string(digest.hex) }
        return Statement(
            subjects: [Subject(name: package, digest: artifact)], predicateType: Self.type,
            predicate: [
                "key": .string(key.hex), "namespace": .string(namespace), "ownTree": .string(ownTree.hex),
                "documents": .object(names),
                "packs": .array(
                    packs.map {
                        [
                            "sha256": .string($0.blob.digest.hex), "size": .integer($0.blob.size),
                            "contentSize": .integer($0.contentSize),
                        ]
                    }),
                "blobs": .array(
                    blobs.map { ["sha256": .string($0.digest.hex), "size": .integer($0.size)] }),
            ])
    }

    /// Reads the statement of an entry.
    package init(_ statement: Statement) throws(RemoteCacheError) {
        let wrong = RemoteCacheError(.malformed, "the entry's statement does not say what entries say")
        let predicate = statement.predicate
        guard statement.predicateType.utf8.elementsEqual(Self.type.utf8), statement.subjects.count == 1,
            let subject = statement.subjects.first,
            let artifact = subject.digest["sha256"].flatMap({ Digest(hex: $0) }),
            let key = Self.digest(predicate["key"]), let namespace = predicate["namespace"]?.stringValue,
            let ownTree = Self.digest(predicate["ownTree"]), let names = predicate["documents"]?.objectValue,
            let packs = predicate["packs"]?.arrayValue, let blobs = predicate["blobs"]?.arrayValue,
            names.count <= 100, packs.count + blobs.count <= Self.greatestCount
        else { throw wrong }
        self.package = subject.name
        self.key = key
        self.namespace = namespace
        self.artifact = artifact
        self.ownTree = ownTree
        documents = [:]
        for member in names {
            guard let digest = Self.digest(member.value) else { throw wrong }
            documents[member.key] = digest
        }
        self.packs = []
        for json in packs {
            guard let blob = Self.blob(json), let size = json["contentSize"]?.intValue,
                (0...FilePack.greatestContent).contains(size), blob.size <= 2 * FilePack.greatestContent
            else { throw wrong }
            self.packs.append(Pack(blob: blob, contentSize: size))
        }
        self.blobs = []
        for json in blobs {
            guard let blob = Self.blob(json) else { throw wrong }
            self.blobs.append(blob)
        }
    }

    /// Reads the statement of an entry that was verified before it was recorded.
    init(recorded entry: CacheEntry) throws {
        guard case .envelope(let envelope) = entry.entry.content else {
            throw RemoteCacheError(.malformed, "what is signed is no statement")
        }
        try self.init(Statement(parsing: envelope.payload))
    }

    private static func digest(_ json: JSON?) -> Digest? { json?.stringValue.flatMap { Digest(hex: $0) } }

    private static func blob(_ json: JSON) -> BlobName? {
        guard let digest = digest(json["sha256"]), let size = json["size"]?.intValue, (0...(1 << 50)).contains(size)
        else {
            return nil
        }
        return BlobName(digest, size: size)
    }
}
