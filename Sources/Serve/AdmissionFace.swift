internal import Bytes
internal import Host
internal import Hummingbird
internal import Keys
internal import Policy
internal import Registry
internal import ServiceLifecycle
internal import Sigstore
internal import Synchronization
internal import SystemPackage

/// Kubernetes' admission webhooks: `/admission/mutate` ties tags to digests, `/admission/validate` holds images against
/// policies.
///
/// Decisions are made from memory. Only the mutating webhook asks a registry, and only for images named by a tag.
final class AdmissionFace: Face {
    let name = FaceKind.admission.name
    private let url: String
    private let controller: AdmissionController
    private let folder: EvidenceFolder
    private let events: AdmissionEventFile
    /// `nil` where the server has no log.
    private let glass: BrokenGlassLog?
    /// `nil` where tags are not resolved.
    private let registry: RegistryClient?

    init(
        url: String, controller: AdmissionController, folder: EvidenceFolder, events: AdmissionEventFile,
        glass: BrokenGlassLog?, registry: RegistryClient?
    ) {
        self.url = url
        self.controller = controller
        self.folder = folder
        self.events = events
        self.glass = glass
        self.registry = registry
    }

    var notices: [FaceNotice] {
        [FaceNotice("admission", at: url + "/admission/validate", command: "cp app.sigstore.json \(folder.path)/")]
    }

    func addRoutes(to routes: Routes) {
        routes.post("/admission/mutate") { [self] request, _ in try await answer(request, .mutating) }
        routes.post("/admission/validate") { [self] request, _ in try await answer(request, .validating) }
    }

    func health() async -> FaceHealth {
        let summary = folder.summary
        if let problem = summary.problem { return .degraded("the evidence can't be read: \(problem)") }
        return summary.refused > 0 ? .degraded("\(summary.refused) bundles were not believed") : .healthy
    }

    /// Looks for new evidence every two seconds.
    func run() async throws {
        await cancelWhenGracefulShutdown { [folder] in
            while !Task.isCancelled {
                _ = try? await FileThreads.run { folder.refresh() }
                try? await Task.sleep(for: .seconds(2))
            }
        }
    }

    func stop() async { await registry?.close() }

    private func answer(_ request: Request, _ webhook: AdmissionController.Webhook) async throws -> Response {
        let body = try await request.bytes(limit: AdmissionRequest.greatestLength)
        let review: AdmissionRequest
        do {
            review = try AdmissionRequest(parsing: body)
        } catch {
            throw Refusal(.badRequest, error.message)
        }
        var known: [String: ImageResolution] = [:]
        if webhook == .mutating {
            for image in controller.unpinnedImages(of: review) { known[image.text] = await resolve(image) }
        }
        guard let now = Timestamp(seconds: Clocks.nowNanoseconds() / 1_000_000_000) else {
            throw Refusal.unavailable("the clock is wrong")
        }
        let resolutions = known
        let outcome = controller.review(review, webhook, store: folder, at: now) { image in
            resolutions[image.text] ?? .unreachable("it was not asked for")
        }
        // Whoever breaks the glass must leave a record: without one he is not let in.
        let events = outcome.events
        if !events.isEmpty {
            do {
                try await FileThreads.run { [file = self.events] in try file.append(events) }
                if let glass {
                    for event in events where event.kind == .brokeGlass { try await glass.record(event) }
                }
            } catch {
                throw Refusal.unavailable("the decision could not be recorded")
            }
        }
        return Response.json(outcome.review)
    }

    private func resolve(_ image: ImageName) async -> ImageResolution {
        guard let registry else { return .unreachable("tags are not resolved here; set 'resolve: true'") }
        do {
            let reference = try Reference(image.text)
            let found = try await registry.repository(reference).resolve(.tag(reference.tag ?? Reference.usualTag))
            return .digest(found.digest.description)
        } catch let error as RegistryError {
            return error.code == .absent ? .absent : .unreachable(error.description)
        } catch {
            return .unreachable("\(error)")
        }
    }
}

/// The record of decisions: lines of JSON that are on the disk before anybody is let in.
final class AdmissionEventFile: Sendable {
    private let path: FilePath
    /// Guards the order of lines in the file; no other lock is taken while it is held.
    private let lock = Mutex(())

    init(_ path: FilePath) { self.path = path }

    func append(_ events: [AdmissionEvent]) throws {
        // Denials and passes are in the metrics and the log; what went against the policies is kept.
        let kept = events.filter { $0.kind == .brokeGlass || $0.kind == .warned }
        guard !kept.isEmpty else { return }
        let lines = kept.flatMap { event -> [UInt8] in event.json.bytes() + [0x0A] }
        try lock.withLock { _ in
            let file = try OpenFile(updating: path, mode: 0o600)
            try file.seek(to: try file.status().size)
            try file.write(lines)
            try file.synchronize()
        }
    }
}

extension FaceKind {
    /// Kubernetes' admission webhooks.
    package static let admission = FaceKind(
        name: "admission", summary: "decides which images may run on Kubernetes"
    ) { site, settings in
        try settings.check(known: ["policies", "trustedRoot", "unmatched", "breakGlassGroups", "evidence", "resolve"])
        let directory = try site.directory("admission")
        func place(_ text: String) -> FilePath {
            let path = FilePath(text)
            return path.isAbsolute ? path : directory.pushing(path)
        }
        let files = try settings.strings("policies") ?? []
        let root = try settings.string("trustedRoot").map {
            try TrustedRoot(parsing: Files.read(place($0), limit: 8 << 20))
        }
        let policies = try files.flatMap { try ArtifactPolicy.read(place($0)) }
        var controller = try AdmissionController(policies: policies)
        if let word = try settings.string("unmatched") {
            guard let unmatched = AdmissionController.UnmatchedImages(rawValue: word) else {
                throw ServeError(.configuration, "services.admission.unmatched is deny, warn or allow")
            }
            controller.unmatched = unmatched
        }
        if let groups = try settings.strings("breakGlassGroups") { controller.breakGlass = .init(groups: Set(groups)) }
        let evidence = place(try settings.string("evidence") ?? "evidence")
        try Files.createDirectories(evidence, mode: 0o700)
        let folder = EvidenceFolder(evidence, policies: policies, trustedRoot: root)
        try await FileThreads.run { folder.refresh() }
        let log = controller.breakGlass == nil ? nil : site.face(LogFace.self)?.service
        let key = try await FileThreads.run {
            try log.map { _ in try ServiceKeys.key("admission", .ecdsaP256, in: directory) }
        }
        let resolves = try settings.bool("resolve") ?? false
        return AdmissionFace(
            url: site.url, controller: controller, folder: folder,
            events: AdmissionEventFile(directory.appending("events.jsonl")),
            glass: log.flatMap { log in key.map { BrokenGlassLog(log: log, key: $0) } },
            registry: resolves
                ? RegistryClient(RegistrySettings(userAgent: "martlet", environment: ProcessEnvironment.variables))
                : nil)
    }
}
