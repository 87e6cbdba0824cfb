internal import ArgumentParser
internal import Build
internal import Host
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

    @Flag(help: "Builds twice, from nothing and under varied conditions, and reports every file that differs.")
    var check = false

    mutating func run() async throws {
        let command = self
        try await TerminationSignals.cancelling { try await command.build() }
    }

    private func build() async throws {
        let project = try await Project.open(try workspace.projectOptions())
        let names = try project.targets(targets)
        let environment = project.options.environment
        let options = try execution.buildOptions(environment: environment)
        if check {
            try await Self.check(project, names, options)
            return
        }
        let session = BuildSession(project: project, reports: try reports.choice(environment: environment))
        let outcome = try await session.build(names, options)
        guard outcome.succeeded else { throw ExitCode(1) }
        guard let save else { return }
        guard names.count == 1, let name = names.first, let built = outcome.built[name] else {
            throw CommandError.usage("--save wants exactly one package")
        }
        let saved = try project.save(built, to: FilePath(save), embedding: !noEmbed, format: provenanceFormat)
        print("saved \(name) as \(save) (artifact \(saved.digest))")
        if let sidecar = saved.sidecar { print("its provenance is in \(sidecar)") }
    }

    private static func check(_ project: Project, _ names: [PackageName], _ options: BuildOptions) async throws {
        let check = try await project.check(names, options)
        for difference in check.differences { print(difference) }
        print("\(check.confirmed.count) packages are the same twice, \(check.differingPackages.count) are not")
        guard check.differences.isEmpty else { throw ExitCode(1) }
    }
}
