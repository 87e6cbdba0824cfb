internal import Bytes
internal import Host
internal import SystemPackage

/// A directory that several machines see.
///
/// Whoever else can write there is not trusted: links are not followed, and what is no regular file is absent.
struct DirectoryPlace: ObjectPlace {
    let directory: FilePath

    var shown: String { directory.string }

    private func path(_ name: String) -> FilePath { directory.pushing(FilePath(name)) }

    func read(_ name: String, limit: Int) async throws -> [UInt8]? {
        guard let file = try file(name) else { return nil }
        guard try file.status().size <= limit else {
            throw RemoteCacheError(.limit, "\(path(name)) has more than the \(limit) bytes that are taken here")
        }
        let bytes = try file.read(limit + 1)
        guard bytes.count <= limit else {
            throw RemoteCacheError(.limit, "\(path(name)) grows while it is being read")
        }
        return bytes
    }

    func open(_ name: String, from offset: Int, size: Int) async throws -> IncomingBlob? {
        guard let file = try file(name) else { return nil }
        try file.seek(to: offset)
        let reader = ByteReader(file)
        return IncomingBlob(start: offset) { try reader.next(limit: 1 << 18).map { Array($0) } }
    }

    /// Opens an object; `nil` where it is absent.
    private func file(_ name: String) throws -> OpenFile? {
        do {
            let file = try OpenFile(reading: path(name), followingLinks: false)
            guard try file.status().kind == .regular else { return nil }
            return consume file
        } catch let error as HostError where error.code == .notFound {
            return nil
        }
    }

    func size(_ name: String) async throws -> ObjectSize? {
        guard let status = try Files.status(path(name), followingLinks: false), status.kind == .regular else {
            return nil
        }
        return .bytes(status.size)
    }

    func write(_ name: String, _ content: BlobContent, _ blob: BlobName) async throws {
        let target = path(name)
        try Files.createDirectories(target.removingLastComponent())
        switch content {
        case .bytes(let bytes): try Files.write(bytes, to: target)
        case .file(let open):
            let temporary = Files.temporaryName(beside: target)
            do {
                try OpenFile(creating: temporary, mode: 0o644).copyAll(from: open())
                try Files.rename(temporary, to: target)
            } catch {
                try? Files.remove(temporary)
                throw error
            }
        }
    }

    func close() async {}
}
