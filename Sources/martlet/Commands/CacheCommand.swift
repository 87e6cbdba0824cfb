internal import ArgumentParser
internal import Build
internal import Bytes
internal import Host
internal import SystemPackage
internal import Workspace

struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Looks after the local cache.",
        discussion: """
            Example: martlet cache gc --max-size 5GiB

            The cache is in $MARTLET_CACHE_DIR, else in $LEEWAY_CACHE_DIR/martlet, $XDG_CACHE_HOME/martlet or \
            ~/.cache/martlet.
            """,
        subcommands: [Stat.self, Collect.self, Verify.self, Prune.self], defaultSubcommand: Stat.self)

    /// What every cache command takes. No workspace is needed.
    struct Arguments: ParsableArguments {
        @Flag(help: "Prints JSON.")
        var json = false

        @Flag(name: [.short, .long], help: .hidden)
        var verbose = false

        @Option(name: [.customShort("w", allowingJoined: true), .customLong("workspace")], help: .hidden)
        var workspace: String?

        func maintenance() throws -> CacheMaintenance {
            try CacheMaintenance(environment: ProcessEnvironment.variables)
        }

        func show(_ report: CacheMaintenance.Report) {
            if json { Output.write(report.json) } else { Output.write(report.text) }
        }
    }
}

extension CacheCommand {
    struct Stat: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stat", abstract: "Counts what is there.", discussion: "Example: martlet cache stat --json")

        @OptionGroup var arguments: Arguments

        func run() throws { arguments.show(try arguments.maintenance().count()) }
    }

    struct Collect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gc", abstract: "Removes what was not used for longest, until the rest fits.",
            discussion: "Example: martlet cache gc --max-size 5GiB")

        @Option(
            help: ArgumentHelp(
                "Bytes, or with KiB, MiB, GiB, KB, MB or GB. Default: 20GiB.", valueName: "size"))
        var maxSize: ByteCount?

        @OptionGroup var arguments: Arguments

        func run() async throws {
            arguments.show(
                try await arguments.maintenance().collect(limit: maxSize?.bytes ?? Project.defaultCacheSize))
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Hashes everything and removes what is damaged.",
            discussion: """
                Example: martlet cache verify

                Exit status: 0 all is sound, 1 something was damaged and is gone; it will be built again.
                """)

        @OptionGroup var arguments: Arguments

        func run() async throws {
            let report = try await arguments.maintenance().verify()
            arguments.show(report)
            guard report.isSound else { throw ExitCode(1) }
        }
    }

    struct Prune: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prune", abstract: "Removes everything that no running martlet uses.",
            discussion: "Example: martlet cache prune")

        @OptionGroup var arguments: Arguments

        func run() async throws { arguments.show(try await arguments.maintenance().prune()) }
    }
}

extension ByteCount: ExpressibleByArgument {
    init?(argument: String) { self.init(text: argument) }
}
