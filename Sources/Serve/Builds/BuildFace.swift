internal import Attest
internal import Build
internal import Bytes
internal import HTTPTypes
internal import Host
internal import Hummingbird
internal import Keys
internal import NIOCore
internal import SystemPackage

extension FaceKind {
    /// Builds for clients that have no say in what is stated of them. Settings: docs/build-service.md.
    package static let builds = FaceKind(name: "builds", summary: "Isolated builds that sign for themselves") {
        site, settings in
        let settings = try BuildServiceSettings(settings, site: site)
        let signer = try await BuildSigner(settings, site: site)
        return BuildFace(
            site: site, service: try await BuildService(settings, signer: signer, site: site), signer: signer,
            clients: try await BuildClients(settings, site: site), settings: settings)
    }
}

/// The calls of the build service (docs/formats/build-service.md), below `/builds`.
struct BuildFace: Face {
    let name = "builds"
    let site: Site
    let service: BuildService
    let signer: BuildSigner
    let clients: BuildClients
    let settings: BuildServiceSettings

    private static let pieceSize = 512 << 10
    /// The most bytes of a log in one answer, and how long an answer may wait for some.
    private static let logPiece = 1 << 20
    private static let greatestWait = 20

    var notices: [FaceNotice] {
        [
            FaceNotice(
                "Builds", at: site.url + "/builds",
                command: settings.isOpen
                    ? "martlet build --service \(site.url) COMPONENT:PACKAGE --save out.tar.gz" : "")
        ]
    }

    func run() async throws { await service.run() }

    func stop() async {
        await signer.close()
        await clients.close()
    }

    func health() async -> FaceHealth { await service.isFull ? .degraded("the disk is full") : .healthy }

    func answer(to refusal: Refusal) -> Response {
        // A build that found no room can be asked for again, and so can everything else here.
        guard refusal.status.code == 507 else { return refusal.response() }
        return Refusal.unavailable(refusal.message, retryAfter: refusal.retryAfter ?? 60).response()
    }

    func addRoutes(to routes: Routes) {
        routes.post("/builds") { request, _ in try await create(request) }
        routes.get("/builds") { request, _ in
            let client = try await clients.client(of: request)
            return Response.json(["builds": .array(await service.records(of: client).map(\.json))])
        }
        routes.get("/builds/public-key") { _, _ in
            guard let key = signer.publicKey else {
                throw Refusal(.notFound, "certificates sign here; the trust repository has their authority")
            }
            return Response.bytes(Array(key.pem.utf8), type: "application/x-pem-file")
        }
        routes.get("/builds/:id") { request, context in
            Response.json(try await record(request, context).json)
        }
        routes.delete("/builds/:id") { request, context in
            let record = try await record(request, context)
            try await service.cancel(record.id)
            return Response(status: .accepted)
        }
        routes.put("/builds/:id/source") { request, context in try await upload(request, context) }
        routes.get("/builds/:id/log") { request, context in try await log(request, context) }
        routes.get("/builds/:id/\(BuildJob.artifact)") { request, context in
            let record = try await record(request, context)
            return try await file(service.shelf.artifact(record.id), "application/gzip")
        }
        routes.get("/builds/:id/\(BuildJob.artifact).sigstore.json") { request, context in
            let record = try await record(request, context)
            return try await file(service.shelf.bundle(record.id), "application/json")
        }
    }

    // MARK: Calls

    private func create(_ request: Request) async throws -> Response {
        // Strangers learn nothing, not even how a request looks.
        let client = try await clients.client(of: request)
        let content = try await request.bytes(limit: BuildRequest.byteLimit)
        let wanted: BuildRequest
        do {
            wanted = try BuildRequest(parsing: content)
        } catch {
            throw Refusal(.badRequest, error.message, code: "request")
        }
        let (record, access) = try await service.create(wanted, by: client)
        var object = record.json.objectValue ?? JSONObject()
        object["access"] = .string(access)
        return Response.json(
            .object(object), status: .created,
            headers: [.location: "/builds/\(record.id)", .cacheControl: "no-store"])
    }

    /// The build that a request is about, for whoever has its secret.
    private func record(_ request: Request, _ context: ServeContext) async throws -> BuildRecord {
        let id = try context.parameters.require("id")
        guard let field = request.headers[.authorization], field.prefix(7).lowercased() == "bearer ",
            field.utf8.count <= 256, BuildRecord.isID(id)
        else { throw BuildClients.unauthorized("give the secret that the build was created with, as a bearer token") }
        return try await service.record(id, access: String(field.dropFirst(7)))
    }

    private func log(_ request: Request, _ context: ServeContext) async throws -> Response {
        var record = try await record(request, context)
        let query = request.uri.queryParameters
        guard let offset = Int(query["offset"] ?? "0"), offset >= 0, let wait = Int(query["wait"] ?? "0"), wait >= 0
        else {
            throw Refusal(.badRequest, "offset and wait are numbers from 0")
        }
        let end = Clocks.monotonicNanoseconds() + Int64(min(wait, Self.greatestWait)) * 1_000_000_000
        while true {
            // Read before the log: what was written until the build ended is then in it.
            let isFinal = record.state.isFinal
            let bytes = try await FileThreads.run { [shelf = service.shelf, id = record.id] in
                try shelf.log(id, from: offset, limit: Self.logPiece)
            }
            if !bytes.isEmpty || isFinal || Clocks.monotonicNanoseconds() >= end {
                var headers: HTTPFields = [.cacheControl: "no-store"]
                if let name = HTTPField.Name("Martlet-Build-State") { headers[name] = record.state.rawValue }
                return Response.bytes(bytes, type: "text/plain; charset=utf-8", headers: headers)
            }
            try await Task.sleep(for: .milliseconds(200))
            record = try await self.record(request, context)
        }
    }

    private func upload(_ request: Request, _ context: ServeContext) async throws -> Response {
        let record = try await record(request, context)
        guard case .upload(let wanted) = record.request.source, record.state == .waiting else {
            throw Refusal(.conflict, "this build waits for no sources", code: "state")
        }
        let shelf = service.shelf
        let limit = settings.uploadBytes
        let length = request.headers[.contentLength].flatMap { Int($0) }
        guard length ?? 0 <= limit else { throw Refusal.tooLarge(limit: limit) }
        // A name of its own: two uploads at once don't mix.
        let temporary = Files.temporaryName(beside: shelf.pack(record.id))
        do {
            try await FileThreads.run {
                try shelf.checkSpace(for: length ?? 0)
                try Files.write([], to: temporary, mode: 0o600)
            }
            var hasher = SHA256Hasher()
            var count = 0
            for try await part in request.body {
                count += part.readableBytes
                guard count <= limit else { throw Refusal.tooLarge(limit: limit) }
                let bytes = Array(part.readableBytesView)
                hasher.update(bytes)
                try await FileThreads.run { try OpenFile(appending: temporary).write(bytes) }
            }
            guard hasher.finalize() == wanted else {
                throw Refusal(.badRequest, "the content is not what the request names", code: "digest")
            }
            try await FileThreads.run { try Files.rename(temporary, to: shelf.pack(record.id)) }
        } catch {
            try? await FileThreads.run { try Files.remove(temporary) }
            throw error
        }
        try await service.sourcesCame(record.id)
        return Response(status: .accepted)
    }

    private func file(_ path: FilePath, _ type: String) async throws -> Response {
        let opened = try await FileThreads.run { () throws -> BuildFile? in
            guard let size = try Files.status(path)?.size else { return nil }
            return try BuildFile(path, size: size)
        }
        guard let file = opened else {
            throw Refusal(.notFound, "the build has no result, or none any more", code: "unknown")
        }
        let size = file.size
        let body = ResponseBody(contentLength: size) { writer in
            var rest = size
            while rest > 0 {
                let count = min(rest, Self.pieceSize)
                let piece = try await FileThreads.run { ByteBuffer(bytes: try file.file.read(count)) }
                guard piece.readableBytes == count else {
                    throw ServeError(.damaged, "a result was cut while it was sent")
                }
                try await writer.write(piece)
                rest -= count
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: type], body: body)
    }
}

/// A result that is being sent. Reads are one after the other, each on a thread for files.
private final class BuildFile: Sendable {
    let file: OpenFile
    let size: Int

    init(_ path: FilePath, size: Int) throws {
        file = try OpenFile(reading: path, followingLinks: false)
        self.size = size
    }
}
