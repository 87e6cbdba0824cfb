internal import Bytes
internal import Host
internal import Synchronization
package import SystemPackage

/// A file that `docker load` reads, to write: one image, with its layers unpacked as their diff_ids name them.
package final class DockerArchiveTarget: ImageTarget {
    private let path: FilePath
    /// What the image is called in the archive.
    private let name: String?
    private let layout: OCILayout
    private let directory: FilePath
    /// Guards the manifest that was put. Nothing else is locked while it is held.
    private let put = Mutex<ImageManifest?>(nil)

    package init(_ path: FilePath, name: String?) throws {
        self.path = path
        self.name = name
        directory = try Files.temporaryDirectory(
            in: path.removingLastComponent().isEmpty ? "." : path.removingLastComponent(),
            prefix: Files.temporaryPrefix)
        layout = try OCILayout(creating: directory)
    }

    deinit { try? Files.removeTree(directory) }

    package var shown: String { "docker-archive:\(path)" }

    package func hasBlob(_ descriptor: Descriptor) throws -> Bool { try layout.hasBlob(descriptor) }

    package func receive(_ descriptor: Descriptor, from source: any ImageSource) async throws {
        try await layout.receive(descriptor, from: source)
    }

    package func receive(_ descriptor: Descriptor, content: [UInt8]) async throws {
        try await layout.receive(descriptor, content: content)
    }

    package func receive(_ descriptor: Descriptor, file: FilePath) async throws {
        try await layout.receive(descriptor, file: file)
    }

    package func put(_ manifest: Manifest, as descriptor: Descriptor, tag: String?) async throws {
        guard case .image(let image) = manifest else {
            throw RegistryError(.unsupported, "\(shown) holds one image and no index; say which with --platform")
        }
        try put.withLock { known in
            guard known == nil else {
                throw RegistryError(.unsupported, "\(shown) holds one image and nothing with it")
            }
            known = image
        }
    }

    package func finish() async throws {
        guard let image = put.withLock({ $0 }) else { return }
        let content = try layout.read(image.config, limit: ImageConfiguration.greatestByteCount)
        let diffIDs = try ImageConfiguration(parsing: content).diffIDs
        guard diffIDs.count == image.layers.count else {
            throw RegistryError(
                .malformed, "the image has \(image.layers.count) layers and its configuration \(diffIDs.count)")
        }
        let target = Files.temporaryName(beside: path)
        do {
            try write(content, image, diffIDs, to: target)
            try Files.rename(target, to: path)
        } catch {
            try? Files.remove(target)
            throw error
        }
        try? Files.removeTree(directory)
    }

    private func write(
        _ config: [UInt8], _ image: ImageManifest, _ diffIDs: [MessageDigest], to target: FilePath
    ) throws {
        let output = try OpenFile(creating: target, mode: 0o644)
        try withArchive(writingTo: output) { writer in
            let configName = "\(image.config.digest.hex).json"
            var written: Set<MessageDigest> = []
            for (layer, diffID) in zip(image.layers, diffIDs) where written.insert(diffID).inserted {
                let plain = try unpack(layer, diffID)
                try writer.beginFile("\(diffID.hex).tar", size: plain.size, isExecutable: false)
                let file = try OpenFile(reading: plain.file)
                while true {
                    let piece = try file.read(1 << 20)
                    if piece.isEmpty { break }
                    try writer.write(piece)
                }
            }
            try writer.addFile(configName, config)
            let entry: JSON = [
                "Config": .string(configName), "RepoTags": .array(name.map { [.string($0)] } ?? []),
                "Layers": .array(diffIDs.map { .string("\($0.hex).tar") }),
            ]
            try writer.addFile("manifest.json", JSON.array([entry]).bytes())
        }
    }

    /// The layer's tar archive, checked against the digest that the configuration names.
    private func unpack(_ layer: Descriptor, _ diffID: MessageDigest) throws -> (file: FilePath, size: Int) {
        let file = directory.appending("\(diffID.hex).tar")
        let reader = try Decompressor(
            ByteReader(OpenFile(reading: layout.blobPath(layer.digest))), limit: 1 << 40
        ).reader
        let output = try OpenFile(creating: file, mode: 0o600)
        var hasher = MessageHasher(diffID.algorithm)
        var size = 0
        while let piece = try reader.next(limit: 1 << 20) {
            let bytes = Array(piece)
            hasher.update(bytes)
            size += bytes.count
            try output.write(bytes)
        }
        let found = hasher.finalize()
        guard found == diffID else {
            throw RegistryError(
                .mismatch, "the layer \(layer.digest) unpacks to \(found) where the configuration names \(diffID)")
        }
        return (file, size)
    }
}
