package import Bytes
internal import Synchronization

/// Copies an image, its contents first, so that a registry never has a manifest of which something is missing.
package struct ImageCopy: Sendable {
    package let source: any ImageSource
    package let target: any ImageTarget
    /// How many contents are moved at the same time.
    package var width: Int
    /// Copies what is about the image, too: referrers of referrers, and cosign's tags.
    package var withReferrers: Bool

    /// What was copied.
    package struct Result: Sendable {
        package let descriptor: Descriptor
        package let manifests: Int
        package let blobs: Int
    }

    /// What has been copied.
    private struct Seen {
        var manifests: Set<MessageDigest> = []
        var blobs: Set<MessageDigest> = []
    }

    /// The most manifests of one copy.
    private static let greatestCount = 100_000
    /// How deep indexes may nest, and referrers refer to referrers.
    private static let greatestDepth = 8

    package init(from source: any ImageSource, to target: any ImageTarget, width: Int = 6, withReferrers: Bool = false)
    {
        self.source = source
        self.target = target
        self.width = width
        self.withReferrers = withReferrers
    }

    /// Copies the image called `name`, under `tag`. With `platform`, only that image of an index.
    package func run(_ name: ManifestName, tag: String?, platform: Platform? = nil) async throws -> Result {
        var found = try await source.manifest(name)
        if let platform, case .index = found.manifest {
            let chosen = try await source.image(.digest(found.descriptor.digest), platform: platform)
            found = FoundManifest(descriptor: chosen.descriptor.bare, manifest: .image(chosen.manifest))
        }
        // A registry that is addressed by digest must be given what has it.
        var seen = Seen()
        try await copy(found, tag: tag, &seen, depth: 0)
        try await target.finish()
        return Result(descriptor: found.descriptor, manifests: seen.manifests.count, blobs: seen.blobs.count)
    }

    private func copy(_ found: FoundManifest, tag: String?, _ seen: inout Seen, depth: Int) async throws {
        guard depth <= Self.greatestDepth, seen.manifests.count < Self.greatestCount else {
            throw RegistryError(.limit, "\(source.shown): the image consists of too many manifests, or nests too deep")
        }
        let isNew = seen.manifests.insert(found.descriptor.digest).inserted
        guard isNew || tag != nil else { return }
        if isNew, try await !target.has(found.descriptor) {
            switch found.manifest {
            case .image(let image): try await copy(blobs: [image.config] + image.layers, &seen)
            case .index(let index):
                for entry in index.manifests {
                    guard entry.mediaType.isManifest else {
                        try await copy(blobs: [entry], &seen)
                        continue
                    }
                    try await copy(try await source.manifest(entry), tag: nil, &seen, depth: depth + 1)
                }
            }
        }
        if let repository = target as? RemoteRepository, found.manifest.subject != nil, tag == nil {
            try await repository.attach(found.manifest, as: found.descriptor)
        } else {
            try await target.put(found.manifest, as: found.descriptor, tag: tag)
        }
        guard withReferrers, isNew else { return }
        for referrer in try await source.referrers(of: found.descriptor.digest, kind: nil) {
            try await copy(try await source.manifest(referrer), tag: nil, &seen, depth: depth + 1)
        }
        for suffix in CosignTag.suffixes {
            let tag = CosignTag.name(found.descriptor.digest, suffix)
            do {
                try await copy(try await source.manifest(.tag(tag)), tag: tag, &seen, depth: depth + 1)
            } catch let error as RegistryError where error.code == .absent {
                continue
            }
        }
    }

    private func copy(blobs: [Descriptor], _ seen: inout Seen) async throws {
        let missing = blobs.filter { seen.blobs.insert($0.digest).inserted }
        // The largest first: they take longest.
        let ordered = missing.sorted { $0.size > $1.size }
        let (source, target) = (source, target)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, descriptor) in ordered.enumerated() {
                if index >= width { try await group.next() }
                group.addTask {
                    if let data = descriptor.data {
                        try await target.receive(descriptor, content: data)
                    } else {
                        try await target.receive(descriptor, from: source)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// The tags at which cosign 2 keeps what is about an image.
package enum CosignTag {
    package static let signatures = "sig"
    package static let attestations = "att"
    package static let suffixes = [signatures, attestations, "sbom"]

    package static func name(_ digest: MessageDigest, _ suffix: String) -> String {
        "\(digest.algorithm.rawValue)-\(digest.hex).\(suffix)"
    }
}
