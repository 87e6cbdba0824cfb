internal import ArgumentParser
internal import Build
internal import Bytes
internal import Host
internal import Inventory
internal import Keys
internal import Policy
internal import Registry
internal import Release
internal import Reports
internal import SystemPackage
internal import Wire
internal import Workspace

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Builds, signs and publishes archives and images, and says how to check them.",
        discussion: """
            Example: martlet release 1.2.0 --sign --key release.key

            release.yaml in the workspace says what is released and where it goes. Everything is built and signed, and held \
            against the policies, before anything is published; the signed statement of the release is published last, so \
            that what is broken off is no release. The same version again does nothing, or is refused where its contents \
            would be others. Exit status: 0 released, 1 a package failed, a policy denies, or this version is released with \
            other contents, 2 wrong usage or configuration, 3 something was not to be had.
            """)

    @Argument(help: "The version: letters, digits, dots, underscores and hyphens.")
    var version: String

    @Option(
        help: ArgumentHelp(
            "What is released. Default: release.yaml in the workspace's root.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            """
            Where files go, whatever the definition says: a folder, or an address that takes PUT, with the field \
            Authorization from $MARTLET_RELEASE_AUTHORIZATION.
            """, valueName: "place"))
    var to: String?

    @Option(
        help: ArgumentHelp(
            "A policy that must allow everything, beside those of the definition. Repeatable.",
            valueName: "file"))
    var policy: [String] = []

    @Option(
        help: ArgumentHelp(
            "How the printed commands name the public key. Default: KEY.pub.", valueName: "file"))
    var publicKey: String?

    @Option(
        help: ArgumentHelp(
            "The registry that images go to, whatever the definition says, for rehearsals.", valueName: "host"))
    var imageRegistry: String?

    @Flag(help: "Shows what would be built and published, and stops.")
    var dryRun = false

    @Flag(help: "Prints JSON.")
    var json = false

    @OptionGroup var workspace: WorkspaceArguments
    @OptionGroup var execution: ExecutionArguments
    @OptionGroup var reports: ReportArguments
    @OptionGroup(title: "Signing") var signing: BuildSigningArguments
    @OptionGroup(title: "Registries") var registry: RegistryArguments

    func validate() throws {
        guard dryRun || signing.isWanted else {
            throw ValidationError("a release is signed; give --sign with --key, or --keyless")
        }
    }

    mutating func run() async throws {
        let command = self
        try await TerminationSignals.cancelling {
            guard !command.dryRun, let request = try await command.signing.request() else {
                return try await command.work(nil)
            }
            // Started before anything that the workspace has a say in.
            try await SigningProcess.running(request) { try await command.work($0) }
        }
    }

    private func work(_ process: SigningProcess?) async throws {
        let project = try await workspace.open()
        let file =
            config.map { FilePath($0) } ?? project.workspace.root.appending(ReleaseDefinition.fileName)
        var definition = try ReleaseDefinition.read(file)
        if let to { definition.place = to }
        if let imageRegistry { try definition.move(to: imageRegistry) }
        definition.policies += policy.map { FilePath($0) }
        let web = HTTPClient(try registry.settings().wire)
        do {
            try await registry.withClient { client in
                let release = try Release(
                    definition, version: version, place: try place(definition.place, web), project: project,
                    registry: client)
                if let process {
                    try await make(release, project, process)
                } else {
                    try await show(release, project)
                }
            }
        } catch {
            await web.close()
            throw error
        }
        await web.close()
    }

    private func place(_ text: String?, _ client: HTTPClient) throws -> ReleasePlace? {
        guard let text else { return nil }
        guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
            return .folder(FilePath(text))
        }
        let authorization = ProcessEnvironment.variables["MARTLET_RELEASE_AUTHORIZATION"]
        return .web(client, try HTTPURL(text), authorization: authorization)
    }

    private func make(_ release: Release, _ project: Project, _ process: SigningProcess) async throws {
        var options = try execution.buildOptions(environment: project.options.environment)
        let signatures = StatementSignatures(process, cache: project.cache)
        options.signatures = signatures
        options.needsStatements = true
        // A policy that can't be read is found before an hour's build.
        let judge = try await judge(release.definition)
        let session = BuildSession(
            project: project, reports: try reports.choice(environment: project.options.environment))
        let built = try await execution.remote.withCache(execution.cache, for: project, building: options) { options in
            try await session.build(try release.packages(), options)
        }
        guard built.succeeded else { throw ExitCode(1) }
        let outcome = try await release.run(
            built.built, signatures: signatures,
            metadata: BillMetadata(
                environment: ProcessEnvironment.variables, version: MartletProgram.version),
            judge: judge,
            temporary: FilePath(ProcessEnvironment.variables["TMPDIR"] ?? "/tmp"))
        try tell(outcome, of: release)
        guard outcome.isAllowed else {
            throw CommandError.no("a policy denies it, so nothing was published")
        }
    }

    private func judge(_ definition: ReleaseDefinition) async throws -> Release.Judge {
        var arguments = try VerificationArguments.parse([])
        arguments.trustedRoot = signing.signing.trustedRoot
        let root = try await arguments.readTrustedRoot(VerificationArguments.trustedRootVariable)
        let run = try PolicyRun(
            policyFiles: definition.policies.map(\.string), trustedRoot: root,
            now: try TrustArguments.clock())
        return Release.Judge(run.policies, trustedRoot: run.trustedRoot, now: run.now)
    }

    private func show(_ release: Release, _ project: Project) async throws {
        let plan = try await release.plan()
        let session = BuildSession(
            project: project, reports: try reports.choice(environment: project.options.environment))
        let options = try execution.buildOptions(environment: project.options.environment)
        let build = try await execution.remote.withCache(execution.cache, for: project, building: options) { options in
            try await session.plan(try release.packages(), options)
        }
        if json { return Output.write(plan.json) }
        let screen = Terminal(.standardOutput)
        try screen.write(build.text(for: screen))
        Output.write(plan.text)
    }

    private func tell(_ outcome: Release.Outcome, of release: Release) throws {
        let guide = try ReleaseGuide(outcome.stage, key: publicKey)
        if json { return Output.write(outcome.json(release, guide)) }
        let screen = Terminal(.standardOutput)
        if !outcome.decisions.isEmpty {
            let text = DecisionText(ink: Ink(for: screen), showsAll: false)
            screen.say(
                (outcome.decisions.flatMap { text.lines($0) } + text.lines(outcome.refusals)).joined(
                    separator: "\n"))
        }
        if outcome.isAllowed {
            Output.write(outcome.text(release) + "\nWhoever gets it can check it:\n" + guide.text)
        }
    }
}
