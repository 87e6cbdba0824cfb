import Logging
import ServiceLifecycle
import SystemPackage
import TestKit
import Wire

@testable import Serve

/// A server on a free port of this machine, for one test.
struct RunningServer {
    let site: Site
    let client: Wire.HTTPClient

    /// The address of `path` on the server; a whole address stays as it is.
    func url(_ path: String) throws -> HTTPURL { try HTTPURL(path.hasPrefix("/") ? site.url + path : path) }

    /// Asks once, and gives the answer whatever its status.
    func ask(
        _ method: Wire.HTTPRequest.Method = .get, _ path: String, fields: Wire.HTTPFields = [:], body: [UInt8]? = nil
    ) async throws -> HTTPAnswer {
        let request = Wire.HTTPRequest(
            method, try url(path), fields: fields, body: body.map { .bytes($0) }, isRepeatable: false)
        return try await client.fetch(request, limit: 64 << 20, deadline: nil)
    }

    /// Starts a server in `directory`, calls `body`, and stops the server gracefully.
    static func with(
        _ kinds: [FaceKind], in directory: TemporaryDirectory? = nil,
        settings change: (inout ServerSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningServer) async throws -> Void
    ) async throws {
        let directory = try directory ?? TemporaryDirectory()
        var settings = ServerSettings(data: directory.path)
        settings.address.port = 0
        change(&settings)
        let (ready, reporter) = AsyncStream<Site>.makeStream()
        let server = Server(settings, kinds: kinds, logger: ServerLog(.plain, level: .critical).logger())
        let service = ServerService(server: server) {
            reporter.yield($0)
        } ended: {
            reporter.finish()
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let group = ServiceGroup(services: [service], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await site in ready {
                let client = Wire.HTTPClient(WireSettings(userAgent: "martlet-test"))
                do {
                    try await body(RunningServer(site: site, client: client))
                } catch {
                    await client.close()
                    await group.triggerGracefulShutdown()
                    throw error
                }
                await client.close()
                await group.triggerGracefulShutdown()
                break
            }
            try await tasks.waitForAll()
        }
        // The directory lives as long as the server.
        withExtendedLifetime(directory) {}
    }
}

/// The server as a part of a group, so that a test can stop it.
private struct ServerService: Service {
    let server: Server
    let ready: @Sendable (Site) async -> Void
    let ended: @Sendable () -> Void

    func run() async throws {
        defer { ended() }
        try await server.run(signals: false, ready: ready)
    }
}
