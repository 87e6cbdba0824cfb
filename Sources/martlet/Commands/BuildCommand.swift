internal import ArgumentParser
internal import Build
internal import Bytes
internal import Host
internal import Inventory
internal import Reports
internal import SystemPackage
internal import Workspace

struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Builds packages and everything that they need.",
        discussion: """
            Example: martlet build components/server:app --save server.tar.gz

            Without a target it builds the workspace's defaultTarget. Exit status: 0 built, 1 failed, 2 wrong usage or \
            configuration, 3 something needed was not to be had.
            """)

    @Argument(help: "Packages, as component:name. :name means a package of the directory that you are in.")
    var targets: [String] = []

    @OptionGroup var workspace: WorkspaceArguments
    @OptionGroup var execution: ExecutionArguments
    @OptionGroup var reports: ReportArguments

    @Option(
        help: ArgumentHelp(
            "Writes the artifact as an archive: .tar, .tar.gz or .tar.zst by its name.", valueName: "file"))
    var save: String?

    @Flag(help: "Saves the bare archive, and its provenance bundle beside it.")
    var noEmbed = false

    @Option(help: "The shape of the provenance that is saved: slsa-v1 or leeway-v0.2.")
    var provenanceFormat: ProvenanceFormat = .slsa

    @OptionGroup(title: "Signing") var signing: BuildSigningArguments

    @OptionGroup(title: "Build service") var remote: BuildServiceArguments

    @Flag(help: "Builds twice, from nothing and under varied conditions, and reports every file that differs.")
    var check = false

    @Flag(
        help:
            "First looks for known vulnerabilities in what lock files name, and builds only where none closes the gate."
    )
    var scan = false

    @Flag(help: "Shows what would be built, and stops.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Writes what has to be built as a JSON array of steps, each an array of packages; - means standard output.",
            valueName: "file"))
    var dumpPlan: String?

    @Flag(help: "Builds again whenever something changes.")
    var watch = false

    @Flag(help: "Prints a JSON document about the build on standard output.")
    var json = false

    @OptionGroup(visibility: .hidden) var leeway: LeewayArguments

    func validate() throws {
        let actions = [check, dryRun, watch].filter { $0 }
        guard actions.count < 2 else { throw ValidationError("use one of --check, --dry-run and --watch") }
        guard remote.service == nil || (actions.isEmpty && !signing.isWanted && !scan && !noEmbed) else {
            throw ValidationError("a build service signs for itself, and takes none of these options")
        }
        guard !signing.isWanted || !(check || dryRun) else {
            throw ValidationError("--check and --dry-run sign nothing")
        }
        guard !(json && dumpPlan == "-") else { throw ValidationError("--json and --dump-plan - both want the output") }
    }

    mutating func run() async throws {
        leeway.warn()
        let command = self
        try await TerminationSignals.cancelling {
            if let service = command.remote.service { return try await command.buildThere(service) }
            guard let request = try await command.signing.request() else { return try await command.work(nil) }
            // Started before anything that the workspace has a say in.
            try await SigningProcess.running(request) { try await command.work($0) }
        }
    }

    /// Has a build service build.
    private func buildThere(_ address: String) async throws {
        let (request, pack) = try await remote.request(targets, workspace, dontTest: execution.dontTest)
        let credential = try remote.credential(try signing.signing.identityTokenText())
        let (json, quiet) = (json, reports.quiet)
        let outcome = try await signing.signing.trust.withClient { client in
            try await BuildServiceClient(address, client: client, credential: credential).build(
                request, pack: pack, save: save.map { FilePath($0) }
            ) { bytes in
                if !quiet { try? Terminal(.standardError).write(String(decoding: bytes, as: UTF8.self)) }
            }
        }
        if json { Output.write(outcome.json) }
        guard outcome.succeeded else {
            throw CommandError.no("the service did not build it: \(outcome.message?.safeForTerminal ?? "no reason")")
        }
        guard let save else { return }
        let screen = Terminal(json ? .standardError : .standardOutput)
        screen.say("saved \(request.target) as \(save) (artifact \(outcome.artifact ?? ""))")
        screen.say("its Sigstore bundle is in \(save).sigstore.json")
    }

    private func work(_ process: SigningProcess?) async throws {
        if watch { try await buildAgainAndAgain(process) } else { try await buildOnce(process) }
    }

    private func buildAgainAndAgain(_ process: SigningProcess?) async throws {
        try await Project.watching(
            try workspace.projectOptions(), targets: { try $0.targets(targets) }, say: { Failure.say($0) },
            body: { project in
                workspace.report(project)
                try await build(project, process)
            })
    }

    private func buildOnce(_ process: SigningProcess?) async throws {
        guard try await build(try await workspace.open(), process) else { throw ExitCode(1) }
    }

    /// Does what was asked for; `false` when a package could not be built.
    @discardableResult
    private func build(_ project: Project, _ process: SigningProcess?) async throws -> Bool {
        let names = try project.targets(targets)
        var options = try execution.buildOptions(environment: project.options.environment)
        options.signatures = process.map { StatementSignatures($0, cache: project.cache) }
        options.needsStatements = save != nil
        guard !check else { return try await build(project, names, options) }
        return try await execution.remote.withCache(
            execution.cache, for: project, building: options, sourceURI: leeway.slsaSourceUri
        ) { options in
            try await build(project, names, options)
        }
    }

    private func build(_ project: Project, _ names: [PackageName], _ options: BuildOptions) async throws -> Bool {
        if check {
            try await Self.check(project, names, options)
            return true
        }
        var choice = try reports.choice(environment: project.options.environment)
        if json { choice.summary = { Output.write($0) } }
        let session = BuildSession(project: project, reports: choice)
        if dryRun || dumpPlan != nil {
            try show(try await session.plan(names, options))
            if dryRun { return true }
        }
        if scan { try Self.scan(names, in: project) }
        let outcome = try await session.build(names, options)
        guard outcome.succeeded else { return false }
        if save != nil { try await saveArtifact(of: names, outcome, in: project, options.signatures) }
        return true
    }

    /// Ends the command where a vulnerability closes the gate.
    private static func scan(_ names: [PackageName], in project: Project) throws {
        guard let now = Timestamp(seconds: Clocks.nowNanoseconds() / 1_000_000_000) else {
            throw CommandError.usage("this machine's clock is beyond the year 9999")
        }
        for verdict in try project.scan(names, at: now) {
            Terminal(.standardError).say(verdict.report.text)
            if verdict.isBlocked {
                throw CommandError.no(
                    "\(verdict.target) has known vulnerabilities; update what it needs, or add a rule")
            }
        }
    }

    private func show(_ plan: PlanReport) throws {
        if let dumpPlan, dumpPlan != "-" { try Files.write(Array(plan.steps.utf8), to: FilePath(dumpPlan)) }
        if dumpPlan == "-" { Output.write(plan.steps) }
        guard dryRun else { return }
        if json { return Output.write(plan.json) }
        let screen = Terminal(dumpPlan == "-" ? .standardError : .standardOutput)
        try screen.write(plan.text(for: screen))
    }

    private func saveArtifact(
        of names: [PackageName], _ outcome: Builder.Outcome, in project: Project, _ signatures: StatementSignatures?
    ) async throws {
        guard let save, names.count == 1, let name = names.first, let built = outcome.built[name] else {
            throw CommandError.usage("--save wants exactly one package")
        }
        let saved = try await project.save(
            built, to: FilePath(save), embedding: !noEmbed, format: provenanceFormat, signatures: signatures)
        let screen = Terminal(json ? .standardError : .standardOutput)
        screen.say("saved \(name) as \(save) (artifact \(saved.digest))")
        if let sidecar = saved.sidecar { screen.say("its provenance is in \(sidecar)") }
        if let bundle = saved.signedBundle { screen.say("its Sigstore bundle is in \(bundle)") }
    }

    private static func check(_ project: Project, _ names: [PackageName], _ options: BuildOptions) async throws {
        let check = try await project.check(names, options)
        for difference in check.differences { print(difference) }
        print("\(check.confirmed.count) packages are the same twice, \(check.differingPackages.count) are not")
        guard check.differences.isEmpty else { throw ExitCode(1) }
    }
}
