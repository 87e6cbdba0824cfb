internal import Bytes
internal import Host
internal import Synchronization
internal import Wire

/// A web server that takes GET, HEAD and PUT, with WebDAV or without, or a bucket behind the same requests.
final class WebPlace: ObjectPlace {
    let shown: String
    /// What names are relative to; ends with a slash.
    private let base: HTTPURL
    private let client: HTTPClient
    private let authorization: WebAuthorization
    /// Whether the server keeps directories that may have to be made.
    private let hasCollections: Bool
    /// The collections that were made. The lock guards the set only.
    private let made = Mutex<Set<String>>([])

    init(
        _ base: HTTPURL, shown: String, client: HTTPClient, authorization: WebAuthorization, hasCollections: Bool
    ) {
        self.base = base
        self.shown = shown
        self.client = client
        self.authorization = authorization
        self.hasCollections = hasCollections
    }

    /// How long an answer may take to begin.
    private static let patience = Duration.seconds(30)
    /// How long a content may take to be taken.
    private static let uploadPatience = Duration.seconds(3600)

    private func request(
        _ method: HTTPRequest.Method, _ name: String, fields: HTTPFields = [:], body: HTTPRequest.Body? = nil,
        payload: Digest? = nil
    ) throws -> HTTPRequest {
        var request = HTTPRequest(method, try base.appending(name), fields: fields, body: body)
        try authorization.authorize(&request, payload: payload ?? Self.nothing)
        return request
    }

    private static let nothing = Digest.of([])

    func read(_ name: String, limit: Int) async throws -> [UInt8]? {
        let answer = try await mapped {
            try await client.fetch(try request(.get, name), limit: limit, deadline: Self.patience)
        }
        switch answer.status {
        case 200: return answer.bytes
        case 404, 410: return nil
        default: throw refusal(answer.failure)
        }
    }

    func open(_ name: String, from offset: Int, size: Int) async throws -> IncomingBlob? {
        var fields: HTTPFields = [:]
        if offset > 0 { fields["Range"] = "bytes=\(offset)-" }
        let reply = try await mapped {
            try await client.send(try request(.get, name, fields: fields), deadline: Self.patience)
        }
        var start = 0
        switch reply.status {
        case 200: break
        case 206:
            guard offset > 0, Self.start(reply.fields) == offset else {
                throw RemoteCacheError(.refused, "\(reply.url.shown) answers with another part than was asked for")
            }
            start = offset
        case 404, 410: return nil
        default:
            let bytes = (try? await reply.bytes(limit: 1 << 16)) ?? []
            throw refusal(
                HTTPAnswer(status: reply.status, fields: reply.fields, url: reply.url, bytes: bytes).failure)
        }
        var iterator = reply.body.makeAsyncIterator()
        return IncomingBlob(start: start) {
            // Safe: this closure alone has the iterator, and its caller waits for each answer.
            nonisolated(unsafe) var current = iterator
            let piece = try await unsafe current.next()
            iterator = unsafe current
            return piece
        }
    }

    /// The first byte that `Content-Range: bytes 5-9/10` speaks of.
    private static func start(_ fields: HTTPFields) -> Int? {
        guard let text = fields["Content-Range"], text.hasPrefix("bytes ") else { return nil }
        return Int(text.dropFirst("bytes ".count).prefix { $0 != "-" })
    }

    func size(_ name: String) async throws -> ObjectSize? {
        let answer = try await mapped {
            try await client.fetch(try request(.head, name), limit: 0, deadline: Self.patience)
        }
        switch answer.status {
        case 200: return answer.fields["Content-Length"].flatMap { Int($0) }.map { .bytes($0) } ?? .unknown
        case 404, 410: return nil
        // A server that can't tell, or a bucket whose contents one may not list, gets the content.
        case 403, 405, 501: return nil
        default: throw refusal(answer.failure)
        }
    }

    func write(_ name: String, _ content: BlobContent, _ blob: BlobName) async throws {
        var answer = try await put(name, content, blob)
        // Which of these a server gives for a directory that is not there, they don't agree on.
        if hasCollections, [403, 404, 409, 500].contains(answer.status), try await makeCollections(above: name) {
            answer = try await put(name, content, blob)
        }
        guard answer.isSuccess else { throw refusal(answer.failure) }
    }

    private func put(_ name: String, _ content: BlobContent, _ blob: BlobName) async throws -> HTTPAnswer {
        let body: HTTPRequest.Body =
            switch content {
            case .bytes(let bytes): .bytes(bytes)
            case .file: .stream(length: blob.size) { content.stream }
            }
        return try await mapped {
            try await client.fetch(
                try request(
                    .put, name, fields: ["Content-Type": "application/octet-stream"], body: body, payload: blob.digest),
                limit: 1 << 16, deadline: Self.uploadPatience)
        }
    }

    /// Makes the collections that `name` is in; `false` where they were made before.
    private func makeCollections(above name: String) async throws -> Bool {
        var path = ""
        var isNew = false
        for part in name.split(separator: "/").dropLast() {
            path += "\(part)/"
            let known = path
            guard !made.withLock({ $0.contains(known) }) else { continue }
            let answer = try await mapped {
                try await client.fetch(try request(.makeCollection, known), limit: 1 << 16, deadline: Self.patience)
            }
            // 405 says that it is there.
            guard answer.isSuccess || answer.status == 405 || answer.status == 301 else {
                throw refusal(answer.failure)
            }
            made.withLock { _ = $0.insert(known) }
            isNew = true
        }
        return isNew
    }

    func close() async { await client.close() }

    private func mapped<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as WireError {
            throw RemoteCacheError(error)
        }
    }

    private func refusal(_ error: WireError) -> RemoteCacheError { RemoteCacheError(error) }
}

extension RemoteCacheError {
    init(_ error: WireError) {
        let code: Code =
            switch error.code {
            case .unreachable, .timedOut, .offline, .untrusted, .cancelled: .unreachable
            case .tooLarge: .limit
            case .malformed: .configuration
            default: error.status ?? 0 >= 500 ? .unreachable : .refused
            }
        self.init(code, error.message)
    }
}

extension RemoteCacheError {
    /// A failure while a content was on its way.
    init(transfer error: any Error) {
        switch error {
        case let error as RemoteCacheError: self = error
        case let error as WireError: self.init(error)
        default: self.init(.unreachable, "\(error)")
        }
    }
}
