internal import Bytes

/// A list of manifests, one for each platform, or of referrers (image-spec `image-index.md`; Docker's manifest list
/// reads the same).
package struct ImageIndex: Hashable, Sendable {
    /// The exact bytes, which are what digests and signatures are about.
    package let bytes: [UInt8]
    package let mediaType: MediaType
    package let manifests: [Descriptor]
    package let artifactType: MediaType?
    package let subject: Descriptor?
    package let annotations: [String: String]

    /// Makes an index.
    package init(
        manifests: [Descriptor], artifactType: MediaType? = nil, subject: Descriptor? = nil,
        annotations: [String: String] = [:]
    ) {
        mediaType = .imageIndex
        self.manifests = manifests
        self.artifactType = artifactType
        self.subject = subject
        self.annotations = annotations
        var object: JSONObject = ["schemaVersion": 2, "mediaType": .string(mediaType.text)]
        if let artifactType { object["artifactType"] = .string(artifactType.text) }
        object["manifests"] = .array(manifests.map(\.json))
        if let subject { object["subject"] = subject.json }
        if !annotations.isEmpty { object["annotations"] = .table(annotations) }
        bytes = JSON.object(object).bytes()
    }

    init(_ fields: ManifestFields, _ bytes: [UInt8], _ mediaType: MediaType) throws(RegistryError) {
        self.bytes = bytes
        self.mediaType = mediaType
        manifests = try fields.descriptors("manifests", limit: Manifest.greatestEntryCount) ?? []
        artifactType = try fields.mediaType("artifactType")
        subject = try fields.descriptor("subject")
        annotations = try fields.table("annotations", limit: 10_000)
    }

    /// Reads an index; see `Manifest`.
    package init(parsing bytes: [UInt8], mediaType: MediaType? = nil) throws(RegistryError) {
        guard case .index(let index) = try Manifest(parsing: bytes, mediaType: mediaType) else {
            throw RegistryError(.malformed, "the manifest of one image stands where an index should be")
        }
        self = index
    }

    package var descriptor: Descriptor { Descriptor(mediaType, of: bytes) }

    /// The entries that are images to run: BuildKit's attestations are not.
    package var images: [Descriptor] { manifests.filter { !$0.isAttestation && $0.platform?.isUnknown != true } }

    /// The image for `platform`: the nearest variant, and of equals the first.
    ///
    /// An entry that names no platform is taken only where it is the one image of the index.
    package func image(for platform: Platform) throws(RegistryError) -> Descriptor {
        var best: (descriptor: Descriptor, distance: Int)?
        for entry in images {
            guard let offered = entry.platform, let distance = platform.distance(to: offered) else { continue }
            if distance < best?.distance ?? .max { best = (entry, distance) }
        }
        if let best { return best.descriptor }
        if images.count == 1, images[0].platform == nil { return images[0] }
        throw RegistryError(.absent, "the index has no image for \(platform); it has \(choices)")
    }

    /// The platforms of the index, for messages.
    package var choices: String {
        let names = images.prefix(50).map {
            $0.platform.map { "\($0)".safeForTerminal } ?? "\($0.digest) (no platform)"
        }
        return names.isEmpty ? "no images" : names.joined(separator: ", ")
    }
}

extension Descriptor {
    /// The annotation by which BuildKit says what an entry of an index is.
    package static let buildKitKind = "vnd.docker.reference.type"
    /// The annotation by which BuildKit says which image an attestation is about.
    package static let buildKitSubject = "vnd.docker.reference.digest"

    /// Whether the entry of an index is one of BuildKit's attestations.
    package var isAttestation: Bool { annotations[Self.buildKitKind] == "attestation-manifest" }
}
