internal import Host
internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
package import Logging
internal import NIOCore
internal import ServiceLifecycle
internal import SystemPackage
internal import UnixSignals

/// One HTTP server with its faces, from start to graceful end.
package struct Server: Sendable {
    package let settings: ServerSettings
    /// What it could offer; the settings say what it does.
    package let kinds: [FaceKind]
    package let logger: Logger

    package init(_ settings: ServerSettings, kinds: [FaceKind] = FaceKind.all, logger: Logger) {
        self.settings = settings
        self.kinds = kinds
        self.logger = logger
    }

    /// A server that offers everything martlet has, and logs to standard error as its settings say.
    ///
    /// - Parameter isVerbose: Whether each request is logged.
    package init(_ settings: ServerSettings, isVerbose: Bool) {
        self.init(settings, logger: ServerLog(settings.logForm, level: isVerbose ? .debug : .info).logger())
    }

    /// Serves until it is stopped: by a signal where `signals` is set, or by cancellation of a graceful kind
    /// (swift-service-lifecycle). Requests under way get `limits.grace` to end.
    ///
    /// - Parameter ready: Called once, when requests are answered.
    package func run(signals: Bool, ready: @escaping @Sendable (Site) async -> Void) async throws {
        try check()
        let lock = try DataDirectory(settings.data)
        let addressFile = settings.data.appending(ServerStatus.addressFile)
        defer {
            try? Files.remove(addressFile)
            withExtendedLifetime(lock) {}
        }
        let metrics = Metrics()
        let doorman = Doorman(metrics: metrics)
        let hotPaths = HotPaths()
        let (made, maker) = AsyncStream<Result<[any Face], any Error>>.makeStream()
        let application = Application(
            responder: doorman, server: try channel(metrics, hotPaths),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.address.host, port: settings.address.port), serverName: "martlet",
                backlog: 1024, availableConnectionsDelegate: .maximum(settings.limits.connections, logger: quiet)),
            onServerRunning: { listener in
                // The address is bound and nobody was answered yet: now its port is known.
                do {
                    let url = url(port: listener.localAddress?.port ?? settings.address.port)
                    let site = Site(
                        data: settings.data, url: url, isLocal: settings.isLocal, logger: logger, metrics: metrics)
                    try await make(on: site)
                    doorman.open(site.faces)
                    // Who wants every request in the log gets it, and waits for it.
                    if logger.logLevel > .debug {
                        hotPaths.open(site.faces.flatMap(\.hotPaths), site.faces.compactMap(\.keptAnswers))
                    }
                    maker.yield(.success(site.faces))
                    try Files.write(Array((url + "\n").utf8), to: addressFile)
                    await ready(site)
                } catch {
                    maker.yield(.failure(error))
                }
                maker.finish()
            }, logger: quiet)
        var configuration = ServiceGroupConfiguration(
            // They are stopped from the last to the first: requests end before the faces do.
            services: [FaceRunner(faces: made, logger: logger), application],
            gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: quiet)
        configuration.maximumGracefulShutdownDuration = settings.limits.grace
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError {
            throw ServeError(
                .unreachable,
                "can't listen on \(settings.address): \(error); is another server there? --listen chooses another address"
            )
        }
    }

    /// Hummingbird's own log, of which problems alone are wanted.
    private var quiet: Logger {
        var logger = logger
        if logger.logLevel < .warning, logger.logLevel > .debug { logger.logLevel = .warning }
        return logger
    }

    private func check() throws(ServeError) {
        let known = kinds.map(\.name)
        for name in settings.services.keys.sorted() + (settings.only?.sorted() ?? []) where !known.contains(name) {
            throw ServeError(
                .configuration, "there is no service '\(name)'; these are there: \(known.joined(separator: ", "))")
        }
        guard known.contains(where: settings.offers) else {
            throw ServeError(.configuration, "no service is switched on; choose from: \(known.joined(separator: ", "))")
        }
    }

    private func make(on site: Site) async throws {
        do {
            for kind in kinds where settings.offers(kind.name) {
                site.add(try await kind.make(site, settings.services[kind.name] ?? FaceSettings(name: kind.name)))
            }
        } catch {
            for face in site.faces.reversed() { await face.stop() }
            throw error
        }
    }

    private func channel(_ metrics: Metrics, _ hotPaths: HotPaths) throws -> HTTPServerBuilder {
        let limits = settings.limits
        let plain = HTTPServerBuilder { responder in
            GuardedChannel(
                base: HTTP1Channel(
                    responder: responder,
                    configuration: HTTP1Channel.Configuration(
                        httpDecoderConfiguration: .init(
                            maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
                            maxHeaderFieldCount: 200))),
                limits: limits, hotPaths: hotPaths
            ) { verdict in
                metrics.add(
                    "martlet_connections_given_up_total", labels: [("reason", "\(verdict)")],
                    help: "Connections closed because their client was too slow.")
            }
        }
        guard let tls = try ServerCertificate.configuration(settings) else { return plain }
        return try .tls(plain, tlsConfiguration: tls)
    }

    private func url(port: Int) -> String {
        if let url = settings.url { return url }
        let scheme = settings.tls == .none ? "http" : "https"
        let host =
            switch settings.address.host {
            case "0.0.0.0", "::": "localhost"
            default: settings.address.host
            }
        return "\(scheme)://\(ServerSettings.Address(host: host, port: port))"
    }
}

/// The faces' work beside requests, as one service.
struct FaceRunner: Service {
    let faces: AsyncStream<Result<[any Face], any Error>>
    let logger: Logger

    func run() async throws {
        var faces: [any Face] = []
        for await result in self.faces.cancelOnGracefulShutdown() { faces = try result.get() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for face in faces {
                    group.addTask {
                        do {
                            try await face.run()
                        } catch is CancellationError {
                        } catch {
                            logger.critical("a service ended", error: error, metadata: ["face": .string(face.name)])
                            throw error
                        }
                    }
                }
                try await group.waitForAll()
            }
            try? await gracefulShutdown()
        } catch {
            for face in faces.reversed() { await face.stop() }
            throw error
        }
        for face in faces.reversed() { await face.stop() }
    }
}
