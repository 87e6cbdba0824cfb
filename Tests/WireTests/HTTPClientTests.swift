import LoopbackServer
import Synchronization
import Testing
import Wire

/// The client against a server on this machine.
@Suite struct HTTPClientTests {
    typealias Reply = LoopbackServer.Reply

    /// What a test's server heard, and how long its client would have waited.
    final class Record: Sendable {
        let requests = Mutex<[LoopbackServer.Request]>([])
        let waits = Mutex<[Duration]>([])
        var count: Int { requests.withLock { $0.count } }
    }

    /// Runs `body` with a client and a server that answers the n-th request with `answer`.
    private func serving(
        _ change: (inout WireSettings) -> Void = { _ in },
        answer: @escaping @Sendable (LoopbackServer.Request, Int) -> Reply?,
        _ body: (HTTPClient, LoopbackServer, Record) async throws -> Void
    ) async throws {
        let record = Record()
        let server = try await LoopbackServer { request in
            let number = record.requests.withLock { requests in
                requests.append(request)
                return requests.count
            }
            return answer(request, number)
        }
        var settings = WireSettings(userAgent: "martlet/test")
        settings.deadline = .seconds(120)
        settings.pause = { wait in record.waits.withLock { $0.append(wait) } }
        change(&settings)
        let client = HTTPClient(settings)
        do {
            try await body(client, server, record)
        } catch {
            await client.close()
            await server.close()
            throw error
        }
        await client.close()
        await server.close()
    }

    private func code(_ body: () async throws -> Void) async -> WireError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? WireError)?.code
        }
    }

    @Test("a request arrives as it was meant, and the answer comes back whole")
    func exchange() async throws {
        try await serving(answer: { request, _ in
            Reply(201, bytes: request.body, fields: [("X-One", "1"), ("x-one", "2")])
        }) {
            client, server, record in
            let request = HTTPRequest(
                .post, try HTTPURL(server.address("/a/b?c=d")), fields: ["Content-Type": "application/json"],
                body: .bytes(Array("{}".utf8)))
            let answer = try await client.fetch(request, limit: 100)
            #expect(answer.status == 201)
            #expect(answer.isSuccess)
            #expect(answer.bytes == Array("{}".utf8))
            #expect(answer.fields.values("X-ONE") == ["1", "2"])
            let heard = try #require(record.requests.withLock { $0.first })
            #expect(heard.method == "POST")
            #expect(heard.target == "/a/b?c=d")
            #expect(heard["user-agent"] == "martlet/test")
            #expect(heard["content-type"] == "application/json")
        }
    }

    @Test("a body in pieces is sent, and one that is too short is an error")
    func streamedBody() async throws {
        try await serving(answer: { request, _ in Reply(200, bytes: request.body) }) { client, server, _ in
            func request(_ length: Int) throws -> HTTPRequest {
                HTTPRequest(
                    .put, try HTTPURL(server.address()),
                    body: .stream(length: length) {
                        AsyncThrowingStream { pieces in
                            for piece in ["one ", "two ", "three"] { pieces.yield(Array(piece.utf8)) }
                            pieces.finish()
                        }
                    })
            }
            let whole = try await client.fetch(request(13), limit: 100)
            #expect(whole.bytes == Array("one two three".utf8))
            #expect(await code { _ = try await client.fetch(request(20), limit: 100) } != nil)
        }
    }

    @Test("more content than is taken is an error, said in advance or not", arguments: [true, false])
    func limit(isAnnounced: Bool) async throws {
        let fields = isAnnounced ? [] : [(name: "Transfer-Encoding", value: "chunked")]
        try await serving(answer: { _, _ in Reply(200, String(repeating: "x", count: 5000), fields: fields) }) {
            client, server, record in
            let request = HTTPRequest(.get, try HTTPURL(server.address()))
            #expect(await code { _ = try await client.fetch(request, limit: 4999) } == .tooLarge)
            #expect(record.count == 1)
            #expect(try await client.fetch(request, limit: 5000).bytes.count == 5000)
        }
    }

    @Test("an answer is read in pieces")
    func streamedAnswer() async throws {
        let content = [UInt8](repeating: 7, count: 1 << 20)
        try await serving(answer: { _, _ in Reply(206, bytes: content) }) { client, server, _ in
            let reply = try await client.send(
                HTTPRequest(.get, try HTTPURL(server.address()), fields: ["Range": "bytes=0-"]))
            #expect(reply.status == 206)
            var count = 0
            for try await piece in reply.body { count += piece.count }
            #expect(count == content.count)
        }
    }

    @Test(
        "what is safe to repeat is repeated after failures",
        arguments: [
            HTTPRequest.Method.get, .head, .put, .delete,
        ])
    func repetition(_ method: HTTPRequest.Method) async throws {
        try await serving(answer: { _, number in number < 3 ? (number == 1 ? nil : Reply(503)) : Reply(200) }) {
            client, server, record in
            let answer = try await client.fetch(HTTPRequest(method, try HTTPURL(server.address())), limit: 100)
            #expect(answer.status == 200)
            #expect(record.count == 3)
            #expect(record.waits.withLock { $0.count } == 2)
        }
    }

    @Test("what is not safe to repeat is sent once, unless its sender says so", arguments: [true, false])
    func post(isRepeatable: Bool) async throws {
        try await serving(answer: { _, number in number < 2 ? Reply(503) : Reply(200) }) { client, server, record in
            let request = HTTPRequest(
                .post, try HTTPURL(server.address()), body: .bytes([1]), isRepeatable: isRepeatable ? true : nil)
            #expect(try await client.fetch(request, limit: 100).status == (isRepeatable ? 200 : 503))
            #expect(record.count == (isRepeatable ? 2 : 1))
        }
    }

    @Test("content that breaks off is asked for again")
    func brokenContent() async throws {
        try await serving(
            answer: { _, number in
                var reply = Reply(200, "0123456789")
                if number == 1 { reply.breaksAfter = 5 }
                return reply
            }
        ) { client, server, record in
            let answer = try await client.fetch(HTTPRequest(.get, try HTTPURL(server.address())), limit: 100)
            #expect(answer.bytes.count == 10)
            #expect(record.count == 2)
        }
    }

    @Test(
        "the server's word on when to come again is kept, within reason",
        arguments: [
            ("3", Duration.seconds(3)), ("0", .zero), ("3600", nil), ("Sun, 06 Nov 1994 08:49:47 GMT", .seconds(10)),
        ] as [(String, Duration?)])
    func retryAfter(_ value: String, _ expected: Duration?) async throws {
        let fields = [(name: "Retry-After", value: value), (name: "Date", value: "Sun, 06 Nov 1994 08:49:37 GMT")]
        try await serving(answer: { _, number in number == 1 ? Reply(429, fields: fields) : Reply(200) }) {
            client, server, record in
            let answer = try await client.fetch(HTTPRequest(.get, try HTTPURL(server.address())), limit: 100)
            #expect(answer.status == (expected == nil ? 429 : 200))
            #expect(record.waits.withLock { $0 } == (expected.map { [$0] } ?? []))
        }
    }

    @Test("a server that never ends runs into the deadline", arguments: [0, 5])
    func deadline(stallsAfter count: Int) async throws {
        try await serving(
            { $0.deadline = .milliseconds(150) },
            answer: { _, _ in
                var reply = Reply(200, "0123456789")
                reply.stallsAfter = count
                return reply
            }
        ) { client, server, _ in
            let request = HTTPRequest(.get, try HTTPURL(server.address()))
            #expect(await code { _ = try await client.fetch(request, limit: 100) } == .timedOut)
        }
    }

    @Test("redirects are followed, and credentials stay with their origin")
    func redirects() async throws {
        let other = Record()
        let target = try await LoopbackServer { request in
            other.requests.withLock { $0.append(request) }
            return Reply(200, "there")
        }
        let address = target.address("/end")
        try await serving(
            answer: { request, _ in
                request.target == "/start"
                    ? Reply(302, fields: [("Location", "next?x=1")])
                    : Reply(307, fields: [("Location", address)])
            }
        ) { client, server, record in
            let request = HTTPRequest(
                .get, try HTTPURL(server.address("/start")),
                fields: ["Authorization": "Bearer secret", "Cookie": "secret", "Accept": "text/plain"])
            let answer = try await client.fetch(request, limit: 100)
            #expect(answer.url.text == address)
            #expect(record.requests.withLock { $0.map(\.target) } == ["/start", "/next?x=1"])
            #expect(record.requests.withLock { $0.allSatisfy { $0["Authorization"] != nil } })
            let heard = try #require(other.requests.withLock { $0.first })
            #expect(heard["Authorization"] == nil)
            #expect(heard["Cookie"] == nil)
            #expect(heard["Accept"] == "text/plain")
        }
        await target.close()
    }

    @Test("a request whose content is secret is not taken to another origin")
    func secretContent() async throws {
        let target = try await LoopbackServer { _ in Reply(200, "there") }
        let address = target.address("/end")
        try await serving(
            answer: { request, _ in
                Reply(
                    request.target == "/end" ? 200 : 307,
                    fields: [("Location", request.target == "/near" ? "/end" : address)])
            }
        ) { client, server, _ in
            func request(_ path: String) throws -> HTTPRequest {
                var request = HTTPRequest(.post, try HTTPURL(server.address(path)), body: .bytes([1]))
                request.staysAtOrigin = true
                return request
            }
            let far = try request("/far")
            #expect(await code { _ = try await client.fetch(far, limit: 100) } == .redirect)
            let near = try await client.fetch(request("/near"), limit: 100)
            #expect(near.status == 200)
        }
        await target.close()
    }

    @Test("a redirect in a circle ends")
    func circle() async throws {
        try await serving(answer: { _, _ in Reply(302, fields: [("Location", "/")]) }) { client, server, record in
            let request = HTTPRequest(.get, try HTTPURL(server.address()))
            #expect(await code { _ = try await client.fetch(request, limit: 100) } == .redirect)
            #expect(record.count == 6)
        }
    }

    @Test("a request that changes something is only redirected by statuses that keep it as it is")
    func redirectedPost() async throws {
        try await serving(
            answer: { request, _ in
                switch request.target {
                case "/302": Reply(302, fields: [("Location", "/end")])
                case "/307": Reply(307, fields: [("Location", "/end")])
                case "/303": Reply(303, fields: [("Location", "/end")])
                default: Reply(200, "\(request.method) \(request.body.count)")
                }
            }
        ) { client, server, _ in
            func fetch(_ path: String) async throws -> HTTPAnswer {
                try await client.fetch(
                    HTTPRequest(.post, try HTTPURL(server.address(path)), body: .bytes([1, 2])), limit: 100)
            }
            let after302 = try await fetch("/302")
            #expect(after302.status == 302)
            let after307 = try await fetch("/307")
            #expect(after307.bytes == Array("POST 2".utf8))
            let after303 = try await fetch("/303")
            #expect(after303.bytes == Array("GET 0".utf8))
        }
    }

    @Test("offline means that nothing is opened")
    func offline() async throws {
        try await serving({ $0.isOffline = true }, answer: { _, _ in Reply(200) }) { client, server, record in
            let request = HTTPRequest(.get, try HTTPURL(server.address()))
            #expect(await code { _ = try await client.fetch(request, limit: 1) } == .offline)
            #expect(await code { _ = try await client.send(request) } == .offline)
            #expect(record.count == 0)
        }
    }

    @Test("nobody there is unreachable, after as many attempts as are set")
    func unreachable() async throws {
        try await serving(answer: { _, _ in nil }) { client, server, record in
            await server.close()
            let request = HTTPRequest(.get, try HTTPURL(server.address()))
            #expect(await code { _ = try await client.fetch(request, limit: 1) } == .unreachable)
            #expect(record.waits.withLock { $0.count } == 3)
        }
    }

    @Test("a failure's first words are in the error, and the query is not")
    func failureText() async throws {
        try await serving(answer: { _, _ in Reply(400, "no such\n\u{1B}[31mthing") }) { client, server, _ in
            let answer = try await client.fetch(
                HTTPRequest(.get, try HTTPURL(server.address("/x?token=secret"))), limit: 1000)
            let error = #expect(throws: WireError.self) { try answer.success() }
            #expect(error?.status == 400)
            #expect(error?.message.contains("no such \\u{1b}[31mthing") == true)
            #expect(error?.message.contains("secret") == false)
        }
    }

    @Test("a proxy is asked in place of the server, but for this machine's own names")
    func proxy() async throws {
        let record = Record()
        let proxy = try await LoopbackServer { request in
            record.requests.withLock { $0.append(request) }
            return Reply(403)
        }
        let address = "http://user:pass%20word@127.0.0.1:\(proxy.port)"
        try await serving({ $0.proxies.http = address }, answer: { _, _ in Reply(200, "direct") }) {
            client, server, _ in
            let far = HTTPRequest(.get, try HTTPURL("http://far.example/x"), isRepeatable: false)
            #expect(await code { _ = try await client.fetch(far, limit: 100) } == .unreachable)
            let near = try await client.fetch(HTTPRequest(.get, try HTTPURL(server.address())), limit: 100)
            #expect(near.bytes == Array("direct".utf8))
            let heard = try #require(record.requests.withLock { $0.first })
            #expect(heard.method == "CONNECT")
            #expect(heard.target == "far.example:80")
            #expect(heard["Proxy-Authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ=")
        }
        await proxy.close()
    }
}
