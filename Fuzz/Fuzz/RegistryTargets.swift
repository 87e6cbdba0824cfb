internal import Bytes
internal import Host

@testable internal import Registry

extension FuzzTarget {
    /// Reading manifests, indexes, configurations and descriptors: the bytes are kept, and what is made reads back.
    static let manifest = FuzzTarget(name: "manifest") { input in
        if let manifest = try? Manifest(parsing: input) {
            require(manifest.bytes == input, "a manifest keeps its bytes")
            switch manifest {
            case .image(let image):
                let made = ImageManifest(
                    config: image.config, layers: image.layers, artifactType: image.artifactType,
                    subject: image.subject, annotations: image.annotations)
                require((try? ImageManifest(parsing: made.bytes)) == made, "a manifest that is made reads back")
            case .index(let index):
                let made = ImageIndex(
                    manifests: index.manifests, artifactType: index.artifactType, subject: index.subject,
                    annotations: index.annotations)
                require((try? ImageIndex(parsing: made.bytes)) == made, "an index that is made reads back")
                _ = try? index.image(for: Platform(os: "linux", architecture: "arm", variant: "v7"))
            }
        }
        if let configuration = try? ImageConfiguration(parsing: input) {
            require(
                (try? ImageConfiguration(parsing: configuration.encoded())) == configuration,
                "a configuration reads back")
        }
        if let descriptor = try? Descriptor(parsing: input) {
            require((try? Descriptor(parsing: descriptor.json.bytes())) == descriptor, "a descriptor reads back")
        }
    }

    /// Reading references, addresses, platforms and positions: what is taken is taken again.
    static let reference = FuzzTarget(name: "reference") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let reference = try? Reference(text) {
            require((try? Reference("\(reference)")) == reference, "a reference has one full form")
            require((try? Reference(reference.familiar)) == reference, "the familiar form means the same")
            require(!reference.repository.contains(".."), "a name leads nowhere else")
        }
        if let platform = try? Platform(text) {
            require(platform.distance(to: platform) != nil || platform.os != "linux", "it runs on itself")
        }
        _ = try? LayerPosition(text)
        _ = try? ImageAddress(text)
        _ = ImageAddress.isImage(text)
        if let path = LayerChange.normalized(text) {
            require(LayerChange.normalized(path) == path, "a path has one form")
            require(!path.split(separator: "/").contains(".."), "a path stays inside")
        }
    }

    /// Reading `WWW-Authenticate`, `Link` and files with credentials.
    static let authChallenge = FuzzTarget(name: "auth-challenge") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let challenges = try? AuthChallenge.parse([text]) {
            for challenge in challenges { require(!challenge.scheme.isEmpty, "a challenge has a scheme") }
        }
        _ = RemoteRepository.next(text)
        if let fields = try? ManifestFields(parsing: input, limit: 1 << 20, "it") {
            _ = try? CredentialStore.credential(fields)
        }
    }

    /// Reading layers: paths stay inside, and content comes from the archive.
    static let layer = FuzzTarget(name: "layer") { input in
        var reader = LayerReader(ByteReader(input))
        var index = LayerIndex()
        var count = 0
        while let entry = try? reader.next() {
            require(
                !entry.path.hasPrefix("/") && !entry.path.split(separator: "/").contains(".."), "a path stays inside")
            while let part = try? reader.nextPart() { count += part.count }
            index.add(entry)
        }
        require(count <= input.count, "content comes from the archive")
        var directories: Set<String> = []
        _ = index.look("etc/passwd", &directories)
        _ = index.aliases(of: "usr/lib/x")
    }

    /// Reading tables of contents and their footers.
    static let layerTable = FuzzTarget(name: "layer-table") { input in
        if let index = try? LayerTOC.index(input, end: 1 << 20) {
            for chunks in index.chunks.values {
                for chunk in chunks {
                    require(
                        chunk.range.upperBound <= 1 << 20 && chunk.size >= 0 && chunk.inner >= 0,
                        "chunks lie within the layer")
                }
            }
        }
        _ = LayerTOC.footer(input)
    }

    /// Reading an index of paths: the annotation that names it, its root and its shards.
    static let pathIndex = FuzzTarget(name: "path-index") { input in
        _ = PathIndex.Place(String(decoding: input, as: UTF8.self))
        guard let packed = try? Compression.zstd.compress(input) else { return }
        let shard = PathIndex.Shard(first: "", range: 0..<packed.count, digest: .of(packed))
        if let entries = try? PathIndex.entries(packed, shard) {
            for entry in entries.values {
                require(entry.chunks.allSatisfy { $0.size >= 0 && $0.inner >= 0 }, "sizes are counts")
            }
        }
        let text = "\(Digest.of(packed)) \(packed.count) 0 \(Digest.of(packed))"
        guard let place = PathIndex.Place(text) else { return }
        _ = try? PathIndex.shards(packed, place)
    }
}
