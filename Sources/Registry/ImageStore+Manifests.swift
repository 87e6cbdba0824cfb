package import Bytes
internal import Host
internal import SystemPackage

/// What a caller wants to be true of a tag or manifest before it is changed (RFC 9110 section 13).
package enum StoreCondition: Hashable, Sendable {
    case none
    /// It is one of these.
    case matches(Set<String>)
    /// There is nothing of that name.
    case absent

    func check(_ current: MessageDigest?) throws(RegistryError) {
        switch self {
        case .none: return
        case .matches(let wanted):
            if let current, wanted.contains("*") || wanted.contains("\(current)") { return }
        case .absent: if current == nil { return }
        }
        throw RegistryError(
            .conflict, "the manifest is \(current.map { "\($0)" } ?? "absent") by now; read it again, then try again")
    }
}

extension ImageStore {
    /// A manifest that was found.
    package struct FoundManifest: Hashable, Sendable {
        package let digest: MessageDigest
        package let mediaType: MediaType
        package let bytes: [UInt8]
    }

    /// The digest and entry of a manifest; `nil` where the repository has none of that name.
    package func entry(
        _ name: ManifestName, in repository: String
    ) throws -> (digest: MessageDigest, entry: ImageStoreIndex.Entry)? {
        let index = try index(repository)
        let digest: MessageDigest
        switch name {
        case .digest(let named): digest = named
        case .tag(let tag):
            guard let named = index.tags[tag] else { return nil }
            digest = named
        }
        return index.manifests[digest].map { (digest, $0) }
    }

    /// A manifest; `nil` where the repository has none of that name.
    package func manifest(_ name: ManifestName, in repository: String) throws -> FoundManifest? {
        guard let (digest, entry) = try entry(name, in: repository) else { return nil }
        let file = blobFile(digest, in: try layout(repository))
        let bytes: [UInt8]
        do {
            bytes = try Files.read(file, limit: Manifest.greatestByteCount)
        } catch let error as HostError where error.code == .notFound {
            return nil
        }
        return FoundManifest(digest: digest, mediaType: entry.mediaType, bytes: bytes)
    }

    /// Keeps a manifest, and gives it these tags in the same step.
    ///
    /// - Parameters:
    ///   - digest: That of the manifest's bytes.
    ///   - condition: Is held against the first tag, or against the manifest where there is no tag.
    ///   - isSparse: Whether an index may name manifests that the repository does not have.
    package func put(
        _ manifest: Manifest, digest: MessageDigest, in repository: String, tags: [String] = [],
        condition: StoreCondition = .none, isSparse: Bool = false
    ) throws {
        try make(repository)
        try change(repository) { layout, index in
            try condition.check(tags.first.map { index.tags[$0] } ?? (index.manifests[digest] == nil ? nil : digest))
            try checkContent(of: manifest, layout, index, isSparse: isSparse)
            let entry = ImageStoreIndex.Entry(
                mediaType: manifest.mediaType, size: manifest.bytes.count, subject: manifest.subject?.digest)
            let isKnown = index.manifests[digest] == entry
            guard !isKnown || tags.contains(where: { index.tags[$0] != digest }) else { return (false, ()) }
            if !isKnown {
                let file = blobFile(digest, in: layout)
                try Files.write(manifest.bytes, to: file, mode: 0o600, durable: true)
                // Blobs have been synced; from here on so have their names.
                for algorithm in HashAlgorithm.allCases {
                    try Files.synchronize(layout.appending("blobs").appending(algorithm.rawValue))
                }
            }
            index.set(digest, entry)
            for tag in tags { index.tag(tag, digest) }
            return (true, ())
        }
    }

    private func checkContent(
        of manifest: Manifest, _ layout: FilePath, _ index: ImageStoreIndex, isSparse: Bool
    ) throws {
        var missing: MessageDigest?
        switch manifest {
        case .image(let image):
            missing = try ([image.config] + image.layers).first {
                // What is not for distribution is elsewhere, and what is in the descriptor is here.
                try $0.urls.isEmpty && $0.data == nil && !$0.mediaType.isForeign
                    && !Files.exists(blobFile($0.digest, in: layout))
            }?.digest
        case .index(let entries):
            if !isSparse { missing = entries.manifests.first { index.manifests[$0.digest] == nil }?.digest }
        }
        if let missing {
            throw RegistryError(.contentUnknown, "the manifest names \(missing), which the repository does not have")
        }
    }

    /// Forgets a tag, or a manifest with its tags; `false` where there is none of that name.
    package func deleteManifest(
        _ name: ManifestName, in repository: String, condition: StoreCondition = .none
    ) throws -> Bool {
        try change(repository) { layout, index in
            switch name {
            case .tag(let tag):
                try condition.check(index.tags[tag])
                let isKnown = index.removeTag(tag)
                return (isKnown, isKnown)
            case .digest(let digest):
                try condition.check(index.manifests[digest] == nil ? nil : digest)
                let isKnown = index.remove(digest)
                return (isKnown, isKnown)
            }
        }
    }

    /// The manifests that refer to `subject`, as a list of referrers names them; those that can't be read are left out.
    package func referrers(of subject: MessageDigest, in repository: String) throws -> [Descriptor] {
        let index: ImageStoreIndex
        do {
            index = try self.index(repository)
        } catch let error as RegistryError where error.code == .nameUnknown {
            return []
        }
        var out: [Descriptor] = []
        for digest in index.referrers(of: subject) {
            guard let found = try manifest(.digest(digest), in: repository) else { continue }
            var referrer = try Manifest(parsing: found.bytes, mediaType: found.mediaType).referrer
            referrer.digest = digest
            out.append(referrer)
        }
        return out
    }
}

extension MediaType {
    /// Whether the content is not for distribution and therefore elsewhere.
    fileprivate var isForeign: Bool {
        essence.contains(".nondistributable.") || essence.contains(".rootfs.foreign.")
    }
}
