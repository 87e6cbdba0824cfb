internal import Attest
internal import Build
internal import Bytes
internal import HTTPTypes
internal import Host
internal import Logging
internal import ServiceLifecycle
internal import Sigstore
internal import SystemPackage

/// The builds of a server: takes requests, has them done one after the other, each by a process of its own, and keeps
/// what came of them.
actor BuildService {
    let settings: BuildServiceSettings
    nonisolated let shelf: BuildShelf
    private let signer: BuildSigner
    private let site: Site
    /// The program that workers are: this one.
    private let program: String
    /// All builds that are kept, by their names; oldest first in `order`.
    private var records: [String: BuildRecord] = [:]
    private var order: [String] = []
    /// Ends a build that runs.
    private var cancellers: [String: AsyncStream<Void>.Continuation] = [:]
    /// Wakes who waits for work.
    private let work: AsyncStream<Void>
    private let worker: AsyncStream<Void>.Continuation
    /// Whether the disk had no room when something was last written.
    private(set) var isFull = false

    init(
        _ settings: BuildServiceSettings, signer: BuildSigner, site: Site, program: String = "/proc/self/exe"
    ) async throws {
        self.settings = settings
        self.signer = signer
        self.site = site
        self.program = program
        let directory = try site.directory("builds")
        // Workers and their sandboxes are elsewhere, where a path from here would mean something else.
        let shelf = BuildShelf(root: ToolPath.resolve(directory) ?? directory)
        self.shelf = shelf
        (work, worker) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        for record in try await FileThreads.run({ try shelf.recover(at: try AuthoritySite.now()) }) {
            records[record.id] = record
            order.append(record.id)
        }
        worker.yield()
    }

    // MARK: Requests

    /// Takes a request; gives its record and the secret by which its client reads it.
    func create(_ request: BuildRequest, by client: BuildClients.Client) async throws -> (BuildRecord, access: String) {
        try settings.check(request)
        let open = records.values.filter { !$0.state.isFinal }.count
        guard open < settings.waiting + settings.concurrent else {
            throw Refusal.unavailable("\(open) builds are waiting already", retryAfter: 30)
        }
        let access = Self.random()
        let record = BuildRecord(
            id: Self.random(), request: request, requester: client.description, access: Digest.of(access),
            created: try AuthoritySite.now())
        // Counted before anything is waited for.
        records[record.id] = record
        order.append(record.id)
        do {
            try await onDisk { [shelf] in try shelf.create(record) }
        } catch {
            forget(record.id)
            throw error
        }
        site.metrics.add("martlet_builds_total", help: "Builds that were asked for.")
        site.logger("builds").info(
            "build asked for", metadata: ["id": .string(record.id), "by": .string(record.requester)])
        await removeOldest()
        worker.yield()
        return (record, access)
    }

    /// The build of this name, for whoever has its secret. One that is not there is as one that is somebody else's.
    func record(_ id: String, access: String) throws -> BuildRecord {
        guard let record = records[id], Digest.of(access) == record.access else {
            throw Refusal(.notFound, "there is no such build, or it is not yours", code: "unknown")
        }
        return record
    }

    /// The builds of a client, newest first.
    func records(of client: BuildClients.Client) -> [BuildRecord] {
        order.reversed().compactMap { records[$0] }.filter { $0.requester == client.description }
    }

    /// The sources of a build have come.
    func sourcesCame(_ id: String) async throws {
        guard records[id]?.state == .waiting else {
            throw Refusal(.conflict, "this build waits for no sources", code: "state")
        }
        try await change(id) { $0.state = .queued }
        worker.yield()
    }

    /// Ends a build that has not ended.
    func cancel(_ id: String) async throws {
        guard let record = records[id], !record.state.isFinal else { return }
        if let canceller = cancellers[id] {
            canceller.yield()
        } else {
            try await end(id, .cancelled, "it was cancelled")
        }
    }

    // MARK: Work

    /// Does builds until the server stops; those that run then are interrupted.
    nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<settings.concurrent {
                group.addTask { await self.workAlways() }
            }
            try? await gracefulShutdown()
            group.cancelAll()
        }
    }

    private nonisolated func workAlways() async {
        while !Task.isCancelled {
            if let record = await next() {
                await build(record)
                await shelfCleared(record.id)
            } else {
                guard await waitForWork() else { return }
            }
        }
    }

    private func waitForWork() async -> Bool {
        var iterator = work.makeAsyncIterator()
        return await iterator.next(isolation: self) != nil
    }

    /// The oldest build that is queued, which runs from now on.
    private func next() async -> BuildRecord? {
        guard let id = order.first(where: { records[$0]?.state == .queued }) else { return nil }
        let now = try? AuthoritySite.now()
        do {
            try await change(id) {
                $0.state = .running
                $0.started = now
            }
        } catch {
            records[id]?.state = .failed
            records[id]?.message = "the server could not write that the build began"
        }
        // One word may have stood for several builds.
        if order.contains(where: { records[$0]?.state == .queued }) { worker.yield() }
        return records[id]
    }

    private func shelfCleared(_ id: String) async {
        try? await FileThreads.run { [shelf] in shelf.removeWorkplace(id) }
        // Another may wait.
        worker.yield()
    }

    private nonisolated func build(_ record: BuildRecord) async {
        guard record.state == .running else { return }
        let (cancelled, canceller) = AsyncStream<Void>.makeStream()
        await started(record.id, canceller)
        let seconds = settings.buildSeconds
        let ending = await withTaskGroup(of: Ending.self) { group in
            group.addTask { await self.ending(of: record) }
            group.addTask {
                for await _ in cancelled { return Ending(state: .cancelled, message: "it was cancelled") }
                return Ending(state: .interrupted, message: "the server ended while the build ran")
            }
            group.addTask {
                guard (try? await Task.sleep(for: .seconds(seconds))) != nil else {
                    return Ending(state: .interrupted, message: "the server ended while the build ran")
                }
                return Ending(
                    state: .failed, message: "it took longer than the \(seconds) seconds that a build may take")
            }
            let first = await group.next() ?? Ending(state: .interrupted)
            group.cancelAll()
            return first
        }
        await ended(record.id, ending)
    }

    /// How a build ended. A struct on purpose: Swift 6.3's optimiser breaks task groups of tuples.
    private struct Ending: Sendable {
        var state: BuildRecord.State
        var message: String?
        var artifact: Digest?
    }

    private func started(_ id: String, _ canceller: AsyncStream<Void>.Continuation) { cancellers[id] = canceller }

    private func ended(_ id: String, _ ending: Ending) async {
        cancellers[id] = nil
        site.metrics.add(
            "martlet_builds_ended_total", labels: [("state", ending.state.rawValue)], help: "Builds that have ended.")
        if let message = ending.message { try? await append("\(message)\n", to: id) }
        do {
            try await end(id, ending.state, ending.message, ending.artifact)
        } catch {
            site.logger("builds").error(
                "the end of a build was not written", metadata: ["id": .string(id), "error": "\(error)"])
        }
    }

    private nonisolated func ending(of record: BuildRecord) async -> Ending {
        do {
            let artifact = try await BuildRun(
                record: record, settings: settings, shelf: shelf, signer: signer, program: program
            ).run()
            return Ending(state: .succeeded, artifact: artifact)
        } catch is CancellationError {
            return Ending(state: .interrupted, message: "the server ended while the build ran")
        } catch {
            return Ending(
                state: Task.isCancelled ? .interrupted : .failed,
                message: Task.isCancelled ? "the server ended while the build ran" : "\(error)")
        }
    }

    private nonisolated func append(_ text: String, to id: String) async throws {
        try await FileThreads.run { [shelf] in try shelf.append(text, to: id) }
    }

    // MARK: Records

    private func end(
        _ id: String, _ state: BuildRecord.State, _ message: String?, _ artifact: Digest? = nil
    ) async throws {
        let now = try AuthoritySite.now()
        try await change(id) {
            $0.state = state
            $0.message = message
            $0.artifact = artifact
            $0.finished = now
        }
    }

    /// Changes a record here and on disk.
    private func change(_ id: String, _ body: (inout BuildRecord) -> Void) async throws {
        guard var record = records[id] else { return }
        body(&record)
        let changed = record
        records[id] = changed
        try await onDisk { [shelf] in try shelf.write(changed) }
    }

    private func onDisk(_ body: @escaping @Sendable () throws -> Void) async throws {
        do {
            try await FileThreads.run(body)
            isFull = false
        } catch let error as HostError where error.code == .noSpace {
            isFull = true
            throw error
        }
    }

    private func forget(_ id: String) {
        records[id] = nil
        order.removeAll { $0 == id }
    }

    /// Makes room: the oldest of those that have ended go first.
    private func removeOldest() async {
        let done = order.filter { records[$0]?.state.isFinal == true }
        for id in done.prefix(max(0, done.count - settings.kept)) {
            forget(id)
            try? await FileThreads.run { [shelf] in try shelf.remove(id) }
        }
    }

    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
}
