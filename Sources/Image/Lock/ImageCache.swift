package import Bytes
internal import Host
package import SystemPackage

/// Files that were fetched, and layers that were made, by digest. Whatever is read is checked against its digest, so who
/// can write here can slow martlet down but not change an image.
package struct ImageCache: Sendable {
    package let directory: FilePath
    /// Another cache, in which files are looked for that are not in this one; what was made there is made again.
    let origin: FilePath?

    package init(_ directory: FilePath, origin: FilePath? = nil) {
        self.directory = directory
        self.origin = origin
    }

    /// The file that holds the content of this digest, if it is there.
    package func path(_ digest: Digest) -> FilePath {
        let hex = digest.hex
        return directory.appending("sha256").appending(String(hex.prefix(2))).appending(hex)
    }

    /// The content of this digest; `nil` when it is absent or damaged.
    package func read(_ digest: Digest, limit: Int) throws -> [UInt8]? {
        for cache in [self] + (origin.map { [ImageCache($0)] } ?? []) {
            let path = cache.path(digest)
            guard try Files.exists(path) else { continue }
            let bytes = try Files.read(path, limit: limit)
            if Digest.of(bytes) == digest { return bytes }
        }
        return nil
    }

    /// Keeps `bytes`.
    package func write(_ bytes: [UInt8]) throws { try write(bytes, as: Digest.of(bytes)) }

    /// Keeps `bytes`, whose digest has been computed.
    func write(_ bytes: [UInt8], as digest: Digest) throws {
        let path = path(digest)
        try Files.createDirectories(path.removingLastComponent())
        try Files.write(bytes, to: path)
    }

    /// Where a small record of this kind and key is.
    private func record(_ kind: String, _ key: Digest) -> FilePath {
        directory.appending(kind).appending(String(key.hex.prefix(2))).appending(key.hex)
    }

    func readRecord(_ kind: String, _ key: Digest) throws -> JSON? {
        let path = record(kind, key)
        guard try Files.exists(path) else { return nil }
        return try? JSON(parsing: Files.read(path, limit: 64 << 20))
    }

    func writeRecord(_ kind: String, _ key: Digest, _ json: JSON) throws {
        let path = record(kind, key)
        try Files.createDirectories(path.removingLastComponent())
        try Files.write(json.bytes(), to: path)
    }
}
