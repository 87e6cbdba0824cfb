internal import ArgumentParser
internal import Build
internal import Workspace

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect", abstract: "Lists what a workspace has.",
        discussion: """
            Example: martlet collect packages -o json

            Exit status: 0 listed, 2 wrong usage, or the workspace has errors and the list may not be whole.
            """)

    @Argument(help: "components, packages, scripts, files or variants.")
    var kind: Collection.Kind = .packages

    @Option(
        name: [.customShort("l", allowingJoined: true), .customLong("select")],
        help: ArgumentHelp("Only components with this constant.", valueName: "const[=value]"))
    var select = ""

    @OptionGroup var format: FormatArguments
    @OptionGroup var workspace: WorkspaceArguments

    func run() async throws {
        let project = try await workspace.open()
        Output.write(
            try Collection(project.workspace).text(kind, selector: select, format: format.choice))
        try WorkspaceArguments.requireWhole(project)
    }
}

extension Collection.Kind: ExpressibleByArgument {}
