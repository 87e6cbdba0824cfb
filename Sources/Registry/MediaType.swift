/// What kind of content a descriptor names (RFC 6838 section 4.2), as it was written.
package struct MediaType: Hashable, Sendable, CustomStringConvertible {
    /// The whole text, parameters included.
    package let text: String

    /// Takes `type/subtype` and parameters behind a semicolon; `nil` for anything else, or for more than 255 bytes.
    package init?(_ text: String) {
        let essence = text.prefix { $0 != ";" }.utf8
        let slash = UInt8(ascii: "/")
        guard text.utf8.count <= 255, let middle = essence.firstIndex(of: slash),
            middle > essence.startIndex, essence.index(after: middle) < essence.endIndex,
            essence.allSatisfy({ $0 == slash || Self.isInName($0) }), essence.count(where: { $0 == slash }) == 1,
            text.utf8.allSatisfy({ 0x20...0x7E ~= $0 })
        else { return nil }
        self.text = text
    }

    private init(known text: String) { self.text = text }

    private static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$&-^_.+".utf8.contains(byte)
        }
    }

    package var description: String { text }

    /// The text without its parameters, in lower case.
    package var essence: String {
        var end = text.prefix { $0 != ";" }
        while end.last == " " { end = end.dropLast() }
        return end.lowercased()
    }

    // Manifests.
    package static let imageManifest = MediaType(known: "application/vnd.oci.image.manifest.v1+json")
    package static let imageIndex = MediaType(known: "application/vnd.oci.image.index.v1+json")
    package static let dockerManifest = MediaType(known: "application/vnd.docker.distribution.manifest.v2+json")
    package static let dockerManifestList = MediaType(
        known: "application/vnd.docker.distribution.manifest.list.v2+json")
    // Configurations.
    package static let pathIndex = MediaType(known: "application/vnd.martlet.path-index.v1")
    package static let imageConfiguration = MediaType(known: "application/vnd.oci.image.config.v1+json")
    package static let dockerConfiguration = MediaType(known: "application/vnd.docker.container.image.v1+json")
    package static let empty = MediaType(known: "application/vnd.oci.empty.v1+json")
    // Layers.
    package static let layer = MediaType(known: "application/vnd.oci.image.layer.v1.tar")
    package static let layerGzip = MediaType(known: "application/vnd.oci.image.layer.v1.tar+gzip")
    package static let layerZstd = MediaType(known: "application/vnd.oci.image.layer.v1.tar+zstd")
    package static let dockerLayer = MediaType(known: "application/vnd.docker.image.rootfs.diff.tar.gzip")
    // Attestations.
    package static let bundle = MediaType(known: "application/vnd.dev.sigstore.bundle.v0.3+json")
    package static let envelope = MediaType(known: "application/vnd.dsse.envelope.v1+json")
    package static let simpleSigning = MediaType(known: "application/vnd.dev.cosign.simplesigning.v1+json")
    package static let statement = MediaType(known: "application/vnd.in-toto+json")
    package static let buildKitAttestation = MediaType(
        known: "application/vnd.docker.attestation.manifest.v1+json")

    /// Whether this is an index of manifests, in OCI's words or Docker's.
    package var isIndex: Bool { [Self.imageIndex, Self.dockerManifestList].contains { $0.text == essence } }
    /// Whether this is the manifest of one image or artifact, in OCI's words or Docker's.
    package var isImage: Bool { [Self.imageManifest, Self.dockerManifest].contains { $0.text == essence } }
    /// Whether this is a manifest of any kind that martlet reads.
    package var isManifest: Bool { isIndex || isImage }
    /// Whether this is a layer of a file system, as OCI or Docker names them, also those not for distribution.
    package var isLayer: Bool {
        essence.hasPrefix("application/vnd.oci.image.layer.")
            || essence.hasPrefix("application/vnd.docker.image.rootfs.")
    }
    /// Whether the content is a Sigstore bundle: older versions say theirs in a parameter.
    package var isBundle: Bool { essence.hasPrefix("application/vnd.dev.sigstore.bundle") }
}
