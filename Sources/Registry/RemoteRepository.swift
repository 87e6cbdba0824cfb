internal import Bytes
internal import Host
internal import Wire

/// One repository of a registry, to read and to write.
package struct RemoteRepository: ImageSource {
    let client: RegistryClient
    /// Registry and repository.
    package let name: String
    let reference: Reference

    package var shown: String { name }

    /// What manifests are taken, the newest words first.
    private static let accepted = [
        MediaType.imageIndex, .imageManifest, .dockerManifestList, .dockerManifest,
    ].map(\.text).joined(separator: ", ")

    func path(_ rest: String) -> RegistryClient.Ask.Place { .path("\(reference.repository)/\(rest)") }

    // MARK: Manifests

    package func manifest(_ name: ManifestName) async throws -> FoundManifest {
        let answer = try await client.fetch(
            .init(place: path("manifests/\(name)"), fields: ["Accept": Self.accepted]), reference,
            limit: Manifest.greatestByteCount)
        guard answer.status == 200 else { throw failure(answer, "manifest", "\(name)") }
        let place = "\(self.name): the manifest \(name)"
        let digest: MessageDigest
        switch name {
        case .digest(let asked): digest = asked
        // By a tag the registry says what it is; without its word, it is whatever came.
        case .tag: digest = try Self.digest(answer.fields) ?? HashAlgorithm.sha256.digest(of: answer.bytes)
        }
        try Descriptor.check(answer.bytes, digest, place)
        let manifest = try Manifest(parsing: answer.bytes, mediaType: Self.type(answer.fields))
        return FoundManifest(
            descriptor: Descriptor(mediaType: manifest.mediaType, digest: digest, size: answer.bytes.count),
            manifest: manifest)
    }

    package func resolve(_ name: ManifestName) async throws -> Descriptor {
        let answer = try await client.fetch(
            .init(method: .head, place: path("manifests/\(name)"), fields: ["Accept": Self.accepted]), reference)
        switch answer.status {
        case 200: break
        case 405, 501: return try await manifest(name).descriptor
        default: throw failure(answer, "manifest", "\(name)")
        }
        guard let digest = try Self.digest(answer.fields), let type = Self.type(answer.fields), type.isManifest,
            let size = answer.fields["Content-Length"].flatMap({ Int($0) }), 0...Manifest.greatestByteCount ~= size
        else { return try await manifest(name).descriptor }
        if case .digest(let asked) = name, asked != digest {
            throw RegistryError(.mismatch, "\(self.name) answers for \(asked) with \(digest)")
        }
        return Descriptor(mediaType: type, digest: digest, size: size)
    }

    private static func digest(_ fields: HTTPFields) throws -> MessageDigest? {
        guard let text = fields["Docker-Content-Digest"] else { return nil }
        return try MessageDigest(oci: text, "Docker-Content-Digest")
    }

    static func type(_ fields: HTTPFields) -> MediaType? { fields["Content-Type"].flatMap { MediaType($0) } }

    func failure(_ answer: HTTPAnswer, _ what: String, _ name: String) -> RegistryError {
        guard answer.status == 404 else { return client.failure(answer) }
        return RegistryError(.absent, "\(self.name) has no \(what) \(name)")
    }

    // MARK: Blobs

    package func blob(_ descriptor: Descriptor) async throws -> BlobStream {
        try await blob(descriptor, after: 0, MessageHasher(descriptor.digest.algorithm))
    }

    package func bytes(of descriptor: Descriptor, _ range: Range<Int>) async throws -> [UInt8]? {
        guard !range.isEmpty, range.upperBound <= descriptor.size else { return nil }
        let reply = try await client.send(
            .init(
                place: path("blobs/\(descriptor.digest)"),
                fields: ["Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)"]), reference)
        // A server that ignores the range sends the whole; what is read of it is left alone.
        guard reply.status != 200 && reply.status != 416 else { return nil }
        let bytes = try await self.bytes(of: reply, limit: max(range.count, 1 << 16))
        guard reply.status == 206 else {
            throw failure(
                HTTPAnswer(status: reply.status, fields: reply.fields, url: reply.url, bytes: bytes), "blob",
                "\(descriptor.digest)")
        }
        guard bytes.count == range.count, Self.start(reply.fields) == range.lowerBound else {
            throw RegistryError(
                .mismatch, "\(name) answers with another part of \(descriptor.digest) than was asked for")
        }
        client.settings.progress(bytes.count)
        return bytes
    }

    func bytes(of reply: HTTPReply, limit: Int) async throws -> [UInt8] {
        do {
            return try await reply.bytes(limit: limit)
        } catch {
            throw RegistryError(error)
        }
    }

    /// The first byte that `Content-Range: bytes 5-9/10` speaks of.
    static func start(_ fields: HTTPFields) -> Int? {
        guard let text = fields["Content-Range"], text.hasPrefix("bytes ") else { return nil }
        return Int(text.dropFirst("bytes ".count).prefix { $0 != "-" })
    }

    // MARK: Tags

    /// The most tags of a repository.
    private static let greatestTagCount = 1_000_000

    package func tags() async throws -> [String] {
        var out: Set<String> = []
        try await pages(path("tags/list?n=1000"), what: "list of tags") { fields, _ in
            for tag in try fields.texts("tags", limit: Self.greatestTagCount) where Reference.isTag(tag) {
                out.insert(tag)
            }
            guard out.count <= Self.greatestTagCount else {
                throw RegistryError(.limit, "\(name) has more than \(Self.greatestTagCount) tags")
            }
        }
        return out.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Reads a list that the registry gives in pages, each naming the next in `Link`.
    func pages(
        _ first: RegistryClient.Ask.Place, what: String, _ body: (ManifestFields, HTTPFields) throws -> Void
    ) async throws {
        var place = first
        var seen: Set<HTTPURL> = []
        while true {
            let answer = try await client.fetch(
                .init(place: place, fields: ["Accept": "\(MediaType.imageIndex), application/json"]), reference,
                limit: Manifest.greatestByteCount)
            guard answer.status == 200 else { throw failure(answer, what, "") }
            try body(
                try ManifestFields(parsing: answer.bytes, limit: Manifest.greatestByteCount, "the \(what) of \(name)"),
                answer.fields)
            guard let link = answer.fields.values("Link").lazy.compactMap({ Self.next($0) }).first else { return }
            let next = try answer.url.resolving(link)
            guard next.origin == answer.url.origin else {
                throw RegistryError(
                    .refused, "\(name) continues its \(what) at \(next.origin), which is another server")
            }
            // A list that leads back to itself would never end.
            guard seen.insert(next).inserted, seen.count <= 10_000 else {
                throw RegistryError(.malformed, "the \(what) of \(name) has no end")
            }
            place = .url(next)
        }
    }

    /// The address in `<…>; rel="next"` (RFC 8288).
    static func next(_ link: String) -> String? {
        for part in link.split(separator: ",") {
            guard let open = part.firstIndex(of: "<"), let close = part.firstIndex(of: ">"), open < close else {
                continue
            }
            let rest = part[part.index(after: close)...].split(separator: ";")
            let isNext = rest.contains { parameter in
                let text = parameter.filter { $0 != " " && $0 != "\"" }.lowercased()
                return text == "rel=next"
            }
            if isNext { return String(part[part.index(after: open)..<close]) }
        }
        return nil
    }
}
