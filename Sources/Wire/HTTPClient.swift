internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Synchronization

/// Asks web servers, with deadlines, size limits, repetitions and proxies.
///
/// Nothing is opened before the first request. Call `close` when done; a client that was never used has nothing to
/// close.
package final class HTTPClient: Sendable {
    package let settings: WireSettings
    /// Guards the connections until `close` takes them away. Nothing else is locked while it is held.
    private let pools = Mutex<[PoolKey: AsyncHTTPClient.HTTPClient]?>([:])

    /// What differs between clients of the library. One that never encrypts reads no authorities.
    private struct PoolKey: Hashable {
        var proxy: ProxySettings.Proxy?
        var isSecure: Bool
    }

    package init(_ settings: WireSettings) { self.settings = settings }

    /// Whoever forgets `close`, or leaves by an error before it, leaves connections that somebody must end.
    deinit {
        for client in pools.withLock({ $0 ?? [:] }).values { client.shutdown { _ in } }
    }

    /// Ends all connections. Requests after that fail.
    package func close() async {
        let open = pools.withLock { pools in
            defer { pools = nil }
            return pools.map { Array($0.values) } ?? []
        }
        for client in open { try? await client.shutdown() }
    }

    /// Sends `request` and gives the answer with all its content, of which at most `limit` bytes are taken.
    ///
    /// Repeats where that is safe: after broken connections and the statuses that ask for it. Statuses are the caller's
    /// to judge.
    package func fetch(
        _ request: HTTPRequest, limit: Int, deadline: Duration?
    ) async throws(WireError) -> HTTPAnswer {
        let end = ContinuousClock.now + (deadline ?? settings.deadline)
        return try await repeating(request, until: end) { (attempt) async throws(WireError) in
            try await self.answer(attempt, limit: limit, until: end)
        }
    }

    /// Sends `request` and gives the answer as soon as its head is there; the deadline is for that. Content that does
    /// not arrive for the idle timeout breaks off.
    package func send(_ request: HTTPRequest, deadline: Duration? = nil) async throws(WireError) -> HTTPReply {
        let end = ContinuousClock.now + (deadline ?? settings.deadline)
        return try await repeating(request, until: end) { (attempt) async throws(WireError) in
            try await self.follow(attempt, until: end)
        }
    }

    // MARK: Repetition

    private func repeating<Answer: StatusBearing>(
        _ request: HTTPRequest, until end: ContinuousClock.Instant,
        _ send: (HTTPRequest) async throws(WireError) -> Answer
    ) async throws(WireError) -> Answer {
        guard !settings.isOffline else {
            throw WireError(.offline, "\(request.url.shown) is not asked, because every connection is forbidden")
        }
        var attempt = 1
        while true {
            let isLast = attempt >= settings.attempts || !request.isRepeatable
            var wait = RetryDelay.afterFailure(attempt)
            do {
                let answer = try await send(request)
                guard !isLast, let asked = RetryDelay.asked(by: answer, attempt) else { return answer }
                guard ContinuousClock.now + asked < end else { return answer }
                wait = asked
            } catch {
                guard !isLast, error.code == .unreachable, ContinuousClock.now + wait < end else { throw error }
            }
            do {
                try await settings.pause(wait)
            } catch {
                throw WireError(.cancelled, "the request to \(request.url.shown) was given up")
            }
            attempt += 1
        }
    }

    // MARK: One attempt

    private func answer(
        _ request: HTTPRequest, limit: Int, until end: ContinuousClock.Instant
    ) async throws(WireError) -> HTTPAnswer {
        let result = await withTaskGroup(of: Result<HTTPAnswer, WireError>.self) { group in
            group.addTask {
                do throws(WireError) {
                    let reply = try await self.follow(request, until: end)
                    let bytes = request.method == .head ? [] : try await reply.bytes(limit: limit)
                    return .success(
                        HTTPAnswer(status: reply.status, fields: reply.fields, url: reply.url, bytes: bytes))
                } catch {
                    return .failure(error)
                }
            }
            // A server that sends a byte now and then never is idle, so the whole has a deadline too.
            group.addTask {
                try? await ContinuousClock().sleep(until: end)
                return .failure(
                    Task.isCancelled
                        ? WireError(.cancelled, "the request to \(request.url.shown) was given up")
                        : WireError(.timedOut, "\(request.url.shown) did not answer in full in the time it was given"))
            }
            let first = await group.next()
            group.cancelAll()
            return first
        }
        guard let result else { throw WireError(.cancelled, "the request to \(request.url.shown) was given up") }
        return try result.get()
    }

    /// Sends the request and goes where redirects lead.
    private func follow(_ request: HTTPRequest, until end: ContinuousClock.Instant) async throws(WireError) -> HTTPReply
    {
        var request = request
        for _ in 0...settings.redirects {
            let reply = try await exchange(request, until: end)
            let isRead = request.method == .get || request.method == .head
            switch reply.status {
            case 301, 302: guard isRead else { return reply }
            case 303, 307, 308: break
            default: return reply
            }
            guard let location = reply.fields["Location"] else { return reply }
            let next = try request.url.resolving(location)
            // Whoever sits between could otherwise read and change what was asked for in confidence.
            guard next.isSecure || !request.url.isSecure else {
                throw WireError(
                    .redirect, "\(request.url.shown) sends the client to \(next.shown), which is not encrypted")
            }
            guard !request.staysAtOrigin || next.origin == request.url.origin else {
                throw WireError(
                    .redirect, "\(request.url.shown) sends the client to \(next.origin), which must not see the request"
                )
            }
            request = request.redirected(to: next, status: reply.status)
        }
        throw WireError(.redirect, "\(request.url.shown) is the end of more than \(settings.redirects) redirects")
    }

    private func exchange(
        _ request: HTTPRequest, until end: ContinuousClock.Instant
    ) async throws(WireError) -> HTTPReply {
        let client = try pool(for: request.url)
        var message = HTTPClientRequest(url: request.url.text)
        message.method = .RAW(value: request.method.rawValue)
        for field in request.fields.fields { message.headers.add(name: field.name, value: field.value) }
        if !message.headers.contains(name: "User-Agent") {
            message.headers.add(name: "User-Agent", value: settings.userAgent)
        }
        switch request.body {
        case .bytes(let bytes): message.body = .bytes(ByteBuffer(bytes: bytes))
        case .stream(let length, let make):
            message.body = .stream(make().map { ByteBuffer(bytes: $0) }, length: .known(Int64(length)))
        case nil: break
        }
        let left = end - ContinuousClock.now
        do {
            let reply = try await client.execute(message, deadline: .now() + .nanoseconds(left.nanoseconds))
            var fields = HTTPFields()
            for header in reply.headers { fields.append(header.name, header.value) }
            return HTTPReply(
                status: Int(reply.status.code), fields: fields, url: request.url,
                body: HTTPReply.Body(body: reply.body, url: request.url))
        } catch {
            throw WireError(error, url: request.url)
        }
    }

    // MARK: Connections

    private func pool(for url: HTTPURL) throws(WireError) -> AsyncHTTPClient.HTTPClient {
        let key = PoolKey(proxy: try settings.proxies.proxy(for: url), isSecure: url.isSecure)
        let made = pools.withLock { pools -> Result<AsyncHTTPClient.HTTPClient, WireError> in
            if let known = pools?[key] { return .success(known) }
            guard pools != nil else { return .failure(WireError(.cancelled, "the client is closed")) }
            return Result { () throws(WireError) in
                let client = AsyncHTTPClient.HTTPClient(
                    eventLoopGroupProvider: .singleton, configuration: try configuration(key))
                pools?[key] = client
                return client
            }
        }
        return try made.get()
    }

    private func configuration(
        _ key: PoolKey
    ) throws(WireError) -> AsyncHTTPClient.HTTPClient.Configuration {
        var configuration = AsyncHTTPClient.HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        // Repetition is decided here, where it is known what may be repeated and how long there is.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout = .init(
            connect: .nanoseconds(settings.connectTimeout.nanoseconds),
            read: .nanoseconds(settings.idleTimeout.nanoseconds))
        if key.isSecure, !settings.authorityFiles.isEmpty {
            var tls = TLSConfiguration.makeClientConfiguration()
            var authorities: [NIOSSLCertificate] = []
            for file in settings.authorityFiles {
                do {
                    authorities += try NIOSSLCertificate.fromPEMFile(file)
                } catch {
                    throw WireError(.malformed, "\(file) holds no certificates in PEM that can be read")
                }
            }
            tls.trustRoots = .certificates(authorities)
            configuration.tlsConfiguration = tls
        }
        switch key.proxy?.kind {
        case .http:
            configuration.proxy = key.proxy.map { proxy in
                .server(
                    host: proxy.host, port: proxy.port,
                    authorization: proxy.user.map { .basic(username: $0, password: proxy.password ?? "") })
            }
        case .socks5: configuration.proxy = key.proxy.map { .socksServer(host: $0.host, port: $0.port) }
        case nil: break
        }
        return configuration
    }
}

extension Duration {
    /// The duration in nanoseconds, as far as they can be counted.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, isTooGreat) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooGreat ? .max / 4 : whole + attoseconds / 1_000_000_000
    }
}
