internal import ArgumentParser
internal import Build
internal import Host
internal import SystemPackage

/// The options of every command that reads a workspace.
struct WorkspaceArguments: ParsableArguments {
    @Option(
        name: [.short, .customLong("workspace")],
        help: ArgumentHelp(
            "The workspace's root. Default: $LEEWAY_WORKSPACE_ROOT, else the nearest directory above with a WORKSPACE.yaml.",
            valueName: "dir"))
    var workspace: String?

    @Option(
        name: [.customShort("D"), .customLong("build-arg")],
        help: ArgumentHelp("Sets a build argument. Repeatable.", valueName: "name=value"))
    var arguments: [String] = []

    @Option(help: ArgumentHelp("The package variant to use.", valueName: "name"))
    var variant: String?

    @Flag(name: [.short, .long], help: "Says more.")
    var verbose = false

    /// What these options ask for.
    func projectOptions() throws -> ProjectOptions {
        var options = ProjectOptions(
            directory: try ProcessEnvironment.directory, environment: ProcessEnvironment.variables)
        options.commandLine = CommandLine.arguments
        options.root = workspace.map { FilePath($0) }
        options.variant = variant
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw CommandError.usage("-D wants name=value, not '\(argument)'")
            }
            options.arguments[String(argument[..<equals])] = String(argument[argument.index(after: equals)...])
        }
        return options
    }
}
