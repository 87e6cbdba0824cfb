internal import Bytes
internal import Registry

/// A repository of an OCI registry: each entry is a manifest with a tag of its own, and names its blobs as layers, so that
/// the registry keeps them.
struct RegistryStorage: RemoteStorage {
    let repository: RemoteRepository
    let client: RegistryClient

    var shown: String { repository.shown }

    /// What an entry's manifest is (image-spec "Guidelines for Artifact Usage").
    static let entryType = "application/vnd.martlet.cache.entry.v1+json"
    private static let blobType = "application/octet-stream"

    /// Tags have no slash and 128 characters at most, so that the namespace is there by its digest.
    static func tag(_ name: EntryName) -> String {
        "e-\(Digest.of(name.namespace.text).hex.prefix(16))-\(name.key.hex)"
    }

    private static func type(_ text: String) throws -> MediaType {
        guard let type = MediaType(text) else { throw RemoteCacheError(.malformed, "\(text) is no media type") }
        return type
    }

    private static func descriptor(_ blob: BlobName) throws -> Descriptor {
        Descriptor(mediaType: try type(blobType), digest: MessageDigest(blob.digest), size: blob.size)
    }

    func entry(_ name: EntryName) async throws -> [UInt8]? {
        try await found {
            let manifest = try await repository.manifest(.tag(Self.tag(name))).manifest
            guard case .image(let image) = manifest, let layer = image.layers.first,
                layer.mediaType.text == Self.entryType
            else {
                throw RemoteCacheError(.malformed, "\(shown):\(Self.tag(name)) is no cache entry")
            }
            return try await repository.content(layer, limit: CacheEntry.greatestByteCount)
        }
    }

    func putEntry(_ bytes: [UInt8], as name: EntryName, naming blobs: [BlobName]) async throws {
        _ = try await found {
            let layer = Descriptor(try Self.type(Self.entryType), of: bytes)
            try await repository.receive(layer, content: bytes)
            try await repository.receive(.empty, content: Array("{}".utf8))
            let manifest = Manifest.image(
                ImageManifest(
                    config: .empty, layers: [layer] + (try blobs.map(Self.descriptor)), artifactType: layer.mediaType))
            try await repository.put(manifest, as: manifest.descriptor, tag: Self.tag(name))
            return true
        }
    }

    func open(_ blob: BlobName, from offset: Int) async throws -> IncomingBlob? {
        // What breaks off is taken up again below this.
        guard var stream = try await found({ try await repository.blob(Self.descriptor(blob)) }) else { return nil }
        return IncomingBlob(start: 0) {
            do {
                return try await stream.next()
            } catch let error as RegistryError {
                throw RemoteCacheError(error)
            }
        }
    }

    func has(_ blob: BlobName) async throws -> Bool {
        try await found { try await repository.hasBlob(Self.descriptor(blob)) } ?? false
    }

    func put(_ blob: BlobName, _ content: BlobContent) async throws {
        _ = try await found {
            let descriptor = try Self.descriptor(blob)
            switch content {
            case .bytes(let bytes): try await repository.receive(descriptor, content: bytes)
            case .file: try await repository.receive(descriptor, from: BlobFileSource(content: content))
            }
            return true
        }
    }

    func close() async { await client.close() }

    /// What `body` gives; `nil` where there definitely is none.
    private func found<Value>(_ body: () async throws -> Value) async throws -> Value? {
        do {
            return try await body()
        } catch let error as RegistryError {
            guard error.code != .absent else { return nil }
            throw RemoteCacheError(error)
        }
    }
}

extension RemoteCacheError {
    init(_ error: RegistryError) {
        let code: Code =
            switch error.code {
            case .unreachable: .unreachable
            case .mismatch: .mismatch
            case .absent: .absent
            case .limit: .limit
            case .input, .platform: .configuration
            case .malformed, .unsupported: .malformed
            default: .refused
            }
        self.init(code, error.message)
    }
}

/// A file as a registry's client takes contents.
private struct BlobFileSource: ImageSource {
    let content: BlobContent

    var shown: String { "the local cache" }

    private var nothing: RegistryError { RegistryError(.unsupported, "a file is no image") }

    func manifest(_ name: ManifestName) async throws -> FoundManifest { throw nothing }

    func blob(_ descriptor: Descriptor) async throws -> BlobStream {
        let pieces = content.pieces
        return BlobStream(descriptor, "\(descriptor.digest)") { try pieces() }
    }

    func bytes(of descriptor: Descriptor, _ range: Range<Int>) async throws -> [UInt8]? { nil }

    func referrers(of subject: MessageDigest, kind: MediaType?) async throws -> [Descriptor] { [] }

    func tags() async throws -> [String] { [] }
}
