internal import Bytes

/// A manifest of either kind, with its exact bytes.
package enum Manifest: Hashable, Sendable {
    case image(ImageManifest)
    case index(ImageIndex)

    /// The most bytes of a manifest. Registries must take 4 MiB.
    package static let greatestByteCount = 8 << 20
    /// The most layers of an image.
    package static let greatestLayerCount = 10_000
    /// The most manifests of an index.
    package static let greatestEntryCount = 50_000

    /// Reads a manifest, strictly. `mediaType` is what the registry or the descriptor calls it.
    ///
    /// What could be read as both kinds is refused: two readers would see two images under one digest
    /// (CVE-2021-41190).
    package init(parsing bytes: [UInt8], mediaType named: MediaType? = nil) throws(RegistryError) {
        let fields = try ManifestFields(parsing: bytes, limit: Self.greatestByteCount, "the manifest")
        let own = try fields.mediaType("mediaType")
        guard try fields.number("schemaVersion") == 2 else {
            throw RegistryError(
                .unsupported, "the manifest is not of schema version 2; older ones name no sizes and can't be checked")
        }
        let isIndex = fields["manifests"] != nil
        guard !isIndex || (fields["layers"] == nil && fields["config"] == nil) else {
            throw RegistryError(.malformed, "the manifest is an index and an image at the same time")
        }
        if let named, named.isManifest, let own, named.essence != own.essence {
            throw RegistryError(.malformed, "the manifest calls itself \(own), but was named \(named)")
        }
        let type = own ?? named.flatMap { $0.isManifest ? $0 : nil } ?? (isIndex ? .imageIndex : .imageManifest)
        guard type.isManifest else {
            throw RegistryError(.unsupported, "\(type) is no kind of manifest that martlet reads")
        }
        guard type.isIndex == (isIndex || (fields["config"] == nil && fields["layers"] == nil)) else {
            throw RegistryError(.malformed, "the manifest is called \(type), and is of the other kind")
        }
        self =
            type.isIndex ? .index(try ImageIndex(fields, bytes, type)) : .image(try ImageManifest(fields, bytes, type))
    }

    package var bytes: [UInt8] {
        switch self {
        case .image(let image): image.bytes
        case .index(let index): index.bytes
        }
    }

    package var mediaType: MediaType {
        switch self {
        case .image(let image): image.mediaType
        case .index(let index): index.mediaType
        }
    }

    package var subject: Descriptor? {
        switch self {
        case .image(let image): image.subject
        case .index(let index): index.subject
        }
    }

    package var annotations: [String: String] {
        switch self {
        case .image(let image): image.annotations
        case .index(let index): index.annotations
        }
    }

    /// What the manifest is an artifact of, as lists of referrers say it.
    package var kind: MediaType? {
        switch self {
        case .image(let image): image.kind
        case .index(let index): index.artifactType
        }
    }

    /// The manifest by its SHA-256 digest.
    package var descriptor: Descriptor { Descriptor(mediaType, of: bytes) }

    /// The manifest as a list of referrers names it (distribution-spec "Listing Referrers").
    package var referrer: Descriptor {
        var out = descriptor
        out.artifactType = kind
        out.annotations = annotations
        return out
    }
}
