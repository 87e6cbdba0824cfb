internal import Attest
internal import Bytes
internal import Git
internal import Host
internal import Sandbox
internal import Sigstore
internal import SystemPackage
internal import Workspace

/// The process that does one build of a build service: fetches the sources, runs the steps, writes the statements, and
/// has the service sign them. It has no key, no token, and no say in whether a statement is signed.
package enum BuildWorker {
    /// The command that a worker is run by.
    package static let commandName = "work-on-build"

    /// Does the build that the process which started this one asks for.
    /// - Parameter reporter: makes what turns events into lines, which it is to hand on.
    package static func run(
        reporter: @escaping @Sendable (@escaping @Sendable (String) -> Void) -> @Sendable (BuildEvent) -> Void
    ) async throws {
        try ProcessPrivacy.closeMemory()
        let conversation = try Conversation.withParent()
        // Steps end with this process, and so with a server that was killed.
        try conversation.endProcessWithOtherSide()
        guard let first = try await conversation.receive() else { return }
        let service = ServiceConversation(conversation)
        do {
            guard let job = BuildJob(first) else { throw BuildError(.configuration, "this is no job for a worker") }
            let artifact = try await work(on: job, service, reporter)
            await service.finish(["done": ["artifact": .string(artifact.hex)]])
        } catch {
            await service.finish(["failed": .string("\(error)")])
        }
    }

    private static func work(
        on job: BuildJob, _ service: ServiceConversation,
        _ reporter: @Sendable (@escaping @Sendable (String) -> Void) -> @Sendable (BuildEvent) -> Void
    ) async throws -> Digest {
        let sources = job.directory.appending("source")
        service.say("fetching \(job.request.commit)\n")
        try await checkout(job).make(in: sources)

        var options = ProjectOptions(
            directory: sources.pushing(FilePath(job.request.directory)),
            environment: ["PATH": job.searchPath, "MARTLET_CACHE_DIR": job.directory.appending("cache").string])
        options.root = options.directory
        options.variant = job.request.variant
        options.arguments = job.request.arguments
        options.isServed = true
        let cache = try ProjectCache(job.directory.appending("cache"), environment: options.environment)
        // Before anything of the workspace is looked at: some of its files are programs.
        guard try await cache.sandbox(off: false).level == .full else {
            throw BuildError(
                .unavailable, "this machine can't keep steps apart: \(cache.weakness ?? "overlays are missing")")
        }
        let project = try await Project.open(options)
        for line in DiagnosticDigest(project.workspace.diagnostics, isVerbose: false).lines {
            service.say(line + "\n")
        }
        let target = job.request.target
        var building = BuildOptions(jobs: job.jobs)
        building.dontTest = job.request.withoutTests
        building.timeLimit = job.timeLimit
        building.service = job.service
        let signatures = StatementSignatures(service, cache: project.cache)
        building.signatures = signatures
        let builder = try await project.builder(building, for: [target])
        let plan = try await builder.plan([target])
        try ServedWorkspace(project.workspace, mayFetch: job.mayFetch).check(plan, builder.packages)
        let report = reporter { service.say($0) }
        let outcome = try await builder.build(plan, onEvent: report)
        guard outcome.succeeded, let built = outcome.built[target] else {
            let failure = outcome.failures.min { $0.key < $1.key }
            throw failure?.value ?? BuildError(.missing, "was not built", package: target)
        }
        let file = job.directory.appending(BuildJob.artifact)
        let saved = try await project.save(built, to: file, embedding: true, format: .slsa, signatures: signatures)
        return saved.digest
    }

    private static func checkout(_ job: BuildJob) throws -> GitCheckout {
        let source: GitCheckout.Source
        switch job.request.source {
        case .repository(let address, let ref): source = .repository(address, ref: ref)
        case .upload(let digest):
            guard let pack = job.pack, try Files.digest(of: pack).digest == digest else {
                throw BuildError(.configuration, "the pack is not the one that the request names")
            }
            source = .pack(pack)
        }
        var checkout = GitCheckout(source, commit: job.request.commit)
        checkout.packLimit = job.packLimit
        return checkout
    }
}

/// What a worker says to its service, in order.
private final class ServiceConversation: BundleSigner {
    private let conversation: Conversation
    private let lines: AsyncStream<String>.Continuation
    private let speaking: Task<Void, Never>

    init(_ conversation: Conversation) {
        self.conversation = conversation
        let (stream, continuation) = AsyncStream<String>.makeStream()
        lines = continuation
        // Ends with the stream, which `finish` waits for.
        speaking = Task {
            for await text in stream {
                let message: JSON = ["log": .string(text)]
                try? await conversation.send(message.bytes())
            }
        }
    }

    /// Hands on a part of the log.
    func say(_ text: String) { lines.yield(text) }

    /// The last word, behind everything that was said.
    func finish(_ message: JSON) async {
        lines.finish()
        await speaking.value
        try? await conversation.send(message.bytes())
    }

    // MARK: Signing

    var name: String { "service" }

    func bundle(around statement: [UInt8]) async throws -> UnverifiedBundle {
        let question: JSON = ["sign": .string(Base64.encode(statement))]
        let answer = try JSON(parsing: try await conversation.ask(question.bytes()))
        if let refusal = answer["refused"]?.stringValue {
            throw BuildError(.unavailable, "the service does not sign: \(refusal)")
        }
        guard let bundle = answer["bundle"] else { throw BuildError(.unavailable, "the service gave no signature") }
        return try UnverifiedBundle(bundle)
    }

    /// The stores are the build's own, and hold what was signed minutes ago.
    func check(_ bundle: UnverifiedBundle) {}
}
