internal import Bytes
internal import Host
internal import Wire

extension RemoteRepository: ImageTarget {
    /// Registries take no manifest of which something is missing, so one that is there is whole. Asking first also gets
    /// the token that all that follows need.
    package func has(_ manifest: Descriptor) async throws -> Bool {
        let answer = try await client.fetch(
            .init(
                method: .head, place: path("manifests/\(manifest.digest)"), fields: ["Accept": manifest.mediaType.text],
                access: .push), reference)
        switch answer.status {
        case 200: return true
        case 404, 405: return false
        default: throw client.failure(answer)
        }
    }

    package func hasBlob(_ descriptor: Descriptor) async throws -> Bool {
        let answer = try await client.fetch(
            .init(method: .head, place: path("blobs/\(descriptor.digest)"), access: .push), reference)
        switch answer.status {
        case 200: return true
        // Where the registry can't tell, the content is sent.
        case 404, 500...: return false
        default: throw client.failure(answer)
        }
    }

    package func receive(_ descriptor: Descriptor, content: [UInt8]) async throws {
        try descriptor.check(content, "\(descriptor.digest)")
        try await receive(
            descriptor, from: nil, open: { BlobStream(descriptor, "\(descriptor.digest)", bytes: content) })
    }

    package func receive(_ descriptor: Descriptor, from source: any ImageSource) async throws {
        // What lies in the same registry need not be moved.
        let sibling = (source as? RemoteRepository).flatMap { $0.reference.registry == reference.registry ? $0 : nil }
        try await receive(
            descriptor, from: sibling?.reference.repository, open: { try await source.blob(descriptor) })
    }

    private func receive(
        _ descriptor: Descriptor, from sibling: String?, open: @escaping () async throws -> BlobStream
    ) async throws {
        let state = UploadState(client.settings.state, name, descriptor)
        if descriptor.size > client.settings.chunkSize {
            // Large content is worth a question of its own.
            if sibling == nil, try await hasBlob(descriptor) { return state.remove() }
            if let location = state.read(), let position = try await self.position(location) {
                let upload = BlobUpload(self, descriptor, location: location, position: position, state: state)
                if try await upload.run(open) { return }
            }
        }
        for attempt in 0..<client.settings.attempts {
            do {
                guard let upload = try await begin(descriptor, sibling ?? reference.repository, state) else { return }
                if descriptor.size <= max(client.settings.chunkSize, upload.minimum) {
                    if try await sendWhole(descriptor, upload, open) { return }
                } else if try await upload.run(open) {
                    return
                }
            } catch let error as RegistryError where error.code == .unreachable {
                // Large uploads have their own ways to go on, and are left where a later process finds them.
                let isSmall = descriptor.size <= client.settings.chunkSize
                guard isSmall, attempt + 1 < client.settings.attempts else { throw error }
            }
            try await client.settings.wire.pause(.milliseconds(200 << attempt))
        }
        throw RegistryError(.unreachable, "\(name) loses what is uploaded again and again; try again later")
    }

    /// Begins an upload; `nil` where the content turns out to be there, or in a repository beside this one.
    ///
    /// Asking to mount the content from the repository itself tells in one request whether it is there.
    private func begin(_ descriptor: Descriptor, _ from: String, _ state: UploadState) async throws -> BlobUpload? {
        let query = "mount=\(descriptor.digest)&from=\(RegistryClient.escaped(from))"
        let answer = try await client.fetch(
            .init(
                method: .post, place: path("blobs/uploads/?\(query)"), fields: ["Content-Length": "0"],
                isRepeatable: true, access: .push, mountedFrom: from == reference.repository ? nil : from), reference)
        switch answer.status {
        case 201: return nil
        case 202: break
        default: throw failure(answer, "repository", "")
        }
        let location = try self.location(answer)
        let minimum = answer.fields["OCI-Chunk-Min-Length"].flatMap { Int($0) } ?? 0
        // A registry can't ask for more than a machine has.
        return BlobUpload(
            self, descriptor, location: location, position: 0, state: state, minimum: min(max(0, minimum), 256 << 20))
    }

    /// Where an upload goes on: absolute or relative to what was asked.
    func location(_ answer: HTTPAnswer) throws -> HTTPURL {
        guard let text = answer.fields["Location"] else {
            throw RegistryError(.malformed, "\(answer.url.shown) begins an upload and does not say where")
        }
        return try answer.url.resolving(text)
    }

    /// The address that ends an upload of `digest`.
    func closing(_ location: HTTPURL, _ digest: MessageDigest) throws -> HTTPURL {
        let mark = location.text.contains("?") ? "&" : "?"
        return try HTTPURL(location.text + mark + "digest=" + RegistryClient.escaped("\(digest)"))
    }

    /// How much of an upload the registry has; `nil` where it knows nothing of it.
    func position(_ location: HTTPURL) async throws -> (url: HTTPURL, count: Int)? {
        let answer = try await client.fetch(.init(place: .url(location), access: .push), reference)
        switch answer.status {
        case 202, 204: break
        case 400, 404, 410, 416: return nil
        default: throw client.failure(answer)
        }
        let next = answer.fields["Location"] == nil ? location : try self.location(answer)
        guard let range = answer.fields["Range"] else { return (next, 0) }
        let text = range.hasPrefix("bytes=") ? range.dropFirst("bytes=".count) : range[...]
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "0", let last = Int(parts[1]), 0..<Descriptor.greatestSize ~= last else {
            return nil
        }
        // An upload of nothing is `0-0` in some registries, as is one of a single byte; what is sent again does no harm.
        return (next, last == 0 ? 0 : last + 1)
    }

    /// Sends content in one request; `false` where it must be tried again from the start.
    private func sendWhole(
        _ descriptor: Descriptor, _ upload: BlobUpload, _ open: () async throws -> BlobStream
    ) async throws -> Bool {
        let content = try await open().bytes(limit: max(client.settings.chunkSize, upload.minimum))
        let answer = try await client.fetch(
            .init(
                method: .put, place: .url(try closing(upload.location, descriptor.digest)),
                fields: ["Content-Type": "application/octet-stream"], body: .bytes(content), isRepeatable: false,
                access: .push, deadline: .seconds(600)), reference)
        guard answer.status != 201 else {
            client.settings.progress(content.count)
            return true
        }
        guard [404, 416, 408, 429, 502, 503, 504].contains(answer.status) else { throw client.failure(answer) }
        return false
    }

    package func put(_ manifest: Manifest, as descriptor: Descriptor, tag: String?) async throws {
        _ = try await putManifest(manifest, as: descriptor, tag: tag)
    }

    /// Puts a manifest; tells whether the registry itself keeps the list of what is about the manifest's subject.
    func putManifest(
        _ manifest: Manifest, as descriptor: Descriptor, tag: String?, ifMatch: String? = nil
    ) async throws -> (answer: HTTPAnswer, keepsReferrers: Bool) {
        try descriptor.check(manifest.bytes, "the manifest")
        var fields: HTTPFields = ["Content-Type": manifest.mediaType.text]
        if let ifMatch { fields["If-Match"] = ifMatch }
        var answer: HTTPAnswer
        var attempt = 0
        repeat {
            if attempt > 0 { try await client.settings.wire.pause(.milliseconds(50 << attempt)) }
            attempt += 1
            answer = try await client.fetch(
                .init(
                    method: .put, place: path("manifests/\(tag ?? "\(descriptor.digest)")"), fields: fields,
                    body: .bytes(manifest.bytes), access: .push), reference)
            // Content that somebody else uploads at the same moment may be out of sight for a while.
        } while answer.status == 400 && attempt < client.settings.attempts
            && Self.missesContent(answer.bytes)
        guard answer.status == 201 else {
            if answer.status == 412 { return (answer, false) }
            throw failure(answer, "place for the manifest", tag ?? "\(descriptor.digest)")
        }
        if let text = answer.fields["Docker-Content-Digest"], descriptor.digest.algorithm == .sha256,
            text.hasPrefix("sha256:"), text != "\(descriptor.digest)"
        {
            throw RegistryError(.mismatch, "\(name) calls the manifest \(descriptor.digest) \(text.prefix(80))")
        }
        return (answer, answer.fields["OCI-Subject"] != nil)
    }

    /// Whether a registry refuses a manifest because it does not see what it names.
    private static func missesContent(_ answer: [UInt8]) -> Bool {
        let codes = (try? JSON(parsing: answer))?["errors"]?.arrayValue?.compactMap { $0["code"]?.stringValue } ?? []
        return codes.contains("MANIFEST_BLOB_UNKNOWN")
    }

    package func finish() async throws {}

    /// Takes a manifest away; by a tag, only the tag, where the registry can do that.
    package func delete(_ name: ManifestName) async throws {
        let answer = try await client.fetch(
            .init(method: .delete, place: path("manifests/\(name)"), access: .delete), reference)
        guard 200..<300 ~= answer.status else { throw failure(answer, "manifest", "\(name)") }
    }
}
