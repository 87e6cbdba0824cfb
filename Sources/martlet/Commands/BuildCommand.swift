internal import ArgumentParser
internal import Build
internal import Host
internal import Reports
internal import SystemPackage

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

    mutating func run() async throws {
        let command = self
        try await TerminationSignals.cancelling { try await command.build() }
    }

    private func build() async throws {
        let project = try await Project.open(try workspace.projectOptions())
        let names = try project.targets(targets)
        let environment = project.options.environment
        let options = try execution.buildOptions(environment: environment)
        let session = BuildSession(project: project, reports: try reports.choice(environment: environment))
        let outcome = try await session.build(names, options)
        guard outcome.succeeded else { throw ExitCode(1) }
    }
}
