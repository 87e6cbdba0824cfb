internal import Bytes
internal import Host
internal import SystemPackage
package import Wire

/// Fetches files of Debian archives, over HTTP or from a directory, and keeps what was fetched.
package struct ArchiveClient: Sendable {
    let cache: ImageCache
    /// `nil` to open no connection.
    let http: HTTPClient?

    static let releaseLimit = ClearsignedText.greatestByteCount
    static let indexLimit = 256 << 20
    static let packageLimit = 1 << 30

    package init(cache: ImageCache, http: HTTPClient?) {
        self.cache = cache
        self.http = http
    }

    /// The file at `path` below `uri`, whose digest nobody knows yet; `nil` when there definitely is none.
    func fetch(_ path: String, from uri: String, limit: Int) async throws -> [UInt8]? {
        if uri.hasPrefix("file:") {
            var directory = uri.dropFirst(5)
            while directory.hasPrefix("//") { directory = directory.dropFirst() }
            let file = FilePath(String(directory)).appending(path)
            guard try Files.exists(file) else { return nil }
            return try Files.read(file, limit: limit)
        }
        guard let http else {
            throw ImageError(
                .unreachable,
                "\(path) is not in the cache, and every connection is forbidden; run it without --offline once")
        }
        let url = try HTTPURL("\(uri)/\(path.replacing("+", with: "%2B"))")
        let answer = try await http.fetch(HTTPRequest(.get, url), limit: limit, deadline: .seconds(600))
        if answer.status == 404 || answer.status == 410 { return nil }
        return try answer.success()
    }

    /// The content of `digest`, from the cache or from the first of `paths` that has it.
    func fetch(_ digest: Digest, size: Int, at paths: [String], from uri: String, limit: Int) async throws -> [UInt8] {
        guard size <= limit else {
            throw ImageError(.limit, "\(paths[0]) has \(size) bytes; at most \(limit) are read")
        }
        if let known = try cache.read(digest, limit: size) { return known }
        var found = false
        for path in paths {
            guard let bytes = try await fetch(path, from: uri, limit: size + 1) else { continue }
            found = true
            guard Digest.of(bytes) == digest else { continue }
            try cache.write(bytes)
            return bytes
        }
        throw found
            ? ImageError(.untrusted, "\(uri)/\(paths[0]) is not what was recorded: its digest is not \(digest)")
            : ImageError(.absent, "\(uri) has no \(paths[0]) any more; lock again, or use a snapshot of the archive")
    }

    /// One package of the definition's lock, checked.
    package func package(_ package: ImageLock.Package, of definition: ImageDefinition) async throws -> [UInt8] {
        guard definition.archives.indices.contains(package.archive) else {
            throw ImageError(.stale, "the lock's archives are not the definition's; run martlet image lock again")
        }
        return try await fetch(
            package.digest, size: package.size, at: [package.filename],
            from: definition.archives[package.archive].uri, limit: Self.packageLimit)
    }
}
