internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import Registry

extension RegistryFace {
    /// The most tags that one request may give.
    private static let tagLimit = 100
    /// The most entries of a list in one answer.
    private static let pageLimit = 10_000
    /// The most referrers in one answer: each is as large as its annotations.
    private static let referrersPage = 1000

    func readManifest(_ name: ManifestName, in repository: String, _ request: Request) async throws -> Response {
        let unknown = Refusal(.notFound, "the repository has no such manifest", code: "MANIFEST_UNKNOWN")
        let isHead = request.method == .head
        let conditions = request.headers[values: .ifNoneMatch]
        let found = try await FileThreads.run { [store] () throws -> FoundManifest? in
            guard let (digest, entry) = try store.entry(name, in: repository) else { return nil }
            let isWanted = !isHead && !Self.matches(conditions, digest)
            guard isWanted else { return FoundManifest(digest: digest, entry: entry) }
            return try store.manifest(.digest(digest), in: repository).map {
                FoundManifest(digest: digest, entry: entry, bytes: $0.bytes)
            }
        }
        guard let found else { throw unknown }
        var headers: HTTPFields = [
            .contentType: found.entry.mediaType.text, .contentDigest: "\(found.digest)", .eTag: "\"\(found.digest)\"",
        ]
        if Self.matches(conditions, found.digest) { return Response(status: .notModified, headers: headers) }
        headers[.contentLength] = String(found.entry.size)
        guard let bytes = found.bytes else { return Response(status: .ok, headers: headers) }
        count(bytes.count, "out")
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private struct FoundManifest: Sendable {
        var digest: MessageDigest
        var entry: ImageStoreIndex.Entry
        var bytes: [UInt8]?
    }

    func putManifest(_ name: ManifestName, in repository: String, _ request: Request) async throws -> Response {
        var tags: [String] = []
        if case .tag(let tag) = name { tags = [tag] }
        let extra = try Self.query(request).all("tag")
        guard extra.count <= Self.tagLimit else {
            throw Refusal(.uriTooLong, "at most \(Self.tagLimit) tags can be given at once", code: "UNSUPPORTED")
        }
        guard extra.allSatisfy(Reference.isTag) else {
            throw Refusal(.badRequest, "one of the tags is no tag", code: "MANIFEST_INVALID")
        }
        for tag in extra where !tags.contains(tag) { tags.append(tag) }
        let bytes = try await request.bytes(limit: Manifest.greatestByteCount)
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length != bytes.count {
            throw Refusal(.badRequest, "the content was cut off", code: "SIZE_INVALID")
        }
        let algorithm = if case .digest(let digest) = name { digest.algorithm } else { HashAlgorithm.sha256 }
        let type = request.headers[.contentType].flatMap { MediaType($0) }
        let condition = Self.condition(request)
        let allTags = tags
        let isSparse = isSparse
        let accepted = try await FileThreads.run { [store] () throws -> AcceptedManifest in
            let digest = algorithm.digest(of: bytes)
            if case .digest(let named) = name, named != digest {
                throw RegistryError(.mismatch, "the manifest has the digest \(digest), not the one it was put by")
            }
            let manifest = try Manifest(parsing: bytes, mediaType: type)
            if let type, !type.isManifest {
                throw RegistryError(.malformed, "the Content-Type \(type) is none of a manifest")
            }
            try store.put(
                manifest, digest: digest, in: repository, tags: allTags, condition: condition, isSparse: isSparse)
            return AcceptedManifest(digest: digest, subject: manifest.subject?.digest)
        }
        count(bytes.count, "in")
        var headers: HTTPFields = [
            .location: "/v2/\(repository)/manifests/\(accepted.digest)", .contentDigest: "\(accepted.digest)",
            .eTag: "\"\(accepted.digest)\"",
        ]
        if let subject = accepted.subject { headers[.subject] = "\(subject)" }
        for tag in extra { headers.append(HTTPField(name: .tag, value: tag)) }
        return Response(status: .created, headers: headers)
    }

    private struct AcceptedManifest: Sendable {
        var digest: MessageDigest
        var subject: MessageDigest?
    }

    func deleteManifest(_ name: ManifestName, in repository: String, _ request: Request) async throws -> Response {
        let condition = Self.condition(request)
        let isKnown = try await FileThreads.run { [store] in
            try store.deleteManifest(name, in: repository, condition: condition)
        }
        guard isKnown else {
            throw Refusal(.notFound, "the repository has no such manifest", code: "MANIFEST_UNKNOWN")
        }
        return Response(status: .accepted, headers: [.contentLength: "0"])
    }

    private static func condition(_ request: Request) -> StoreCondition {
        let wanted = tags(request.headers[values: .ifMatch])
        if !wanted.isEmpty { return .matches(Set(wanted)) }
        return tags(request.headers[values: .ifNoneMatch]).contains("*") ? .absent : .none
    }

    // MARK: Lists

    func listTags(_ repository: String, _ request: Request) async throws -> Response {
        let query = try Self.query(request)
        var limit = Self.pageLimit
        if let text = query["n"] {
            guard let asked = Int(text), asked >= 0 else {
                throw Refusal(.badRequest, "n should be a number", code: "PAGINATION_NUMBER_INVALID")
            }
            limit = min(asked, limit)
        }
        let last = query["last"]
        let count = limit
        let (all, page) = try await FileThreads.run { [store] () throws -> ([String], ArraySlice<String>) in
            let all = try store.index(repository).sortedTags
            let start = last.map { last in
                all.partitioningIndex { last.utf8.lexicographicallyPrecedes($0.utf8) }
            }
            return (all, all[(start ?? 0)...].prefix(count))
        }
        var headers: HTTPFields = [:]
        if page.endIndex < all.endIndex, let end = page.last {
            headers[.link] =
                "</v2/\(repository)/tags/list?n=\(limit)&last=\(DistributionQuery.encode(end))>; rel=\"next\""
        }
        let json: JSON = ["name": .string(repository), "tags": .array(page.map { .string($0) })]
        return .json(json, headers: headers)
    }

    func listReferrers(
        of subject: MessageDigest, in repository: String, _ request: Request
    ) async throws -> Response {
        let query = try Self.query(request)
        let type = query["artifactType"]
        let last = query["last"]
        let found = try await FileThreads.run { [store] () throws -> [Descriptor] in
            // The name is checked even where nothing is there.
            _ = try store.layout(repository)
            return try store.referrers(of: subject, in: repository)
        }
        let wanted = found.filter { type == nil || $0.artifactType?.text == type }
        let rest = wanted.drop { descriptor in last.map { "\(descriptor.digest)" <= $0 } ?? false }
        let page = rest.prefix(Self.referrersPage)
        var headers: HTTPFields = [:]
        if type != nil { headers[.filtersApplied] = "artifactType" }
        if page.count < rest.count, let end = page.last {
            let filter = type.map { "artifactType=\(DistributionQuery.encode($0))&" } ?? ""
            let address =
                "/v2/\(repository)/referrers/\(subject)?\(filter)last=\(DistributionQuery.encode("\(end.digest)"))"
            headers[.link] = "<\(address)>; rel=\"next\""
        }
        return .bytes(
            ImageIndex(manifests: Array(page)).bytes, type: MediaType.imageIndex.text, headers: headers)
    }
}

extension Array {
    /// The first index whose element fits `predicate`, where all that fit come last.
    fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
