internal import Bytes
internal import HTTPTypes
internal import Host
internal import Hummingbird
internal import Logging
internal import NIOHTTP1
internal import Synchronization

/// What stands before all faces: request ids, the server's own pages, uniform errors, log and metrics.
final class Doorman: HTTPResponder {
    private let metrics: Metrics
    /// What answers, from when the faces are made. The lock guards it alone.
    private let answering = Mutex<(responder: RouterResponder<ServeContext>, faces: [any Face])?>(nil)

    init(metrics: Metrics) { self.metrics = metrics }

    /// Lets requests in.
    func open(_ faces: [any Face]) {
        let router = Router(context: ServeContext.self)
        router.add(middleware: ErrorDoor())
        router.get("/healthz") { _, _ in await Self.health(faces) }
        let metrics = metrics
        router.get("/metrics") { _, _ in
            Response.bytes(Array(metrics.text().utf8), type: "text/plain; version=0.0.4; charset=utf-8")
        }
        router.get("/") { request, _ in
            if let home = faces.lazy.compactMap(\.home).first, request.headers[.accept]?.contains("text/html") == true {
                return Response(status: .seeOther, headers: [.location: home, .vary: "Accept"])
            }
            return Response.text(faces.flatMap(\.notices).map { "\($0.title): \($0.address)\n" }.joined())
        }
        for face in faces {
            face.addRoutes(to: router.group("").add(middleware: FaceDoor(face: face, metrics: metrics)))
        }
        let responder = router.buildResponder()
        answering.withLock { $0 = (responder, faces) }
    }

    func respond(to request: Request, context: ServeContext) async throws -> Response {
        let began = Clocks.monotonicNanoseconds()
        var response: Response
        do {
            guard let responder = answering.withLock({ $0?.responder }) else {
                throw Refusal.unavailable("the server is starting", retryAfter: 1)
            }
            response = try await responder.respond(to: request, context: context)
        } catch {
            response = Refusal(error, context: context).response()
        }
        // A content after the answer to HEAD would be taken for the next answer.
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = context.id
        let milliseconds = Double(Clocks.monotonicNanoseconds() - began) / 1_000_000
        context.logger.log(
            level: response.status.code >= 500 ? .warning : .debug, "request",
            metadata: [
                "method": .string(request.method.rawValue), "path": .string(request.uri.path),
                "status": .stringConvertible(response.status.code), "peer": .string(context.peer),
                "milliseconds": .stringConvertible(milliseconds),
            ])
        return response
    }

    /// 200 where all can work, else 503; each face by name with its reason.
    private static func health(_ faces: [any Face]) async -> Response {
        var isHealthy = true
        var services: JSONObject = [:]
        for face in faces {
            switch await face.health() {
            case .healthy: services[face.name] = ["status": "ok"]
            case .degraded(let reason): services[face.name] = ["status": "degraded", "reason": .string(reason)]
            case .failing(let reason):
                isHealthy = false
                services[face.name] = ["status": "failing", "reason": .string(reason)]
            }
        }
        let json: JSON = ["status": isHealthy ? "ok" : "failing", "services": .object(services)]
        return .json(json, status: isHealthy ? .ok : .serviceUnavailable)
    }
}

/// What stands before everything: all errors in one form, also of paths that nobody knows.
struct ErrorDoor: RouterMiddleware {
    func handle(
        _ request: Request, context: ServeContext, next: @concurrent (Request, ServeContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return Refusal(error, context: context).response()
        }
    }
}

/// What stands before one face: its errors in its own form, and its metrics.
struct FaceDoor: RouterMiddleware {
    let face: any Face
    let metrics: Metrics

    func handle(
        _ request: Request, context: ServeContext, next: @concurrent (Request, ServeContext) async throws -> Response
    ) async throws -> Response {
        let began = Clocks.monotonicNanoseconds()
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = face.answer(to: Refusal(error, context: context))
        }
        let labels = [
            ("face", face.name), ("method", Self.method(request.method)), ("status", String(response.status.code)),
        ]
        metrics.add("martlet_requests_total", labels: labels, help: "Requests that were answered.")
        metrics.observe(
            "martlet_request_seconds", seconds: Double(Clocks.monotonicNanoseconds() - began) / 1_000_000_000,
            labels: [("face", face.name)], help: "Time until the head of the answer.")
        return response
    }

    /// Methods are a client's words; labels must not be.
    private static func method(_ method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .head, .post, .put, .patch, .delete: method.rawValue
        default: "other"
        }
    }
}

extension Refusal {
    /// Any error as a refusal: what is not meant for clients is logged, and answered without details.
    init(_ error: any Error, context: ServeContext) {
        switch error {
        case let refusal as Refusal: self = refusal
        case let error as any HTTPResponseError:
            self.init(error.status, (error as? HTTPError)?.body ?? error.status.reasonPhrase)
        case let error as HostError where error.code == .noSpace:
            context.logger.error("disk full", metadata: ["error": .string("\(error)")])
            self.init(
                HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage"), "the server's disk is full",
                code: "full", retryAfter: 60)
        case is HTTPParserError: self.init(.badRequest, "the request breaks HTTP")
        case is CancellationError: self = .unavailable("the server is stopping", retryAfter: 1)
        default:
            context.logger.error("request failed", metadata: ["error": .string("\(error)")])
            self.init(.internalServerError, "the server failed; its log has more under request id \(context.id)")
        }
    }
}

extension HTTPField.Name {
    static let requestID: HTTPField.Name = {
        guard let name = HTTPField.Name("X-Request-Id") else { preconditionFailure("a field name") }
        return name
    }()
}
