internal import ArgumentParser
internal import Build
internal import Host
internal import Reports
internal import Synchronization
internal import SystemPackage
internal import Workspace

/// The options of every command that reads a workspace.
struct WorkspaceArguments: ParsableArguments {
    @Option(
        name: [.customShort("w", allowingJoined: true), .customLong("workspace")],
        help: ArgumentHelp(
            "The workspace's root. Default: $LEEWAY_WORKSPACE_ROOT, else the nearest directory above with a WORKSPACE.yaml.",
            valueName: "dir"))
    var workspace: String?

    @Option(
        name: [.customShort("D", allowingJoined: true), .customLong("build-arg")],
        help: ArgumentHelp("Sets a build argument. Repeatable.", valueName: "name=value"))
    var arguments: [String] = []

    @Option(help: ArgumentHelp("The package variant to use.", valueName: "name"))
    var variant: String?

    @Flag(help: "Takes unknown keys and names, which Leeway ignores, for errors instead of warnings.")
    var strict = false

    @Flag(name: [.short, .long], help: "Says more.")
    var verbose = false

    /// What these options ask for.
    func projectOptions() throws -> ProjectOptions {
        var options = ProjectOptions(
            directory: try ProcessEnvironment.directory, environment: ProcessEnvironment.variables)
        options.commandLine = CommandLine.arguments
        options.root = workspace.map { FilePath($0) }
        options.variant = variant
        if strict { options.strictness = .strict }
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw CommandError.usage("-D wants name=value, not '\(argument)'")
            }
            options.arguments[String(argument[..<equals])] = String(argument[argument.index(after: equals)...])
        }
        return options
    }

    /// The last project, which the end of the process frees sooner than the end of a command could.
    private static let opened = Mutex<Project?>(nil)

    /// Opens the workspace and says what is wrong or doubtful in it.
    func open() async throws -> Project {
        let project = try await Project.open(try projectOptions())
        Self.opened.withLock { $0 = project }
        report(project)
        return project
    }

    /// Says what is wrong or doubtful in the workspace; of warnings only the first few, unless more was asked for.
    func report(_ project: Project) {
        let digest = DiagnosticDigest(project.workspace.diagnostics, isVerbose: verbose)
        for line in digest.lines { Terminal(.standardError).say(line) }
        if verbose {
            Failure.say("workspace \(project.workspace.root), \(project.workspace.packages.count) packages")
            Failure.say("cache \(project.cache.directory)")
        }
    }

    /// The workspace for a command that lists what is in it: what it prints is not the whole where there are errors.
    static func requireWhole(_ project: Project) throws {
        guard project.workspace.errors.isEmpty else { throw ExitCode(2) }
    }
}
