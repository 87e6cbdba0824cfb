internal import ArgumentParser
internal import Build

struct AffectedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "affected", abstract: "Lists the packages that would be built differently than at a commit.",
        discussion: """
            Example: martlet affected --since origin/main

            Decided by keys, so packages that only depend on a changed one are among them, and a changed comment \
            affects nothing. Changes that are not committed count. Exit status: 0 listed, 2 wrong usage or configuration.
            """)

    @Option(help: ArgumentHelp("The commit to compare with.", valueName: "ref"))
    var since: String

    @Flag(help: .hidden)
    var transitive = false

    @Flag(help: "Prints JSON, with what was added and removed.")
    var json = false

    @OptionGroup var execution: KeyArguments
    @OptionGroup var workspace: WorkspaceArguments

    func run() async throws {
        let affected = try await workspace.open().affected(since: since, execution.buildOptions)
        if json { return Output.write(affected.json) }
        Output.write(affected.packages.map { "\($0)\n" }.joined())
    }
}
