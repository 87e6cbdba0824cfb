internal import ArgumentParser
internal import Build
internal import Bytes
internal import Workspace

struct VetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vet", abstract: "Checks a workspace for what is wrong and for what is probably not meant.",
        discussion: """
            Example: martlet vet --checks component:fmt --components components/server

            Exit status: 0 nothing was found, 1 something was, 2 wrong usage.
            """,
        subcommands: [Run.self, Checks.self], defaultSubcommand: Run.self)
}

extension VetCommand {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Runs checks.", discussion: "Example: martlet vet run --ignore-warnings")

        @Option(
            parsing: .singleValue, help: ArgumentHelp("Only these checks, separated by commas.", valueName: "checks"))
        var checks: [String] = []

        @Option(help: ArgumentHelp("Only these packages, separated by commas.", valueName: "packages"))
        var packages: [String] = []

        @Option(help: ArgumentHelp("Only these components, separated by commas.", valueName: "components"))
        var components: [String] = []

        @Flag(help: "Leaves out warnings.")
        var ignoreWarnings = false

        @OptionGroup var format: FormatArguments
        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await Project.open(try workspace.projectOptions())
            let report = try VetReport(
                project, checks: Self.list(checks), packages: Self.list(packages), components: Self.list(components),
                ignoringWarnings: ignoreWarnings)
            Output.write(try report.text(format.choice))
            guard report.isClean else { throw ExitCode(1) }
        }

        private static func list(_ values: [String]) -> [String] {
            values.flatMap { $0.split(separator: ",").map(String.init) }
        }
    }

    struct Checks: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "Lists the checks.", discussion: "Example: martlet vet ls")

        func run() {
            Output.write(Vet.checks.map { "\($0.name)\t\($0.summary)\n" }.joined())
        }
    }
}
