package import Bytes
internal import Host
package import SystemPackage

/// A layout in one tar file, to read.
package final class OCIArchive: ImageSource {
    private let members: ArchiveMembers
    private let index: ImageIndex

    package init(_ path: FilePath) throws {
        members = try ArchiveMembers(path)
        guard members.has("oci-layout"), members.has("index.json") else {
            throw RegistryError(.malformed, "\(path) is no archive of an OCI layout; is it docker-archive:\(path)?")
        }
        index = try ImageIndex(parsing: try members.read("index.json", limit: Manifest.greatestByteCount))
    }

    package var shown: String { "oci-archive:\(members.path)" }

    private func name(_ digest: MessageDigest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    package func manifest(_ name: ManifestName) async throws -> FoundManifest {
        switch name {
        case .digest(let digest):
            let bytes = try members.read(self.name(digest), limit: Manifest.greatestByteCount)
            try Descriptor.check(bytes, digest, "\(shown): \(digest)")
            let type = index.manifests.first { $0.digest == digest }?.mediaType
            let manifest = try Manifest(parsing: bytes, mediaType: type)
            return FoundManifest(
                descriptor: Descriptor(mediaType: manifest.mediaType, digest: digest, size: bytes.count),
                manifest: manifest)
        case .tag(let tag):
            guard let entry = index.manifests.last(where: { $0.annotations[OCILayout.nameAnnotation] == tag }) else {
                throw RegistryError(.absent, "\(shown) has no image called \(tag.safeForTerminal)")
            }
            return try await manifest(entry.bare)
        }
    }

    /// The one image of an archive that has no more.
    package func findOnly() async throws -> FoundManifest {
        guard let entry = index.manifests.first, index.manifests.count == 1 else {
            throw RegistryError(.absent, "\(shown) has \(index.manifests.count) images; name one as \(shown):NAME")
        }
        return try await manifest(entry.bare)
    }

    package func blob(_ descriptor: Descriptor) async throws -> BlobStream {
        try members.stream(
            descriptor, "\(shown): \(descriptor.digest)", try members.range(name(descriptor.digest)))
    }

    package func bytes(of descriptor: Descriptor, _ range: Range<Int>) async throws -> [UInt8]? {
        let whole = try members.range(name(descriptor.digest))
        guard range.upperBound <= whole.count else { return nil }
        return try members.read(whole.lowerBound + range.lowerBound..<whole.lowerBound + range.upperBound)
    }

    package func referrers(of subject: MessageDigest, kind: MediaType?) async throws -> [Descriptor] {
        var out: [Descriptor] = []
        for entry in index.manifests where entry.mediaType.isManifest {
            guard let found = try? await manifest(entry.bare), found.manifest.subject?.digest == subject else {
                continue
            }
            out.append(found.manifest.referrer)
        }
        return out.unique().filter { kind == nil || $0.artifactType == kind }
    }

    package func tags() async throws -> [String] {
        Set(index.manifests.compactMap { $0.annotations[OCILayout.nameAnnotation] })
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// A layout in one tar file, to write. It lies beside the file until it is complete.
package struct OCIArchiveTarget: ImageTarget {
    private let path: FilePath
    private let layout: OCILayout
    private let directory: FilePath

    package init(_ path: FilePath) throws {
        self.path = path
        directory = try Files.temporaryDirectory(
            in: path.removingLastComponent().isEmpty ? "." : path.removingLastComponent(),
            prefix: Files.temporaryPrefix)
        layout = try OCILayout(creating: directory)
    }

    package var shown: String { "oci-archive:\(path)" }

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
        try await layout.put(manifest, as: descriptor, tag: tag)
    }

    package func finish() async throws {
        try await layout.finish()
        let target = Files.temporaryName(beside: path)
        do {
            try Self.pack(directory, to: target)
            try Files.rename(target, to: path)
        } catch {
            try? Files.remove(target)
            throw error
        }
        discard()
    }

    /// Takes away what was put.
    package func discard() { try? Files.removeTree(directory) }

    private static func pack(_ directory: FilePath, to target: FilePath) throws {
        let output = try OpenFile(creating: target, mode: 0o644)
        var names: [String] = []
        for entry in try DirectoryWalk(directory).entries() where entry.kind == .regular { names.append(entry.path) }
        try withArchive(writingTo: output) { writer in
            for name in names.sorted(by: Files.isOrderedByBytes) {
                let file = try OpenFile(reading: directory.pushing(FilePath(name)))
                var left = try file.status().size
                try writer.beginFile(name, size: left, isExecutable: false)
                while left > 0 {
                    let piece = try file.read(min(1 << 20, left))
                    guard !piece.isEmpty else { break }
                    try writer.write(piece)
                    left -= piece.count
                }
            }
        }
    }
}

/// Writes a tar archive to `output`; `body` puts the entries into it.
func withArchive(writingTo output: consuming OpenFile, _ body: (inout TarWriter) throws -> Void) throws {
    let box = OutputBox(output)
    var writer = TarWriter { try box.file.write($0) }
    try body(&writer)
    try writer.finish()
}

/// A closure can't hold a value that can't be copied, so a reference does.
private final class OutputBox {
    let file: OpenFile
    init(_ file: consuming OpenFile) { self.file = file }
}
