package import Bytes
internal import Host
package import SystemPackage
internal import Wire

extension ImageSource {
    /// Writes a content to a file, which gets its name when it has been checked. What a process that was killed left
    /// is continued.
    package func download(_ descriptor: Descriptor, to path: FilePath) async throws {
        let partial = FilePath(path.string + ".partial")
        var file = try BlobFile(descriptor, partial: partial)
        var stream = try await rest(of: descriptor, after: file.count, file.hasher)
        try await file.take(&stream)
        try file.finish(as: path)
        try? Files.removeEmptyDirectory(partial)
    }

    /// A blob of which only the digest is known.
    package func whole(_ digest: MessageDigest) async throws -> [UInt8] {
        let size: Int
        if let repository = self as? RemoteRepository {
            size = try await repository.size(of: digest)
        } else if let layout = self as? OCILayout {
            size = try Files.status(layout.blobPath(digest))?.size ?? 0
        } else {
            throw RegistryError(
                .unsupported, "\(shown): give the descriptor, for a digest alone does not tell the size")
        }
        guard let type = MediaType("application/octet-stream") else { return [] }
        return try await blob(Descriptor(mediaType: type, digest: digest, size: size)).bytes(limit: 1 << 32)
    }
}

extension RemoteRepository {
    /// The size of a blob, as the registry says.
    func size(of digest: MessageDigest) async throws -> Int {
        let answer = try await client.fetch(.init(method: .head, place: path("blobs/\(digest)")), reference)
        guard answer.status == 200 else { throw failure(answer, "blob", "\(digest)") }
        guard let size = answer.fields["Content-Length"].flatMap({ Int($0) }), 0...Descriptor.greatestSize ~= size
        else {
            throw RegistryError(.malformed, "\(name) does not say how long \(digest) is")
        }
        return size
    }
}

extension Descriptor {
    /// What a file with this content is called at its end.
    package var fileSuffix: String {
        let type = mediaType.essence
        if type.hasSuffix("gzip") { return ".tar.gz" }
        if type.hasSuffix("zstd") { return ".tar.zst" }
        return mediaType.isLayer ? ".tar" : ""
    }
}
