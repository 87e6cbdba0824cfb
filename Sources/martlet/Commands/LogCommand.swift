internal import ArgumentParser
internal import Bytes
internal import Host
internal import Ledger
internal import Reports
internal import Sigstore
internal import SystemPackage
internal import TileLog

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Looks into transparency logs, and watches that they only grow.",
        discussion: """
            Example: martlet log search --log-url https://rekor.example.org --sha 0a1b2c...

            Nothing that a log answers is believed unless a key that you trust has signed it.
            """,
        subcommands: [
            Search.self, Get.self, Verify.self, Monitor.self, Check.self, Export.self, Import.self, Freeze.self,
        ])
}

extension LogCommand {
    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "search",
            abstract: "Finds entries by artifact, signer or key.",
            discussion: """
                Example: martlet log search --artifact server.tar.gz

                Prints the names of the entries, one a line, as rekor-cli does. Each entry is fetched and verified: \
                its proof, the log's checkpoint and the log's promise. Nobody vouches that a log tells all that it \
                has. Exit status: 0 found, 1 nothing found or not to be believed, 2 wrong usage, 3 the log can't be \
                reached.
                """)

        @Option(help: ArgumentHelp("A digest: SHA-256 or SHA-512, with its algorithm or without.", valueName: "digest"))
        var sha: String?

        @Option(help: ArgumentHelp("The signer's e-mail address.", valueName: "address"))
        var email: String?

        @Option(help: ArgumentHelp("The signer as the certificate names it.", valueName: "name"))
        var subject: String?

        @Option(help: ArgumentHelp("A PEM file with the signer's key or certificate.", valueName: "file"))
        var publicKey: String?

        @Option(help: ArgumentHelp("A file that was signed.", valueName: "file"))
        var artifact: String?

        @Option(
            name: .customLong("operator"),
            help: ArgumentHelp("Whether entries must meet all (and) or any (or) of these.", valueName: "and|or"))
        var joint: String = "or"

        @Option(help: ArgumentHelp("default or json.", valueName: "format"))
        var format: String = "default"

        @Flag(help: "The same as --format json.")
        var json = false

        @OptionGroup var log: LogArguments

        func run() async throws {
            var query = LogReader.Query()
            query.hash = sha
            query.email = email
            query.subject = subject
            if let artifact {
                guard sha == nil else { throw CommandError.usage("give --sha or --artifact, not both") }
                query.hash = try Files.digest(of: FilePath(artifact)).digest.description
            }
            if let publicKey { query.publicKey = try Files.read(FilePath(publicKey), limit: 1 << 20) }
            guard ["and", "or"].contains(joint) else { throw CommandError.usage("--operator is and or or") }
            query.isConjunction = joint == "and"
            guard query.hash ?? query.email ?? query.subject ?? publicKey != nil else {
                throw CommandError.usage("give --sha, --artifact, --public-key, --email or --subject")
            }
            let names = try await log.withReader { [query] reader in
                let names = try await reader.search(query)
                for name in names { _ = try await reader.entry(.uuid(name)) }
                return names
            }
            guard !names.isEmpty else { throw CommandError.no("no matching entries found") }
            if json || format == "json" {
                Output.write(JSON.object(["UUIDs": .array(names.map { .string("\($0)") })]).text() + "\n")
            } else {
                TrustCommand.say("Found matching entries (listed by UUID):")
                Output.write(names.map { "\($0)\n" }.joined())
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get",
            abstract: "Prints one entry with its attestation.",
            discussion: """
                Example: martlet log get --uuid 24296fb2... --format json | jq -r .Attestation | base64 -d | jq

                Prints what rekor-cli prints. The entry's name, its proof, the log's checkpoint and the log's promise \
                are verified, and the attestation's digest. Exit status: 0 found, 1 not to be believed, 2 no such \
                entry or wrong usage, 3 the log can't be reached.
                """)

        @Option(help: ArgumentHelp("The entry's name, 64 or 80 hexadecimal digits.", valueName: "uuid"))
        var uuid: String?

        @Option(help: ArgumentHelp("The entry's place.", valueName: "number"))
        var logIndex: UInt64?

        @Option(
            help: ArgumentHelp("default, json, or tle: the entry as a bundle holds it.", valueName: "format"))
        var format: String = "default"

        @Flag(help: "The same as --format json.")
        var json = false

        @OptionGroup var log: LogArguments

        func run() async throws {
            let name: LogReader.Name
            switch (uuid, logIndex) {
            case (let text?, nil):
                guard let uuid = EntryUUID(text) else {
                    throw CommandError.usage("an entry's name has 64 or 80 hexadecimal digits")
                }
                name = .uuid(uuid)
            case (nil, let index?): name = .index(index)
            default: throw CommandError.usage("give --uuid or --log-index, one of the two")
            }
            let found = try await log.withReader { try await $0.entry(name) }
            switch json ? "json" : format {
            case "json": Output.write(LogEntryText(found).json.text() + "\n")
            case "tle": Output.write(found.entry.json)
            case "default": Output.write(LogEntryText(found).text)
            default: throw CommandError.usage("--format is default, json or tle")
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Checks that a log has only grown since its checkpoint was saved.",
            discussion: """
                Example: martlet log verify --checkpoint rekor.checkpoint

                Asks for the newest checkpoint, and for the proof that its tree begins with the saved one, which it \
                then replaces; the first time it is saved as it is. With --uuid or --log-index the entry must be in \
                it too. Exit status: 0 yes, 1 no, 3 the log can't be reached.
                """)

        @Option(help: ArgumentHelp("The saved checkpoint.", valueName: "file"))
        var checkpoint: String

        @Option(help: ArgumentHelp("An entry that must be there.", valueName: "uuid"))
        var uuid: String?

        @Option(help: ArgumentHelp("The place of an entry that must be there.", valueName: "number"))
        var logIndex: UInt64?

        @Flag(help: "Prints JSON.")
        var json = false

        @OptionGroup var log: LogArguments

        func run() async throws {
            let path = FilePath(checkpoint)
            let saved = try Files.exists(path) ? try Files.readText(path, limit: 1 << 20) : nil
            var names: [LogReader.Name] = logIndex.map { [.index($0)] } ?? []
            if let uuid {
                guard let uuid = EntryUUID(uuid) else {
                    throw CommandError.usage("an entry's name has 64 or 80 hexadecimal digits")
                }
                names.append(.uuid(uuid))
            }
            let tree = try await log.withReader { [names] in try await $0.grown(since: saved, holding: names) }
            try Files.write(Array(tree.note.description.utf8), to: path, durable: true)
            let size = tree.checkpoint.size
            if json {
                Output.write([
                    "origin": .string(tree.checkpoint.origin), "treeSize": .integer(size),
                    "rootHash": .string(tree.checkpoint.root.hex), "isFirst": .bool(saved == nil),
                ])
            } else {
                Output.write(
                    "\(tree.checkpoint.origin.safeForTerminal) has \(size) entries"
                        + (saved == nil ? "; its checkpoint is saved\n" : ", and all that were there before\n"))
            }
        }
    }

    struct Monitor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "monitor",
            abstract: "Watches a log: that it only grows, and who signs under names that you watch.",
            discussion: """
                Example: martlet log monitor --state rekor.state --email release@example.org --follow

                Reads the entries since the last pass, verifies each, and prints those by watched signers, keys or \
                digests. The state file says how far it is; without one it begins at the newest entry. Exit status: \
                0 nothing is wrong with the log, 1 the log contradicts itself, 3 it can't be reached.
                """)

        @Option(help: ArgumentHelp("The file that says how far the last pass came.", valueName: "file"))
        var state: String

        @Option(help: ArgumentHelp("A signer's e-mail address; repeatable.", valueName: "address"))
        var email: [String] = []

        @Option(help: ArgumentHelp("A signer as certificates name it; repeatable.", valueName: "name"))
        var subject: [String] = []

        @Option(help: ArgumentHelp("A regular expression for names of signers; repeatable.", valueName: "pattern"))
        var pattern: [String] = []

        @Option(help: ArgumentHelp("A digest as sha256:HEX; repeatable.", valueName: "digest"))
        var sha: [String] = []

        @Option(help: ArgumentHelp("A PEM file with a signer's key; repeatable.", valueName: "file"))
        var publicKey: [String] = []

        @Flag(help: "Begins at the first entry where there is no state.")
        var fromStart = false

        @Flag(help: "Goes on for ever.")
        var follow = false

        @Option(help: ArgumentHelp("How long to wait between passes.", valueName: "seconds"))
        var interval: Int = 60

        @Flag(help: "Prints JSON, an entry a line.")
        var json = false

        @OptionGroup var log: LogArguments

        func run() async throws {
            var keys = Set(email + subject)
            for text in sha {
                guard let digest = MessageDigest(description: text.contains(":") ? text : "sha256:\(text)") else {
                    throw CommandError.usage("\(text) is no digest such as sha256:HEX")
                }
                keys.insert(digest.description)
            }
            for file in publicKey {
                keys.formUnion(try LogRecord.searchKeys(forPEM: Files.read(FilePath(file), limit: 1 << 20)))
            }
            let watched = try LogMonitor.Watched(keys: keys, patterns: pattern)
            try await log.withReader { reader in
                try await LogWatch(
                    monitor: LogMonitor(reader: reader, watched: watched), file: FilePath(state), fromStart: fromStart
                ).run(every: follow ? .seconds(max(1, interval)) : nil) { sighting in
                    let text = LogEntryText(sighting.found)
                    Output.write(
                        json
                            ? text.sighting(of: sighting.matches).text() + "\n"
                            : "\(sighting.found.entry.logIndex) \(sighting.found.uuid) \(sighting.matches.joined(separator: " ").safeForTerminal)\n"
                    )
                }
            }
        }
    }
}
