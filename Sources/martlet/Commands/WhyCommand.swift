internal import ArgumentParser
internal import Build
internal import Workspace

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Says what changed, so that a package has to be built.",
        discussion: """
            Example: martlet why components/server:app --since main

            Compares everything that the package's key covers with its last result here, or with a commit. Exit status: \
            0 told, 2 wrong usage or configuration.
            """)

    @Argument(help: "The package. Default: the workspace's defaultTarget.")
    var target: String?

    @Option(help: ArgumentHelp("Compares with this commit.", valueName: "ref"))
    var since: String?

    @Flag(help: "Prints JSON.")
    var json = false

    @OptionGroup var execution: KeyArguments
    @OptionGroup var workspace: WorkspaceArguments

    func run() async throws {
        let project = try await workspace.open()
        let explanation = try await project.explain(
            try project.package(target).name, since: since, execution.buildOptions)
        if json { Output.write(explanation.json) } else { Output.write(explanation.text) }
    }
}
