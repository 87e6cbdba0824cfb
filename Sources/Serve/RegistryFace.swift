internal import Bytes
internal import HTTPTypes
internal import Host
package import Hummingbird
package import Registry

/// An OCI registry (distribution-spec 1.1).
package final class RegistryFace: Face {
    package let name = "registry"
    package let store: ImageStore
    let site: Site
    let access: RegistryAccess
    let isReadOnly: Bool
    let isSparse: Bool

    init(_ site: Site, _ settings: FaceSettings) throws {
        try settings.check(known: ["anonymous", "users", "readOnly", "sparse"])
        self.site = site
        let directory = try site.directory(name)
        store = try ImageStore(directory)
        access = try RegistryAccess(settings, directory: directory, isLocal: site.isLocal)
        isReadOnly = try settings.bool("readOnly") ?? false
        isSparse = try settings.bool("sparse") ?? false
    }

    package var notices: [FaceNotice] {
        let host = site.url.split(separator: "/").last.map(String.init) ?? site.url
        let isPlain = site.url.hasPrefix("http:")
        return [
            FaceNotice(
                "Registry", at: host,
                command: isReadOnly
                    ? ""
                    : "skopeo copy \(isPlain ? "--dest-tls-verify=false " : "")oci:IMAGE docker://\(host)/IMAGE:TAG")
        ]
    }

    package func addRoutes(to routes: Routes) {
        for path in ["/v2", "/v2/**"] {
            for method in [HTTPRequest.Method.get, .head, .put, .post, .patch, .delete] {
                routes.on(RouterPath(path), method: method) { request, context in
                    try await self.respond(request, context)
                }
            }
        }
    }

    package func health() async -> FaceHealth {
        guard let free = try? await FileThreads.run({ [store] in try FileSystem(of: store.root).freeByteCount }) else {
            return .failing("its directory can't be read")
        }
        if free < RegistryFace.reserve { return .degraded("the disk is full; blobs can be read alone") }
        return isReadOnly ? .degraded("read-only, as its settings say") : .healthy
    }

    package func stop() async { await access.stop() }

    /// The distribution-spec's form of errors.
    package func answer(to refusal: Refusal) -> Response {
        let code = refusal.code.isEmpty ? Self.code(refusal.status) : refusal.code.uppercased()
        let error: JSON = ["code": .string(code), "message": .string(refusal.message), "detail": nil]
        return .json(["errors": [error]], status: refusal.status, headers: refusal.answerFields)
    }

    private static func code(_ status: HTTPResponse.Status) -> String {
        switch status {
        case .unauthorized: "UNAUTHORIZED"
        case .forbidden: "DENIED"
        case .tooManyRequests: "TOOMANYREQUESTS"
        case .contentTooLarge: "SIZE_INVALID"
        case .notFound, .methodNotAllowed: "UNSUPPORTED"
        default: "UNKNOWN"
        }
    }

    // MARK: Dispatch

    private func respond(_ request: Request, _ context: ServeContext) async throws -> Response {
        // The path as it came: decoded, an encoded slash could not be told from a slash.
        guard let path = DistributionPath(String((request.head.path ?? "").prefix { $0 != "?" })) else {
            throw Refusal(.notFound, "there is nothing of this name in the distribution protocol", code: "UNSUPPORTED")
        }
        let isRead = request.method == .get || request.method == .head
        try await access.check(request, path == .root ? .ping : isRead ? .pull : .push)
        if !isRead, isReadOnly {
            throw Refusal(.methodNotAllowed, "this registry can be read alone", code: "UNSUPPORTED")
        }
        do {
            return try await respond(request, path)
        } catch let error as RegistryError {
            throw Refusal(error, path)
        }
    }

    private func respond(_ request: Request, _ path: DistributionPath) async throws -> Response {
        switch (path, request.method) {
        case (.root, .get), (.root, .head):
            return .json([:], headers: [.distributionVersion: "registry/2.0"])
        case (.blob(let repository, let digest), .get), (.blob(let repository, let digest), .head):
            return try await readBlob(try Self.digest(digest), in: repository, request)
        case (.blob(let repository, let digest), .delete):
            return try await deleteBlob(try Self.digest(digest), in: repository)
        case (.uploads(let repository), .post): return try await beginUpload(repository, request)
        case (.upload(let repository, let id), .get), (.upload(let repository, let id), .head):
            return try await readUpload(id, in: repository)
        case (.upload(let repository, let id), .patch): return try await patchUpload(id, in: repository, request)
        case (.upload(let repository, let id), .put): return try await finishUpload(id, in: repository, request)
        case (.upload(let repository, let id), .delete): return try await cancelUpload(id, in: repository)
        case (.manifest(let repository, let name), .get), (.manifest(let repository, let name), .head):
            return try await readManifest(try Self.manifestName(name), in: repository, request)
        case (.manifest(let repository, let name), .put):
            return try await putManifest(try Self.manifestName(name), in: repository, request)
        case (.manifest(let repository, let name), .delete):
            return try await deleteManifest(try Self.manifestName(name), in: repository, request)
        case (.tags(let repository), .get): return try await listTags(repository, request)
        case (.referrers(let repository, let digest), .get):
            return try await listReferrers(of: try Self.digest(digest), in: repository, request)
        default: throw Refusal(.methodNotAllowed, "\(request.method.rawValue) means nothing here", code: "UNSUPPORTED")
        }
    }

    static func query(_ request: Request) throws(Refusal) -> DistributionQuery {
        guard let query = DistributionQuery(request.uri.query) else {
            throw Refusal(
                .badRequest, "the query is too long, or is not percent-encoded UTF-8", code: "UNSUPPORTED")
        }
        return query
    }

    static func digest(_ text: String) throws(Refusal) -> MessageDigest {
        guard let digest = MessageDigest(description: text) else {
            throw Refusal(
                .badRequest, "this is no digest as sha256:HEX, sha384:HEX or sha512:HEX in lower case",
                code: "DIGEST_INVALID")
        }
        return digest
    }

    private static func manifestName(_ text: String) throws(Refusal) -> ManifestName {
        if text.contains(":") { return .digest(try digest(text)) }
        guard Reference.isTag(text) else {
            throw Refusal(.badRequest, "this is neither a tag nor a digest", code: "MANIFEST_INVALID")
        }
        return .tag(text)
    }

    func count(_ bytes: Int, _ direction: String) {
        site.metrics.add(
            "martlet_registry_bytes_total", Double(bytes), labels: [("direction", direction)],
            help: "Bytes of blobs and manifests.")
    }
}

extension FaceKind {
    /// An OCI registry.
    package static let registry = FaceKind(
        name: "registry", summary: "An OCI registry for images and what belongs to them."
    ) { site, settings in try RegistryFace(site, settings) }
}

extension Refusal {
    /// What the store refuses, in the codes of the distribution-spec.
    init(_ error: RegistryError, _ path: DistributionPath) {
        let isManifest = if case .manifest = path { true } else { false }
        switch error.code {
        case .nameInvalid: self.init(.badRequest, error.message, code: "NAME_INVALID")
        case .nameUnknown: self.init(.notFound, error.message, code: "NAME_UNKNOWN")
        case .contentUnknown: self.init(.notFound, error.message, code: "MANIFEST_BLOB_UNKNOWN")
        case .uploadUnknown: self.init(.notFound, error.message, code: "BLOB_UPLOAD_UNKNOWN")
        case .conflict: self.init(.preconditionFailed, error.message, code: "DENIED")
        case .mismatch: self.init(.badRequest, error.message, code: "DIGEST_INVALID")
        case .refused: self.init(.methodNotAllowed, error.message, code: "UNSUPPORTED")
        case .limit: self.init(.contentTooLarge, error.message, code: "SIZE_INVALID")
        default: self.init(.badRequest, error.message, code: isManifest ? "MANIFEST_INVALID" : "UNSUPPORTED")
        }
    }
}

extension HTTPField.Name {
    private static func known(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a field name") }
        return name
    }

    static let distributionVersion = known("Docker-Distribution-Api-Version")
    static let contentDigest = known("Docker-Content-Digest")
    static let uploadID = known("Docker-Upload-UUID")
    static let subject = known("OCI-Subject")
    static let tag = known("OCI-Tag")
    static let filtersApplied = known("OCI-Filters-Applied")
    static let link = known("Link")
}
