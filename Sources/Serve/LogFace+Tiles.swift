internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import Ledger

/// The log as tiles (C2SP tlog-tiles), with proofs for those who don't want to compute them, and `/add`.
extension LogFace {
    /// Where tiles are: as Rekor v2 has them, and as tools for logs of every kind want a prefix of their own.
    private static let prefixes = ["/api/v2", "/log"]

    func addTiles(to routes: Routes) {
        for prefix in Self.prefixes {
            routes.get("\(prefix)/checkpoint") { request, _ in
                try await answer("checkpoint") { try await checkpoint(request) }
            }
            routes.get("\(prefix)/tile/**") { request, context in
                try await answer("tile") {
                    try await tile(context.parameters.getCatchAll().joined(separator: "/"), request)
                }
            }
        }
        routes.get("/log/proof/inclusion") { request, _ in
            try await answer("inclusion-proof") { try await inclusion(request) }
        }
        routes.get("/log/proof/consistency") { request, _ in
            try await answer("consistency-proof") { try await consistency(request) }
        }
        if takesRawEntries {
            routes.post("/log/add") { request, _ in try await answer("add") { try await add(request) } }
            routes.post("/log/add-entries") { request, _ in
                try await answer("add-entries") { try await addEntries(request) }
            }
        }
    }

    private func checkpoint(_ request: Request) async throws -> Response {
        let head =
            switch try awaited(request) {
            case .log: try await service.store.head()
            case .witnessed:
                if let witnessing = service.witnessing {
                    try await witnessing.head(covering: try await service.store.head().size)
                } else {
                    throw Refusal(.badRequest, "this log asks no witnesses; leave out await=witnessed")
                }
            }
        return .bytes(
            Array(head.checkpoint.utf8), type: "text/plain; charset=utf-8", headers: [.cacheControl: "no-cache"])
    }

    private func tile(_ path: String, _ request: Request) async throws -> Response {
        let bytes: [UInt8]
        switch TileResource(path: "tile/\(path)") {
        case .tile(let tile): bytes = try await service.store.tile(tile)
        case .entries(let index, let width): bytes = try await service.store.entryBundle(index, width: width)
        default: throw Refusal(.notFound, "there is no such tile")
        }
        // What stands under a name never changes, so the name is its tag.
        let tag = "\"\(path.replacing("/", with: "-"))\""
        let fields: HTTPFields = [.cacheControl: "public, max-age=31536000, immutable", .eTag: tag]
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: fields) }
        if bytes.count == HashTile.fullWidth * Digest.byteCount, !path.hasPrefix("entries/") {
            keptAnswers?.keep(
                HotAnswer(200, "application/octet-stream", bytes, fields), for: request.uri.string)
        }
        return .bytes(bytes, type: "application/octet-stream", headers: fields)
    }

    // MARK: Proofs

    /// `?index=N` or `?hash=HEX`, and `&size=N` for another tree than the newest: a `.tlog-proof` file.
    private func inclusion(_ request: Request) async throws -> Response {
        let index: UInt64
        if let hash = request.uri.queryParameters["hash"] {
            guard let hash = Digest(hex: hash) else {
                throw Refusal(.badRequest, "hash has to be 64 hexadecimal digits")
            }
            guard let found = try await service.store.index(ofLeafHash: hash) else {
                throw Refusal(.notFound, "there is no entry with this leaf hash")
            }
            index = found
        } else if let number = try Self.number(request, "index") {
            index = number
        } else {
            throw Refusal(.badRequest, "give index or hash")
        }
        var head = try await service.store.head()
        if try awaited(request) == .witnessed {
            guard let witnessing = service.witnessing else {
                throw Refusal(.badRequest, "this log asks no witnesses; leave out await=witnessed")
            }
            head = try await witnessing.head(covering: index + 1)
        }
        guard index < head.size else { throw Refusal(.notFound, "there is no entry \(index)") }
        let note: Note
        do {
            note = try Note(parsing: head.checkpoint)
        } catch {
            throw Refusal(.internalServerError, "the log's checkpoint can't be read")
        }
        let proof = LogProof(
            index: index, path: try await service.store.inclusionProof(of: index, size: head.size), note: note)
        return .text(proof.text)
    }

    /// `?from=N&to=N`: the hashes in base64, a line each.
    private func consistency(_ request: Request) async throws -> Response {
        guard let from = try Self.number(request, "from"), let to = try Self.number(request, "to"), from <= to else {
            throw Refusal(.badRequest, "give from and to, the sizes of the older and the newer tree")
        }
        guard to <= (try await service.store.head().size) else {
            throw Refusal(.notFound, "the log has not \(to) entries yet")
        }
        let hashes = from == 0 || from == to ? [] : try await service.store.consistencyProof(from: from, to: to)
        return .text(hashes.map { Base64.encode($0.bytes) + "\n" }.joined())
    }

    // MARK: Raw entries

    /// Logs the bytes of the request as they are, and answers with the index: what Tessera's tools ask for.
    private func add(_ request: Request) async throws -> Response {
        let body = try await request.bytes(limit: 65_535)
        guard !body.isEmpty else { throw Refusal(.badRequest, "the entry is empty") }
        let placed = try await service.store.place([body])
        guard let index = placed.indexes.first else { throw Refusal(.internalServerError, "the log gave no entry") }
        return .text(String(index))
    }

    /// The same for those who send one request after the other as quickly as they are answered.
    var addPath: HotPath {
        let counters = Self.counters("add", "POST", in: site)
        return HotPath("/log/add", contentLimit: EntryBundle.greatestEntryByteCount) { body, reply in
            guard !body.isEmpty else { return reply(.routes) }
            service.store.add(LogSubmission(body: body, searchKeys: [])) { result in
                reply(
                    .answer {
                        hotAnswer("add") {
                            let index = try result.get().index
                            for counter in counters { counter.add() }
                            return HotAnswer(text: String(index))
                        }
                    })
            }
        }
    }

    /// The most bytes and entries of one request.
    private static let greatestBatchByteCount = 8 << 20
    private static let greatestBatchCount = 65_536

    /// Logs many entries, each behind its length in two bytes as tlog-tiles has bundles, and answers with the index of
    /// each, one a line, an empty line, and a checkpoint that covers all. An error may leave a part of them in the log;
    /// the same request again finds them.
    private func addEntries(_ request: Request) async throws -> Response {
        let body = try await request.bytes(limit: Self.greatestBatchByteCount)
        let leaves: [[UInt8]]
        do {
            leaves = try EntryBundle.parse(body, limit: Self.greatestBatchCount)
        } catch {
            throw Refusal(error.code == .limit ? .contentTooLarge : .badRequest, error.message)
        }
        guard !leaves.isEmpty, !leaves.contains([]) else { throw Refusal(.badRequest, "an entry is empty") }
        let placed = try await service.store.place(leaves)
        var text: [UInt8] = []
        text.reserveCapacity(placed.indexes.count * 9 + 512)
        for index in placed.indexes {
            text += String(index).utf8
            text.append(0x0A)
        }
        text.append(0x0A)
        text += placed.head.checkpoint.utf8
        return .bytes(text, type: "text/plain; charset=utf-8")
    }
}
