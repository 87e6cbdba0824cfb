internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOPosix
internal import Sigstore
internal import TileLog

/// A transparency log over HTTP: as Rekor v1 and v2 show theirs, and as tiles.
package struct LogFace: Face {
    package let name = "log"
    package let service: LogService
    /// Whether bytes that nobody has looked at are logged, for tools that measure logs.
    let takesRawEntries: Bool
    let site: Site
    /// Full tiles that were asked for.
    package let keptAnswers: KeptAnswers?
    /// Where signatures of submissions are checked that come on the hot path: a thread for each processor.
    let checkers: NIOThreadPool
    private let close: @Sendable () async -> Void

    /// `close` ends what the log holds, after the last request.
    package init(
        _ service: LogService, takesRawEntries: Bool, site: Site, close: @escaping @Sendable () async -> Void
    ) {
        self.service = service
        self.takesRawEntries = takesRawEntries
        self.site = site
        self.close = close
        keptAnswers = KeptAnswers(Self.counters("tile", "GET", in: site))
        checkers = NIOThreadPool(numberOfThreads: System.coreCount)
        checkers.start()
    }

    package var notices: [FaceNotice] {
        [
            FaceNotice(
                "transparency log (Rekor v1, v2)", at: site.url,
                command: "martlet log search --log-url \(site.url) --sha DIGEST")
        ]
    }

    package func addRoutes(to routes: Routes) {
        addVersion1(to: routes)
        addVersion2(to: routes)
        addTiles(to: routes)
    }

    package var hotPaths: [HotPath] { [createPath] + (takesRawEntries ? [addPath] : []) }

    package func health() async -> FaceHealth {
        do {
            _ = try await service.store.head()
            return service.store.isFrozen ? .degraded("the log is frozen and takes no entries") : .healthy
        } catch {
            return .failing("the log can't be read")
        }
    }

    package func stop() async {
        try? await checkers.shutdownGracefully()
        await close()
    }

    // MARK: What all interfaces share

    /// Runs a handler, and turns what libraries throw into answers.
    func answer(_ call: String, _ body: () async throws -> Response) async throws -> Response {
        do {
            let response = try await body()
            count(call, response.status.code)
            return response
        } catch {
            let refusal = Self.refusal(for: error)
            count(call, refusal.status.code)
            throw refusal
        }
    }

    /// The same where no task waits for the answer.
    func hotAnswer(_ call: String, _ body: () throws -> HotAnswer) -> HotAnswer {
        do {
            return try body()
        } catch {
            let refusal = Self.refusal(for: error)
            count(call, refusal.status.code)
            return HotAnswer(refusal)
        }
    }

    /// What counts answers that take the short way.
    static func counters(_ call: String, _ method: String, status: Int = 200, in site: Site) -> [Metrics.Counter] {
        [
            site.metrics.counter(
                "martlet_requests_total", labels: [("face", "log"), ("method", method), ("status", "\(status)")],
                help: "Requests that were answered."),
            site.metrics.counter(
                "martlet_log_requests_total", labels: [("call", call), ("status", "\(status)")],
                help: "Requests to the log, by what they asked for."),
        ]
    }

    func count(_ call: String, _ status: Int) {
        site.metrics.add(
            "martlet_log_requests_total", labels: [("call", call), ("status", String(status))],
            help: "Requests to the log, by what they asked for.")
    }

    static func refusal(for error: any Error) -> Refusal {
        switch error {
        case let refusal as Refusal: return refusal
        case let error as SigstoreError:
            return Refusal(error.code == .limit ? .contentTooLarge : .badRequest, error.message)
        case let error as TileLogError:
            switch error.code {
            case .full, .busy: return .unavailable("the log takes no entries right now; send the same again later")
            case .frozen:
                return Refusal(.methodNotAllowed, "This log has been frozen, please switch to the latest log.")
            case .limit: return Refusal(.contentTooLarge, error.message)
            case .malformed: return Refusal(.badRequest, error.message)
            case .absent: return Refusal(.notFound, error.message)
            case .unreachable, .stopped: return .unavailable("the log can't say right now")
            default: break
            }
        default: break
        }
        return Refusal(.internalServerError, "the log failed; its operator finds more in its own records")
    }

    /// What the client waits for: `?await=log|witnessed`, or what the log is set to.
    func awaited(_ request: Request) throws(Refusal) -> LogService.Await {
        guard let word = request.uri.queryParameters["await"].map(String.init) else { return .log }
        guard let awaited = LogService.Await(rawValue: word) else {
            throw Refusal(.badRequest, "await has to be log or witnessed")
        }
        return awaited
    }

    /// A whole number in one spelling; `nil` where it is absent.
    static func number(_ request: Request, _ name: Substring) throws(Refusal) -> UInt64? {
        guard let text = request.uri.queryParameters[name] else { return nil }
        guard let number = UInt64(text), String(number) == text, number <= Int64.max else {
            throw Refusal(.badRequest, "\(name) has to be a whole number that is not negative")
        }
        return number
    }
}
