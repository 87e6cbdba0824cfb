package import Bytes
internal import Host
package import SystemPackage

/// A directory with images in it (image-spec `image-layout.md`): `oci-layout`, `index.json`, `blobs/ALGORITHM/HEX`.
///
/// Every file gets its name when it is complete, so that a process that is killed leaves no damage.
package struct OCILayout: ImageSource {
    package let path: FilePath

    /// The annotation that names an entry of `index.json`.
    package static let nameAnnotation = "org.opencontainers.image.ref.name"
    private static let version: JSON = ["imageLayoutVersion": "1.0.0"]
    /// The most bytes of `index.json`.
    private static let greatestIndex = 64 << 20

    /// Opens a layout that exists.
    package init(opening path: FilePath) throws {
        self.path = path
        let file = path.appending("oci-layout")
        guard try Files.exists(file) else {
            throw RegistryError(.absent, "\(path) is no OCI layout: it has no file oci-layout")
        }
        let fields = try ManifestFields(parsing: try Files.read(file, limit: 1 << 16), limit: 1 << 16, "\(file)")
        guard let version = try fields.text("imageLayoutVersion"), version.hasPrefix("1.") else {
            throw RegistryError(.unsupported, "\(file) names no version 1 of the layout")
        }
    }

    /// Opens the layout at `path`, or makes an empty one.
    package init(creating path: FilePath) throws {
        try Files.createDirectories(path.appending("blobs").appending("sha256"))
        if try !Files.exists(path.appending("index.json")) {
            try Files.write(ImageIndex(manifests: []).bytes, to: path.appending("index.json"))
        }
        if try !Files.exists(path.appending("oci-layout")) {
            try Files.write(Self.version.bytes(), to: path.appending("oci-layout"))
        }
        try self.init(opening: path)
    }

    package var shown: String { "oci:\(path)" }

    // MARK: Blobs

    /// Where the content with this digest is, or would be.
    package func blobPath(_ digest: MessageDigest) -> FilePath {
        path.appending("blobs").appending(digest.algorithm.rawValue).appending(digest.hex)
    }

    /// Where content lies until it is complete.
    var partial: FilePath { path.appending(".partial") }

    package func hasBlob(_ descriptor: Descriptor) throws -> Bool {
        guard let status = try Files.status(blobPath(descriptor.digest)) else { return false }
        return status.kind == .regular && status.size == descriptor.size
    }

    /// Writes content, and gives the descriptor that names it.
    @discardableResult
    package func write(_ content: [UInt8], _ mediaType: MediaType) throws -> Descriptor {
        let descriptor = Descriptor(mediaType, of: content)
        try write(content, as: descriptor)
        return descriptor
    }

    /// Writes content that `descriptor` names.
    package func write(_ content: [UInt8], as descriptor: Descriptor) throws {
        try descriptor.check(content, shown)
        guard try !hasBlob(descriptor) else { return }
        let target = blobPath(descriptor.digest)
        try Files.createDirectories(target.removingLastComponent())
        try Files.write(content, to: target)
    }

    /// Takes over a file that is complete, whose digest the caller has computed, by its name.
    package func adopt(_ file: FilePath, as descriptor: Descriptor) throws {
        let target = blobPath(descriptor.digest)
        try Files.createDirectories(target.removingLastComponent())
        try Files.rename(file, to: target)
    }

    /// The content of a descriptor, checked.
    package func read(_ descriptor: Descriptor, limit: Int) throws -> [UInt8] {
        let bytes = try read(descriptor.digest, limit: limit)
        try descriptor.check(bytes, "\(shown): \(descriptor.digest)")
        return bytes
    }

    private func read(_ digest: MessageDigest, limit: Int) throws -> [UInt8] {
        do {
            return try Files.read(blobPath(digest), limit: limit)
        } catch let error as HostError where error.code == .notFound {
            throw RegistryError(.absent, "\(shown) has no \(digest)")
        }
    }

    package func blob(_ descriptor: Descriptor) async throws -> BlobStream {
        try BlobStream(descriptor, "\(shown): \(descriptor.digest)", file: blobPath(descriptor.digest))
    }

    package func bytes(of descriptor: Descriptor, _ range: Range<Int>) async throws -> [UInt8]? {
        guard try Files.exists(blobPath(descriptor.digest)) else {
            throw RegistryError(.absent, "\(shown) has no content \(descriptor.digest)")
        }
        let file = try OpenFile(reading: blobPath(descriptor.digest))
        try file.seek(to: range.lowerBound)
        return try file.read(range.count)
    }

    // MARK: Manifests

    /// What `index.json` lists.
    package func index() throws -> ImageIndex {
        try ImageIndex(parsing: try Files.read(path.appending("index.json"), limit: Self.greatestIndex))
    }

    package func manifest(_ name: ManifestName) async throws -> FoundManifest { try find(name) }

    /// The manifest called `name`.
    package func find(_ name: ManifestName) throws -> FoundManifest {
        switch name {
        case .digest(let digest):
            let bytes = try read(digest, limit: Manifest.greatestByteCount)
            let entry = try index().manifests.first { $0.digest == digest }
            try Descriptor.check(bytes, digest, shown)
            let manifest = try Manifest(parsing: bytes, mediaType: entry?.mediaType)
            return FoundManifest(
                descriptor: Descriptor(mediaType: manifest.mediaType, digest: digest, size: bytes.count),
                manifest: manifest)
        case .tag(let tag):
            let index = try index()
            guard let entry = index.manifests.last(where: { $0.annotations[Self.nameAnnotation] == tag }) else {
                throw RegistryError(.absent, "\(shown) has no image called \(tag.safeForTerminal)\(names(index))")
            }
            return try find(entry)
        }
    }

    /// The one image of a layout that has no more.
    package func findOnly() throws -> FoundManifest {
        let index = try index()
        guard let entry = index.manifests.first, index.manifests.count == 1 else {
            throw RegistryError(
                .absent, "\(shown) has \(index.manifests.count) images\(names(index)); name one as \(shown):NAME")
        }
        return try find(entry)
    }

    private func find(_ entry: Descriptor) throws -> FoundManifest {
        let bytes = try read(entry, limit: Manifest.greatestByteCount)
        return FoundManifest(
            descriptor: entry.bare, manifest: try Manifest(parsing: bytes, mediaType: entry.mediaType))
    }

    private func names(_ index: ImageIndex) -> String {
        let names = index.manifests.compactMap { $0.annotations[Self.nameAnnotation] }.prefix(20)
        return names.isEmpty ? "" : "; it has \(names.joined(separator: ", ").safeForTerminal)"
    }

    package func tags() async throws -> [String] {
        let names = try index().manifests.compactMap { $0.annotations[Self.nameAnnotation] }
        return Set(names).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func referrers(of subject: MessageDigest, kind: MediaType?) async throws -> [Descriptor] {
        // Manifests with a subject are entries of the index without a name, as oras and regclient put them there.
        var out: [Descriptor] = []
        for entry in try index().manifests where entry.mediaType.isManifest {
            guard let found = try? find(entry), found.manifest.subject?.digest == subject else { continue }
            out.append(found.manifest.referrer)
        }
        return out.unique().filter { kind == nil || $0.artifactType == kind }
    }
}

extension [Descriptor] {
    /// The descriptors without those whose digest came before.
    package func unique() -> [Descriptor] {
        var seen: Set<MessageDigest> = []
        return filter { seen.insert($0.digest).inserted }
    }
}

extension BlobStream {
    /// The content of a file.
    init(_ descriptor: Descriptor, _ place: String, file path: FilePath, from start: Int = 0) throws {
        let file: OpenFile
        do {
            file = try OpenFile(reading: path)
        } catch let error as HostError where error.code == .notFound {
            throw RegistryError(.absent, "\(place) is not there")
        }
        try file.seek(to: start)
        let box = FileBox(file, left: descriptor.size)
        self.init(descriptor, place) {
            let piece = try box.read()
            await Task.yield()
            return piece
        }
    }
}

/// A closure can't hold a value that can't be copied, so a reference does.
private final class FileBox {
    private let file: OpenFile
    private var left: Int

    init(_ file: consuming OpenFile, left: Int) {
        self.file = file
        self.left = left
    }

    func read() throws -> [UInt8]? {
        guard left > 0 else { return nil }
        // What is small comes in one piece, which nobody has to put together.
        let piece = try file.read(left <= 8 << 20 ? left : 1 << 20)
        left -= piece.count
        return piece.isEmpty ? nil : piece
    }
}
