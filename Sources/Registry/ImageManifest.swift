internal import Bytes

/// What one image or artifact consists of (image-spec `manifest.md`; Docker's schema 2 reads the same).
package struct ImageManifest: Hashable, Sendable {
    /// The exact bytes, which are what digests and signatures are about.
    package let bytes: [UInt8]
    package let mediaType: MediaType
    package let config: Descriptor
    /// From the lowest to the topmost.
    package let layers: [Descriptor]
    /// What kind of artifact it is, where it is no image.
    package let artifactType: MediaType?
    /// The manifest that this one is about.
    package let subject: Descriptor?
    package let annotations: [String: String]

    /// Makes a manifest.
    package init(
        config: Descriptor, layers: [Descriptor], artifactType: MediaType? = nil, subject: Descriptor? = nil,
        annotations: [String: String] = [:]
    ) {
        mediaType = .imageManifest
        self.config = config
        self.layers = layers
        self.artifactType = artifactType
        self.subject = subject
        self.annotations = annotations
        var object: JSONObject = ["schemaVersion": 2, "mediaType": .string(mediaType.text)]
        if let artifactType { object["artifactType"] = .string(artifactType.text) }
        object["config"] = config.json
        object["layers"] = .array(layers.map(\.json))
        if let subject { object["subject"] = subject.json }
        if !annotations.isEmpty { object["annotations"] = .table(annotations) }
        bytes = JSON.object(object).bytes()
    }

    init(_ fields: ManifestFields, _ bytes: [UInt8], _ mediaType: MediaType) throws(RegistryError) {
        self.bytes = bytes
        self.mediaType = mediaType
        guard let config = try fields.descriptor("config") else {
            throw RegistryError(.malformed, "the manifest has no config")
        }
        self.config = config
        layers = try fields.descriptors("layers", limit: Manifest.greatestLayerCount) ?? []
        artifactType = try fields.mediaType("artifactType")
        subject = try fields.descriptor("subject")
        annotations = try fields.table("annotations", limit: 10_000)
    }

    /// Reads a manifest; see `Manifest`.
    package init(parsing bytes: [UInt8], mediaType: MediaType? = nil) throws(RegistryError) {
        guard case .image(let manifest) = try Manifest(parsing: bytes, mediaType: mediaType) else {
            throw RegistryError(.malformed, "an index stands where the manifest of one image should be")
        }
        self = manifest
    }

    /// What the manifest is an artifact of: its own word, else its configuration's type (distribution-spec
    /// "Listing Referrers").
    package var kind: MediaType { artifactType ?? config.mediaType }

    package var descriptor: Descriptor { Descriptor(mediaType, of: bytes) }
}
