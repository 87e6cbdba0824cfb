internal import Bytes
internal import Host
package import Inventory
package import Registry

/// Puts built images somewhere, with what is said about them.
package struct ImagePublisher: Sendable {
    let client: ArchiveClient

    package init(client: ArchiveClient) { self.client = client }

    /// Puts every image and index, the latter under `tag` or its variant's, and then the bills of materials as referrers of each
    /// image. What is there already is not written again.
    package func publish(
        _ sets: [ImageSet], to target: any ImageTarget, tag: String? = nil, bills formats: [BillFormat],
        _ metadata: BillMetadata
    ) async throws {
        for set in sets {
            let tag = tag ?? set.tag
            for image in set.images { try await put(image, to: target, tag: set.images.count == 1 ? tag : nil) }
            if set.images.count > 1 { try await target.put(set.top, as: set.descriptor, tag: tag) }
        }
        for image in sets.flatMap(\.images) {
            if let index = image.pathIndex {
                try await attach(index, PathIndex.mediaType, to: image.manifest.descriptor, in: target)
            }
            for format in formats {
                let document = try image.bill().document(format, metadata).bytes(indented: true) + [0x0A]
                guard let type = MediaType(format.mediaType) else { continue }
                try await attach(document, type, to: image.manifest.descriptor, in: target)
            }
        }
    }

    private func put(_ image: BuiltImage, to target: any ImageTarget, tag: String?) async throws {
        // The largest first: they take longest.
        let layers = image.manifest.layers.unique().sorted { $0.size > $1.size }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, layer) in layers.enumerated() {
                if index >= Self.width { try await group.next() }
                group.addTask { try await put(layer, to: target) }
            }
            try await group.waitForAll()
        }
        try await target.receive(image.manifest.config, content: image.configuration)
        try await target.put(.image(image.manifest), as: image.manifest.descriptor, tag: tag)
    }

    /// As many layers are moved at a time; where the target is a registry, they are in memory.
    private static let width = 4

    /// Puts a layer, of which the target checks every byte.
    private func put(_ layer: Descriptor, to target: any ImageTarget) async throws {
        if try await target.hasBlob(layer) { return }
        guard let digest = Digest(bytes: layer.digest.bytes), try Files.exists(client.cache.path(digest)) else {
            throw ImageError(.absent, "the layer \(layer.digest) is not in the cache any more; build again")
        }
        try await target.receive(layer, file: client.cache.path(digest))
    }

    /// Attaches a document to `subject` as an OCI artifact.
    package func attach(
        _ document: [UInt8], _ type: MediaType, to subject: Descriptor, in target: any ImageTarget,
        annotations: [String: String] = [:]
    ) async throws {
        let layer = Descriptor(type, of: document)
        let manifest = ImageManifest(
            config: .empty, layers: [layer], artifactType: type, subject: subject.bare, annotations: annotations)
        try await target.receive(.empty, content: Array("{}".utf8))
        try await target.receive(layer, content: document)
        // Where a registry keeps no lists of referrers, the tag that clients keep instead is changed.
        if let repository = target as? RemoteRepository { return try await repository.attach(.image(manifest)) }
        try await target.put(.image(manifest), as: manifest.descriptor, tag: nil)
    }
}
