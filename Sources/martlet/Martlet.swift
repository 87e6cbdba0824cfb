internal import ArgumentParser
internal import Build
internal import Host

@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Builds a repository of many packages and proves how every artifact came to be.",
        discussion: """
            Example: martlet build //:all

            Leeway workspaces work unchanged; `martlet leeway COMMAND ...` runs the same commands. \
            `martlet --generate-completion-script bash|zsh|fish` prints a script that completes commands and options. \
            Exit status: 0 yes or done, 1 no, 2 wrong usage or configuration, 3 could not tell.
            """,
        version: MartletProgram.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Build",
                subcommands: [
                    BuildCommand.self, RunCommand.self, ExecCommand.self, RebuildCommand.self, ReleaseCommand.self,
                ]),
            CommandGroup(name: "Images", subcommands: [ImageCommand.self]),
            CommandGroup(
                name: "Workspace",
                subcommands: [
                    CollectCommand.self, DescribeCommand.self, VetCommand.self, FormatCommand.self, InitCommand.self,
                ]),
            CommandGroup(name: "Why", subcommands: [WhyCommand.self, AffectedCommand.self]),
            CommandGroup(
                name: "Proof",
                subcommands: [
                    SignCommand.self, AttestCommand.self, SignBundleCommand.self, VerifyCommand.self,
                    VerifyAttestationCommand.self, VerifyBundleCommand.self, BundleCommand.self, ProvenanceCommand.self,
                    KeyCommand.self, TrustCommand.self, AuthorityCommand.self, LogCommand.self, PolicyCommand.self,
                    SLSACommand.self, SLSAVerifierCommand.self,
                ]),
            CommandGroup(name: "Services", subcommands: [ServeCommand.self]),
            CommandGroup(name: "Images", subcommands: [OCICommand.self]),
            CommandGroup(
                name: "Contents",
                subcommands: [
                    SBOMCommand.self, WhoUsesCommand.self, TreeCommand.self, HistoryCommand.self, GraphCommand.self,
                    LineageCommand.self,
                ]),
            CommandGroup(
                name: "Upkeep",
                subcommands: [
                    CacheCommand.self, VersionCommand.self, SignStatementsCommand.self, WorkOnBuildCommand.self,
                ]),
            CommandGroup(name: "Completion", subcommands: [BashCompletionCommand.self]),
        ])

    /// What the parser does for every command, whatever its own options are.
    private static let builtIn: Set<String> = [
        "--help", "-h", "-help", "--help-hidden", "-help-hidden", "--version", "--generate-completion-script",
        "--experimental-dump-help",
    ]

    /// The command that `arguments` are for.
    ///
    /// One that is named in full is parsed by itself, since the parser describes the whole tree of commands first, which
    /// takes longer than many commands do. Wherever that leads to anything but the command, the tree has the word.
    static func command(for arguments: [String]) throws -> any ParsableCommand {
        if let leaf = leaf(arguments), let command = try? leaf.type.parseAsRoot(leaf.rest),
            type(of: command) == leaf.type
        {
            return command
        }
        return try parseAsRoot(arguments)
    }

    /// A command that has no others below it, and what follows its name.
    private struct Leaf {
        var type: any ParsableCommand.Type
        var rest: [String]
    }

    private static func leaf(_ arguments: [String]) -> Leaf? {
        var leaf = Leaf(type: self, rest: arguments)
        guard builtIn.isDisjoint(with: arguments) else { return nil }
        while true {
            let below = leaf.type.configuration.subcommands
            if below.isEmpty { return leaf }
            guard let name = leaf.rest.first,
                let next = below.first(where: {
                    $0.configuration.commandName == name || $0.configuration.aliases.contains(name)
                })
            else { return nil }
            leaf = Leaf(type: next, rest: Array(leaf.rest.dropFirst()))
        }
    }

    static func main() async {
        let arguments = CommandLineArguments(Array(CommandLine.arguments.dropFirst())).forParsing
        // Starting quickly matters to scripts that ask for the version: no command tree is needed for it.
        if arguments == ["--version"] {
            print(MartletProgram.version)
            return
        }
        do {
            var command = try command(for: arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(with: error)
        }
    }
}
