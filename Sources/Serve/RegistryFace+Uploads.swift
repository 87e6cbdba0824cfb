internal import Bytes
internal import HTTPTypes
internal import Host
internal import Hummingbird
internal import NIOCore
internal import Registry

extension RegistryFace {
    /// How much of a body is gathered before it is written.
    private static let pieceSize = 1 << 20

    func beginUpload(_ repository: String, _ request: Request) async throws -> Response {
        let query = try Self.query(request)
        if let text = query["mount"] {
            let digest = try Self.digest(text)
            let source = query["from"]
            let isMounted = try await FileThreads.run { [store] in
                try store.mount(digest, from: source, into: repository)
            }
            if isMounted { return Self.created(digest, in: repository) }
            return Self.accepted(try await begin(repository, .sha256))
        }
        if let text = query["digest"] {
            let digest = try Self.digest(text)
            let upload = try await begin(repository, digest.algorithm)
            do {
                try await receive(request, into: upload)
                return try await finish(upload, digest)
            } catch {
                // Nobody knows its name, so nobody can go on with it.
                try? await FileThreads.run { [store] in try store.cancel(upload) }
                throw error
            }
        }
        var algorithm = HashAlgorithm.sha256
        if let text = query["digest-algorithm"] {
            guard let known = HashAlgorithm(rawValue: text) else {
                throw Refusal(
                    .badRequest, "digests are made by sha256, sha384 or sha512", code: "DIGEST_INVALID")
            }
            algorithm = known
        }
        return Self.accepted(try await begin(repository, algorithm))
    }

    func readUpload(_ id: String, in repository: String) async throws -> Response {
        let upload = try await find(id, repository)
        return Response(status: .noContent, headers: Self.fields(upload))
    }

    func patchUpload(_ id: String, in repository: String, _ request: Request) async throws -> Response {
        let upload = try await find(id, repository)
        return try await claiming(upload) {
            try checkRange(request, upload)
            try await receive(request, into: upload)
            return Self.accepted(upload)
        }
    }

    func finishUpload(_ id: String, in repository: String, _ request: Request) async throws -> Response {
        guard let text = try Self.query(request)["digest"] else {
            throw Refusal(.badRequest, "an upload ends with ?digest=", code: "DIGEST_INVALID")
        }
        let digest = try Self.digest(text)
        let upload = try await find(id, repository)
        return try await claiming(upload) {
            try checkRange(request, upload)
            try await receive(request, into: upload)
            return try await finish(upload, digest)
        }
    }

    func cancelUpload(_ id: String, in repository: String) async throws -> Response {
        let upload = try await find(id, repository)
        return try await claiming(upload) {
            try await FileThreads.run { [store] in try store.cancel(upload) }
            return Response(status: .noContent)
        }
    }

    // MARK: Steps

    private func begin(_ repository: String, _ algorithm: HashAlgorithm) async throws -> StoredUpload {
        try await FileThreads.run { [store] in try store.beginUpload(repository, algorithm) }
    }

    private func find(_ id: String, _ repository: String) async throws -> StoredUpload {
        try await FileThreads.run { [store] in try store.upload(id, in: repository) }
    }

    private func claiming(_ upload: StoredUpload, _ body: () async throws -> Response) async throws -> Response {
        guard upload.claim() else {
            throw Refusal(
                .conflict, "another request writes to this upload; wait for it, or begin another upload",
                code: "BLOB_UPLOAD_INVALID")
        }
        defer { upload.release() }
        return try await body()
    }

    /// 416 for a chunk that does not begin where the last one ended.
    private func checkRange(_ request: Request, _ upload: StoredUpload) throws {
        guard let field = request.headers[.contentRange] else { return }
        guard let range = DistributionRange.upload(field) else {
            throw Refusal(.badRequest, "Content-Range should be FIRST-LAST", code: "BLOB_UPLOAD_INVALID")
        }
        guard range.lowerBound == upload.offset else {
            throw Refusal(
                .rangeNotSatisfiable, "the next byte of this upload is \(upload.offset); go on from there",
                code: "BLOB_UPLOAD_INVALID", headers: Self.fields(upload))
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length != range.count {
            throw Refusal(
                .badRequest, "Content-Range names \(range.count) bytes, Content-Length \(length)", code: "SIZE_INVALID")
        }
    }

    /// Appends the content of a request. Where that breaks off, what has come stays, and the client can go on from it.
    private func receive(_ request: Request, into upload: StoredUpload) async throws {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        if let length, length > 0 {
            let free = try await FileThreads.run { [store] in
                Int(clamping: try FileSystem(of: store.root).freeByteCount)
            }
            // Nothing is written that can't be finished.
            guard free >= length + Self.reserve else {
                throw HostError(.noSpace, "\(length) bytes are to come, and \(free) are free", path: store.root)
            }
        }
        var pending = ByteBuffer()
        var received = 0
        do {
            for try await var part in request.body {
                received += part.readableBytes
                if pending.readableBytes == 0 { pending = part } else { pending.writeBuffer(&part) }
                if pending.readableBytes >= Self.pieceSize {
                    try await append(pending, to: upload)
                    pending = ByteBuffer()
                }
            }
        } catch {
            if pending.readableBytes > 0 { try? await append(pending, to: upload) }
            throw error
        }
        if pending.readableBytes > 0 { try await append(pending, to: upload) }
        count(received, "in")
        if let length, received < length {
            throw Refusal(
                .badRequest, "the content ended after \(received) of \(length) bytes", code: "SIZE_INVALID")
        }
    }

    private func append(_ bytes: ByteBuffer, to upload: StoredUpload) async throws {
        try await FileThreads.run { try upload.append(bytes.readableBytesSpan) }
    }

    private func finish(_ upload: StoredUpload, _ digest: MessageDigest) async throws -> Response {
        try await FileThreads.run { [store] in try store.finish(upload, as: digest) }
        return Self.created(digest, in: upload.repository)
    }

    // MARK: Answers

    private static func fields(_ upload: StoredUpload) -> HTTPFields {
        [
            .location: "/v2/\(upload.repository)/blobs/uploads/\(upload.id)",
            .range: "0-\(max(0, upload.offset - 1))", .uploadID: upload.id,
        ]
    }

    private static func accepted(_ upload: StoredUpload) -> Response {
        Response(status: .accepted, headers: fields(upload))
    }

    private static func created(_ digest: MessageDigest, in repository: String) -> Response {
        Response(
            status: .created,
            headers: [.location: "/v2/\(repository)/blobs/\(digest)", .contentDigest: "\(digest)"])
    }
}
