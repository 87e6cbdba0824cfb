internal import ArgumentParser
internal import Build
internal import Host
internal import Workspace

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Runs a command in the directories of packages, those that others need first.",
        discussion: """
            Example: martlet exec --filter-type go -- go get -u {}

            {} becomes the package's full name, or the component's with --components. Without --package all packages \
            are meant. Exit status: 0 every run succeeded, 1 one failed, 2 wrong usage or configuration.
            """)

    @Option(help: ArgumentHelp("Starts at this package. Repeatable.", valueName: "package"))
    var package: [String] = []

    @Flag(help: "Adds the packages that the chosen ones depend on directly.")
    var dependencies = false

    @Flag(help: "Adds the packages that the chosen ones depend on, directly or through others.")
    var transitiveDependencies = false

    @Flag(help: "Adds the packages that depend on the chosen ones directly.")
    var dependants = false

    @Flag(help: "Adds the packages that depend on the chosen ones, directly or through others.")
    var transitiveDependants = false

    @Flag(help: "Runs once in each component instead of once for each package.")
    var components = false

    @Option(help: ArgumentHelp("Only packages of this type. Repeatable.", valueName: "type"))
    var filterType: [PackageType] = []

    @Option(help: ArgumentHelp("Only packages whose full name matches.", valueName: "regex"))
    var filterName: String?

    @Flag(help: "Runs again whenever sources change.")
    var watch = false

    @Flag(help: "Runs everywhere at once; a failure doesn't stop the others.")
    var parallel = false

    @Option(
        name: [.customShort("j", allowingJoined: true), .customLong("max-concurrent-tasks")],
        help: ArgumentHelp("Runs at the same time with --parallel; 0 means all.", valueName: "n"))
    var maxConcurrentTasks = 0

    @Flag(help: "Leaves out the prefix of each line, and gives the command the terminal.")
    var rawOutput = false

    @Option(
        help: ArgumentHelp(
            "Passes over places where the command succeeded under this key and nothing changed since.",
            valueName: "key"))
    var cacheKey: String?

    @OptionGroup var workspace: WorkspaceArguments

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String]

    func validate() throws {
        guard maxConcurrentTasks >= 0 else { throw ValidationError("-j wants a number from 0") }
        guard !arguments.isEmpty else { throw ValidationError("exec needs a command") }
    }

    private var arguments: [String] { command.first == "--" ? Array(command.dropFirst()) : command }

    func run() async throws {
        try await TerminationSignals.cancelling {
            guard watch else {
                guard try await run(in: try await workspace.open()) else { throw ExitCode(1) }
                return
            }
            try await Project.watching(
                try workspace.projectOptions(),
                targets: { try request(in: $0).selection.names(in: $0.workspace) }, say: { Failure.say($0) },
                body: { _ = try await run(in: $0) })
        }
    }

    private func request(in project: Project) throws -> WorkspaceCommand {
        var selection = PackageSelection()
        selection.packages = package.isEmpty ? [] : try project.targets(package)
        selection.dependencies = dependencies
        selection.transitiveDependencies = transitiveDependencies
        selection.dependants = dependants
        selection.transitiveDependants = transitiveDependants
        selection.types = Set(filterType)
        selection.namePattern = filterName
        var request = WorkspaceCommand(arguments: arguments, selection: selection)
        request.byComponent = components
        request.parallel = parallel ? maxConcurrentTasks : nil
        request.rawOutput = rawOutput
        request.cacheKey = watch ? nil : cacheKey
        return request
    }

    /// Whether every run succeeded.
    private func run(in project: Project) async throws -> Bool {
        let failures = try await request(in: project).run(in: project) { Output.write($0) }
        for failure in failures { Failure.say(failure.description) }
        return failures.isEmpty
    }
}

extension PackageType: ExpressibleByArgument {
    package init?(argument: String) { self.init(named: argument) }
}
