package import Bytes
internal import Host
package import SystemPackage

/// A manifest, and the descriptor by which it was found.
package struct FoundManifest: Hashable, Sendable {
    package let descriptor: Descriptor
    package let manifest: Manifest

    package init(descriptor: Descriptor, manifest: Manifest) {
        self.descriptor = descriptor
        self.manifest = manifest
    }
}

/// A place to read images from: a repository of a registry, a layout, an archive. Everything read is checked against
/// the digest by which it was asked for.
package protocol ImageSource: Sendable {
    /// The place, for messages.
    var shown: String { get }

    /// The manifest called `name`. `.absent` only where there definitely is none.
    func manifest(_ name: ManifestName) async throws -> FoundManifest

    /// Digest, size and type of the manifest called `name`, without its content where that can be had.
    func resolve(_ name: ManifestName) async throws -> Descriptor

    /// The content of a descriptor.
    func blob(_ descriptor: Descriptor) async throws -> BlobStream

    /// Bytes from the middle of a content, which can't be checked against its digest; `nil` where the place gives
    /// nothing but the whole.
    func bytes(of descriptor: Descriptor, _ range: Range<Int>) async throws -> [UInt8]?

    /// The manifests that say they are about `subject`, and are of `kind` where that is given.
    func referrers(of subject: MessageDigest, kind: MediaType?) async throws -> [Descriptor]

    /// The tags there are, in the order of their bytes.
    func tags() async throws -> [String]

    /// The signatures and attestations that are known by where they are kept alone, as in a folder of `cosign save`.
    func savedAttachments() async throws -> [Attachment]
}

extension ImageSource {
    package func resolve(_ name: ManifestName) async throws -> Descriptor { try await manifest(name).descriptor }

    package func savedAttachments() async throws -> [Attachment] { [] }

    /// The content of a small descriptor.
    package func content(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        if let data = descriptor.data { return data }
        return try await blob(descriptor).bytes(limit: limit)
    }

    /// The manifest that `descriptor` names, with its size checked too.
    package func manifest(_ descriptor: Descriptor) async throws -> FoundManifest {
        let found = try await manifest(.digest(descriptor.digest))
        guard found.manifest.bytes.count == descriptor.size else {
            throw RegistryError(
                .mismatch,
                "\(shown): the manifest \(descriptor.digest) has \(found.manifest.bytes.count) bytes where \(descriptor.size) are named"
            )
        }
        return FoundManifest(descriptor: descriptor, manifest: found.manifest)
    }

    /// The image called `name`: of an index, that for `platform`. Without one, the only image of the index, or that for
    /// `usual` where the index has it.
    package func image(
        _ name: ManifestName, platform: Platform?, usual: Platform? = nil
    ) async throws -> (descriptor: Descriptor, manifest: ImageManifest) {
        var found = try await manifest(name)
        // An index in an index is allowed; a chain of them has no use.
        for _ in 0..<4 {
            switch found.manifest {
            case .image(let image): return (found.descriptor, image)
            case .index(let index):
                let entry: Descriptor?
                if let platform {
                    entry = try index.image(for: platform)
                } else if index.images.count == 1 {
                    entry = index.images[0]
                } else {
                    entry = usual.flatMap { try? index.image(for: $0) }
                }
                guard let entry else {
                    throw RegistryError(
                        .platform, "\(shown) has images for \(index.choices); say which with --platform")
                }
                found = try await manifest(entry)
            }
        }
        throw RegistryError(.limit, "\(shown): an index that leads to an index that leads to an index is not followed")
    }
}

extension ImageTarget {
    package func has(_ manifest: Descriptor) async throws -> Bool { false }

    package func receive(_ descriptor: Descriptor, file: FilePath) async throws {
        try await receive(descriptor, content: Files.read(file, limit: descriptor.size))
    }
}

/// A place to put images.
package protocol ImageTarget: Sendable {
    /// The place, for messages.
    var shown: String { get }

    /// Whether the manifest is there with everything that it names.
    func has(_ manifest: Descriptor) async throws -> Bool

    /// Whether the content is there already.
    func hasBlob(_ descriptor: Descriptor) async throws -> Bool

    /// Puts the content of `descriptor`, read from `source`, which knows it.
    func receive(_ descriptor: Descriptor, from source: any ImageSource) async throws

    /// Puts content that is at hand.
    func receive(_ descriptor: Descriptor, content: [UInt8]) async throws

    /// Puts the content of a file, which need not be what `descriptor` names: every byte is checked on the way.
    func receive(_ descriptor: Descriptor, file: FilePath) async throws

    /// Puts a manifest, of which everything is there that it names, by its digest and under `tag`.
    func put(_ manifest: Manifest, as descriptor: Descriptor, tag: String?) async throws

    /// Makes what was put complete. Nothing is put after it.
    func finish() async throws
}
