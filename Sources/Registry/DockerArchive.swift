package import Bytes
internal import Host
package import SystemPackage

/// What `docker save` writes: a tar file with `manifest.json`, configurations and layers without compression.
///
/// It has no manifest of its own, so one is made: the same archive gives the same manifest, whose layers are the tar
/// archives as they lie in it.
package final class DockerArchive: ImageSource {
    private struct Image {
        let manifest: ImageManifest
        let tags: [String]
    }

    private let members: ArchiveMembers
    private let images: [Image]
    private let places: [MessageDigest: Range<Int>]

    package init(_ path: FilePath) throws {
        members = try ArchiveMembers(path)
        let place = "\(path): manifest.json"
        guard members.has("manifest.json") else {
            throw RegistryError(.malformed, "\(path) is no archive of docker save: it has no manifest.json")
        }
        let bytes = try members.read("manifest.json", limit: Manifest.greatestByteCount)
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw RegistryError(.malformed, "\(place) is not JSON: \(error)")
        }
        guard let entries = json.arrayValue, entries.count <= 10_000 else {
            throw RegistryError(.malformed, "\(place) should be an array")
        }
        var images: [Image] = []
        var places: [MessageDigest: Range<Int>] = [:]
        for (index, entry) in entries.enumerated() {
            images.append(
                try Self.image(try ManifestFields(entry, "\(place)[\(index)]"), in: members, places: &places))
        }
        (self.images, self.places) = (images, places)
    }

    private static func image(
        _ fields: ManifestFields, in members: ArchiveMembers, places: inout [MessageDigest: Range<Int>]
    ) throws -> Image {
        guard let name = try fields.text("Config") else { throw fields.wrong("Config", "the name of a file") }
        let content = try members.read(name, limit: ImageConfiguration.greatestByteCount)
        let config = Descriptor(.imageConfiguration, of: content)
        places[config.digest] = try members.range(name)
        let diffIDs = try ImageConfiguration(parsing: content).diffIDs
        let names = try fields.texts("Layers", limit: Manifest.greatestLayerCount)
        guard names.count == diffIDs.count else {
            throw RegistryError(
                .malformed, "\(fields.place) has \(names.count) layers and its configuration \(diffIDs.count)")
        }
        var layers: [Descriptor] = []
        for (name, diffID) in zip(names, diffIDs) {
            let range = try members.range(name)
            var layer = Descriptor(mediaType: .layer, digest: diffID, size: range.count)
            let head = try members.read(range.lowerBound..<min(range.upperBound, range.lowerBound + 4))
            // Newer ones have layers as registries have them, of which the configuration does not tell the digest.
            let compression = Compression(recognizing: head)
            if compression != .none {
                layer = Descriptor(
                    mediaType: compression == .gzip ? .layerGzip : .layerZstd, digest: try members.digest(range),
                    size: range.count)
            }
            places[layer.digest] = range
            layers.append(layer)
        }
        return Image(
            manifest: ImageManifest(config: config, layers: layers), tags: try fields.texts("RepoTags", limit: 10_000))
    }

    package var shown: String { "docker-archive:\(members.path)" }

    private func found(_ image: Image) -> FoundManifest {
        FoundManifest(descriptor: image.manifest.descriptor, manifest: .image(image.manifest))
    }

    package func manifest(_ name: ManifestName) async throws -> FoundManifest {
        switch name {
        case .digest(let digest):
            if let image = images.first(where: { $0.manifest.descriptor.digest == digest }) { return found(image) }
        case .tag(let tag):
            let wanted = try? Reference(tag)
            let image = images.first { image in
                image.tags.contains { text in
                    text == tag || text.hasSuffix(":\(tag)") || (wanted != nil && (try? Reference(text)) == wanted)
                }
            }
            if let image { return found(image) }
        }
        throw RegistryError(
            .absent,
            "\(shown) has no image called \("\(name)".safeForTerminal); it has \(images.flatMap(\.tags).prefix(20).joined(separator: ", ").safeForTerminal)"
        )
    }

    /// The one image of an archive that has no more.
    package func findOnly() throws -> FoundManifest {
        guard let image = images.first, images.count == 1 else {
            throw RegistryError(.absent, "\(shown) has \(images.count) images; name one as \(shown):NAME:TAG")
        }
        return found(image)
    }

    package func blob(_ descriptor: Descriptor) async throws -> BlobStream {
        guard let range = places[descriptor.digest] else {
            throw RegistryError(.absent, "\(shown) has no \(descriptor.digest)")
        }
        return try members.stream(descriptor, "\(shown): \(descriptor.digest)", range)
    }

    package func bytes(of descriptor: Descriptor, _ range: Range<Int>) async throws -> [UInt8]? {
        guard let whole = places[descriptor.digest], range.upperBound <= whole.count else { return nil }
        return try members.read(whole.lowerBound + range.lowerBound..<whole.lowerBound + range.upperBound)
    }

    package func referrers(of subject: MessageDigest, kind: MediaType?) async throws -> [Descriptor] { [] }

    package func tags() async throws -> [String] {
        images.flatMap(\.tags).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
