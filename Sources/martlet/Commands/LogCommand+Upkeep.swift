internal import ArgumentParser
internal import Bytes
internal import Host
internal import Keys
internal import Ledger
internal import Serve
internal import Sigstore
internal import SystemPackage
internal import TileLog

/// What is done to the log of a server that is down.
extension LogCommand {
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fsck",
            abstract: "Checks every byte of the log in a server's data directory.",
            discussion: """
                Example: martlet log fsck --data /var/lib/martlet

                Compares all entries with their leaves, the leaves with the root, and the root with the last signed \
                checkpoint. Nothing is changed. The server must be down. Exit status: 0 nothing is wrong, 1 something \
                is damaged, 2 there is no log or it is in use, 3 the disk can't be read.
                """)

        @Option(help: ArgumentHelp("The server's data directory.", valueName: "directory"))
        var data: String

        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            let report = try await LogMaintenance(data: FilePath(data)).check()
            if json {
                Output.write([
                    "entries": .integer(report.entryCount), "bytes": .integer(report.byteCount),
                    "findings": .array(
                        report.findings.map { ["file": .string($0.file), "message": .string($0.message)] }),
                ])
            } else {
                let lines = report.findings.map { "\($0.file): \($0.message)".safeForTerminal + "\n" }.joined()
                Output.write(lines + "\(report.entryCount) entries, \(report.findings.count) damaged places\n")
            }
            if !report.findings.isEmpty { throw ExitCode(1) }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Writes the log of a server's data directory as plain files, for a web server.",
            discussion: """
                Example: martlet log export --data /var/lib/martlet /srv/www/log

                The files are those of C2SP tlog-tiles, and the checkpoint comes last; doing it again adds what is \
                new. The server must be down. Exit status: 0 done, 2 there is no log or it is in use, 3 the disk \
                can't be read or written.
                """)

        @Argument(help: ArgumentHelp("Where the files go.", valueName: "directory"))
        var folder: String

        @Option(help: ArgumentHelp("The server's data directory.", valueName: "directory"))
        var data: String

        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            let checkpoint = try await LogMaintenance(data: FilePath(data)).export(to: FilePath(folder))
            LogCommand.write(checkpoint, "are in \(folder.safeForTerminal)", json: json)
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Takes over the entries of another log, at the places that they have there.",
            discussion: """
                Example: martlet log import --data /var/lib/martlet --tiles https://log.example.org/ --key log.pub

                Reads tiles from a web server or a folder, or with --log-url the entries and attestations of a log \
                that speaks as Rekor v1. Everything is compared with the other log's signed checkpoint. Where the \
                data directory has no log, one is made; where it has entries, they must be those that the other \
                begins with, so that an import that was stopped goes on. The server must be down. Exit status: 0 \
                done, 1 the other log contradicts itself or this one, 2 wrong usage or the log is in use, 3 the \
                other log can't be reached.
                """)

        @Option(help: ArgumentHelp("The server's data directory.", valueName: "directory"))
        var data: String

        @Option(help: ArgumentHelp("The other log, as a folder or address of tiles.", valueName: "folder|url"))
        var tiles: String?

        @Option(help: ArgumentHelp("With --tiles: a PEM file with the other log's key.", valueName: "file"))
        var key: String?

        @Option(
            help: ArgumentHelp("The name of a log that is made here. Default: the other's name.", valueName: "name"))
        var origin: String?

        @Flag(help: "Prints JSON.")
        var json = false

        @OptionGroup var log: LogArguments

        @Sendable private static func tell(_ count: UInt64) {
            if count % 65_536 == 0 { TrustCommand.say("\(count) entries so far") }
        }

        func run() async throws {
            let maintenance = LogMaintenance(data: FilePath(data))
            let checkpoint: SignedCheckpoint
            if let tiles {
                guard log.logUrl == nil else { throw CommandError.usage("give --tiles or --log-url, not both") }
                guard let key else { throw CommandError.usage("say whose log it is: give its key with --key") }
                let publicKey = try PublicKey(pem: Files.read(FilePath(key), limit: 1 << 20))
                if tiles.hasPrefix("https://") || tiles.hasPrefix("http://") {
                    checkpoint = try await log.trust.withClient { client in
                        try await maintenance.importTiles(
                            from: TileServer(url: tiles, transport: client), key: publicKey, origin: origin,
                            progress: Self.tell)
                    }
                } else {
                    checkpoint = try await maintenance.importTiles(
                        from: TileDirectory(FilePath(tiles)), key: publicKey, origin: origin, progress: Self.tell)
                }
            } else {
                guard key == nil else {
                    throw CommandError.usage("--key goes with --tiles; with --log-url it is --log-key")
                }
                checkpoint = try await log.withReader { reader in
                    try await maintenance.importEntries(of: reader, origin: origin, progress: Self.tell)
                }
            }
            LogCommand.write(checkpoint, "are in \(data.safeForTerminal)", json: json)
        }
    }

    struct Freeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "freeze",
            abstract: "Makes a log take no more entries, for ever.",
            discussion: """
                Example: martlet log freeze --data /var/lib/martlet

                Reads go on when the server is up again, and whoever wants to add is told to go to the log's \
                successor. There is no way back. The server must be down. Exit status: 0 done, 2 there is no log or \
                it is in use, 3 the disk can't be read or written.
                """)

        @Option(help: ArgumentHelp("The server's data directory.", valueName: "directory"))
        var data: String

        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            let checkpoint = try await LogMaintenance(data: FilePath(data)).freeze()
            LogCommand.write(checkpoint, "are all that it will have", json: json)
        }
    }

    private static func write(_ signed: SignedCheckpoint, _ what: String, json: Bool) {
        let checkpoint = signed.checkpoint
        if json {
            Output.write([
                "origin": .string(checkpoint.origin), "treeSize": .integer(checkpoint.size),
                "rootHash": .string(checkpoint.root.hex), "checkpoint": .string(signed.note),
            ])
        } else {
            Output.write("\(checkpoint.size) entries of \(checkpoint.origin.safeForTerminal) \(what)\n")
        }
    }
}
