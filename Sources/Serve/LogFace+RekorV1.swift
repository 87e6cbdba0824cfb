internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import Keys
internal import Sigstore

/// The eight calls of Rekor v1 (rekor, `openapi.yaml`).
extension LogFace {
    func addVersion1(to routes: Routes) {
        let entries = "/api/v1/log/entries"
        routes.post("\(entries)") { request, _ in try await answer("v1-create") { try await createV1(request) } }
        routes.get("\(entries)") { request, _ in try await answer("v1-get") { try await byIndex(request) } }
        routes.get("\(entries)/:uuid") { _, context in
            try await answer("v1-get") { try await byUUID(context.parameters.require("uuid")) }
        }
        routes.post("\(entries)/retrieve") { request, _ in
            try await answer("v1-retrieve") { try await retrieve(request) }
        }
        routes.post("/api/v1/index/retrieve") { request, _ in
            try await answer("v1-search") { try await search(request) }
        }
        routes.get("/api/v1/log") { _, _ in try await answer("v1-info") { try await information() } }
        routes.get("/api/v1/log/publicKey") { request, _ in
            try await answer("v1-key") {
                try checkTree(request)
                return .bytes(
                    Array(service.identity.promiseKey.publicKey.pem.utf8), type: "application/x-pem-file")
            }
        }
        routes.get("/api/v1/log/proof") { request, _ in try await answer("v1-proof") { try await proof(request) } }
    }

    // MARK: Entries

    private func createV1(_ request: Request) async throws -> Response {
        let awaited = try awaited(request)
        let record = try LogRecord(proposedV1: await request.bytes(limit: LogRecord.greatestRequestByteCount))
        let stored = try await service.create(record, awaiting: awaited)
        try service.check(stored)
        let uuid = EntryUUID(treeID: service.identity.treeID, body: stored.body).description
        let location = "/api/v1/log/entries/\(uuid)"
        if stored.isDuplicate, service.duplicates == .conflict {
            throw Refusal(
                .conflict, "an equivalent entry already exists in the transparency log with UUID \(uuid)",
                headers: [.location: location])
        }
        return .json(
            .object(try service.promised(stored).rekorV1(treeID: service.identity.treeID)), status: .created,
            headers: [.location: location, .eTag: uuid])
    }

    private func byIndex(_ request: Request) async throws -> Response {
        guard let index = try Self.number(request, "logIndex") else {
            throw Refusal(.badRequest, "logIndex is missing")
        }
        guard let entry = try await shown(index) else { throw Refusal(.notFound, "there is no entry \(index)") }
        return .json(.object(entry))
    }

    private func byUUID(_ text: String) async throws -> Response {
        guard let uuid = EntryUUID(text) else {
            throw Refusal(.badRequest, "an entry's name has 64 or 80 hexadecimal digits")
        }
        guard let index = try await service.index(of: uuid), let entry = try await shown(index) else {
            throw Refusal(.notFound, "there is no entry \(uuid)")
        }
        return .json(.object(entry))
    }

    /// An entry with promise, proof and attestation; `nil` where there is none.
    private func shown(_ index: UInt64) async throws -> JSONObject? {
        guard let stored = try await service.store.entry(at: index) else { return nil }
        try service.check(stored)
        return try service.promised(stored).rekorV1(
            treeID: service.identity.treeID, attestation: await service.attestation(for: stored.body))
    }

    /// The most entries of one request.
    private static let greatestQueryCount = 10

    private func retrieve(_ request: Request) async throws -> Response {
        let json = try await request.json(limit: LogRecord.greatestRequestByteCount)
        let queries = try ["entryUUIDs", "logIndexes", "entries"].map { key throws(Refusal) -> [JSON] in
            guard let value = json[key], !value.isNull else { return [] }
            guard let list = value.arrayValue else { throw Refusal(.badRequest, "\(key) has to be a list") }
            return list
        }
        let count = queries.map(\.count).reduce(0, +)
        guard count <= Self.greatestQueryCount else {
            throw Refusal(
                .unprocessableContent, "more than max allowed \(Self.greatestQueryCount) entries in request")
        }
        guard count > 0 else { throw Refusal(.badRequest, "give entryUUIDs, logIndexes or entries") }
        var places: [UInt64?] = []
        for name in queries[0] {
            guard let uuid = name.stringValue.flatMap({ EntryUUID($0) }) else {
                throw Refusal(.badRequest, "an entry's name has 64 or 80 hexadecimal digits")
            }
            places.append(try await service.index(of: uuid))
        }
        for entry in queries[2] {
            // What is asked for by its content is checked as if it were sent to be logged.
            let uuid = EntryUUID(treeID: nil, body: try LogRecord(proposedV1: entry).body)
            places.append(try await service.index(of: uuid))
        }
        for index in queries[1] {
            guard let index = index.intValue.flatMap({ UInt64(exactly: $0) }) else {
                throw Refusal(.badRequest, "logIndexes has to hold whole numbers that are not negative")
            }
            places.append(index)
        }
        var found: [JSON] = []
        for place in places {
            if let place, let entry = try await shown(place) { found.append(.object(entry)) }
        }
        return .json(.array(found))
    }

    private func search(_ request: Request) async throws -> Response {
        let search = try LogSearch(try await request.json(limit: 64 << 10))
        var names: [JSON] = []
        for index in try await search.indexes(in: service.store) {
            guard let stored = try await service.store.entry(at: index) else { continue }
            names.append(.string(EntryUUID(treeID: service.identity.treeID, body: stored.body).description))
        }
        return .json(.array(names))
    }

    // MARK: The tree

    private func information() async throws -> Response {
        let head = try await service.store.head()
        return .json([
            "inactiveShards": [], "rootHash": .string(head.root.hex), "signedTreeHead": .string(head.checkpoint),
            "treeID": .string(String(service.identity.treeID)), "treeSize": .integer(head.size),
        ])
    }

    private func checkTree(_ request: Request) throws(Refusal) {
        guard let text = request.uri.queryParameters["treeID"] else { return }
        guard text == String(service.identity.treeID) else {
            throw Refusal(.badRequest, "this log's tree is \(service.identity.treeID)")
        }
    }

    private func proof(_ request: Request) async throws -> Response {
        try checkTree(request)
        let first = try Self.number(request, "firstSize") ?? 1
        guard let last = try Self.number(request, "lastSize") else { throw Refusal(.badRequest, "lastSize is missing") }
        guard first > 0, last > 0 else { throw Refusal(.unprocessableContent, "sizes begin at 1") }
        guard first <= last else {
            throw Refusal(.badRequest, "firstSize(\(first)) must be less than lastSize(\(last))")
        }
        let head = try await service.store.head()
        guard last <= head.size else {
            throw Refusal(
                .badRequest,
                "the tree size requested(\(last)) was greater than what is currently observable(\(head.size))")
        }
        let hashes = first == last ? [] : try await service.store.consistencyProof(from: first, to: last)
        return .json([
            "hashes": .array(hashes.map { .string($0.hex) }),
            "rootHash": .string(try await service.store.root(size: last).hex),
        ])
    }
}
