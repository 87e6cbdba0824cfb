internal import ArgumentParser
internal import Build
internal import Host
internal import Reports
internal import Workspace

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs scripts of the workspace, after building what they need.",
        discussion: """
            Example: martlet run dev:install

            The directories of a script's dependencies are at the end of its PATH, and each is in a variable of its \
            name: DEV_TOOLS__APP for dev/tools:app. Several scripts run at the same time, each to its end. Exit status: \
            0 all succeeded, 1 one failed, 2 wrong usage or configuration.
            """)

    @Argument(help: "Scripts, as component:name.")
    var scripts: [String]

    @OptionGroup var workspace: WorkspaceArguments
    @OptionGroup var execution: ExecutionArguments
    @OptionGroup var reports: ReportArguments
    @OptionGroup(visibility: .hidden) var leeway: LeewayArguments

    func run() async throws {
        leeway.warn()
        try await TerminationSignals.cancelling {
            let project = try await workspace.open()
            let environment = project.options.environment
            let session = BuildSession(project: project, reports: try reports.choice(environment: environment))
            let options = try execution.buildOptions(environment: environment)
            let scripts = try scripts.map { try project.script($0) }
            let failures = try await execution.remote.withCache(
                execution.cache, for: project, building: options, sourceURI: leeway.slsaSourceUri
            ) { options in
                try await session.run(scripts, options)
            }
            for failure in failures { Failure.say(failure.description) }
            guard failures.isEmpty else { throw ExitCode(1) }
        }
    }
}
