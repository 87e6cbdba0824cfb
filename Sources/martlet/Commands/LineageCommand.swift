internal import ArgumentParser
internal import Attest
internal import Bytes
internal import Host
internal import Keys
internal import Lineage
internal import Sigstore
internal import SystemPackage

/// The options of every command that asks the store of statements.
struct LineageArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder of statements. Default: $MARTLET_LINEAGE_DIR, else martlet/lineage in $XDG_DATA_HOME.",
            valueName: "folder"))
    var store: String?

    func open() throws -> LineageStore {
        if let store { return LineageStore(FilePath(store)) }
        return try LineageStore(environment: ProcessEnvironment.variables)
    }
}

/// The options of every question.
struct QuestionArguments: ParsableArguments {
    @OptionGroup var store: LineageArguments

    @Flag(help: "Leaves out what rests on statements that nobody verified.")
    var verifiedOnly = false

    @Option(help: ArgumentHelp("The most things in an answer.", valueName: "n"))
    var limit = 10_000

    @Flag(help: "Prints JSON.")
    var json = false

    func search() throws -> LineageSearch {
        guard limit > 0 else { throw CommandError.usage("--limit takes a number above 0") }
        let search = try LineageSearch(try store.open())
        search.limits.nodes = limit
        return search
    }
}

/// How an answer is drawn.
struct DrawingArguments: ParsableArguments {
    @Flag(help: "Prints a graph for Graphviz.")
    var dot = false

    @Flag(help: "Draws with ASCII characters only.")
    var ascii = false

    func write(_ answer: some DrawnAnswer, json: Bool) {
        if json {
            Output.write(answer.json)
        } else {
            Output.write(dot ? answer.dot : answer.text(isASCII: ascii))
        }
    }
}

struct WhoUsesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "who-uses",
        abstract: "Says which artifacts contain or were built from something, and through which path.",
        discussion: """
            Example: martlet who-uses log4j-core@2.14.1

            Asks the statements that `martlet lineage import` has taken. A query is a digest or its beginning, a \
            package URL, NAME@VERSION, a commit, a builder with or without its version, or an identity that signed. \
            Exit status: 0 something uses it, 1 nothing does or nobody has mentioned it, 2 wrong usage.
            """)

    @Argument(help: "What is asked about.")
    var query: String

    @OptionGroup var question: QuestionArguments
    @OptionGroup var drawing: DrawingArguments

    func run() throws {
        let answer = try question.search().usage(of: query, verifiedOnly: question.verifiedOnly)
        drawing.write(answer, json: question.json)
        guard answer.isUsed else { throw ExitCode(1) }
    }
}

struct TreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree",
        abstract: "Shows what an artifact consists of and was built from, all the way down.",
        discussion: """
            Example: martlet tree components/server:app

            Exit status: 0 it is known, 1 nobody has mentioned it, 2 wrong usage.
            """)

    @Argument(help: "A name, a digest, a package URL or a commit.")
    var artifact: String

    @OptionGroup var question: QuestionArguments
    @OptionGroup var drawing: DrawingArguments

    func run() throws {
        let answer = try question.search().origin(of: artifact, verifiedOnly: question.verifiedOnly)
        drawing.write(answer, json: question.json)
    }
}

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Lists what was said about an artifact, the oldest statement first.",
        discussion: """
            Example: martlet history components/server:app

            Exit status: 0 it is known, 1 nobody has mentioned it, 2 wrong usage.
            """)

    @Argument(help: "A name or a digest.")
    var artifact: String

    @OptionGroup var question: QuestionArguments

    func run() throws {
        let answer = try question.search().history(of: artifact, verifiedOnly: question.verifiedOnly)
        if question.json { Output.write(answer.json) } else { Output.write(answer.text) }
    }
}

struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Counts dependencies by language, or draws those of one artifact.",
        discussion: """
            Example: martlet graph components/server:app --dot | dot -Tsvg > server.svg

            Without an artifact, counts every package that any statement mentions.
            """)

    @Argument(help: "A name, a digest, a package URL or a commit.")
    var artifact: String?

    @OptionGroup var question: QuestionArguments

    @Flag(help: "Prints a graph for Graphviz.")
    var dot = false

    func run() throws {
        if dot {
            guard let artifact else { throw CommandError.usage("--dot draws one artifact; name it") }
            Output.write(try question.search().origin(of: artifact, verifiedOnly: question.verifiedOnly).dot)
            return
        }
        let counts = try question.store.open().languages(of: artifact)
        if question.json {
            Output.write(.array(counts.map { ["language": .string($0.language), "packages": .integer($0.count)] }))
        } else {
            for (language, count) in counts { Output.write("\(count)\t\(language.safeForTerminal)\n") }
        }
    }
}

struct LineageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage", abstract: "Looks after the store of statements.",
        discussion: "Example: martlet lineage import --key release.pub bundles/",
        subcommands: [Import.self, Status.self, Rebuild.self])
}

extension LineageCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Takes statements, bundles and bills of materials into the store.",
            discussion: """
                Example: martlet lineage import --key release.pub bundles/

                Reads Sigstore bundles, DSSE envelopes, in-toto statements, SPDX 2 and CycloneDX as JSON, one document \
                a file or one a line. Say who must have signed, with the options of `martlet verify`, or say \
                --unverified; what was not verified is marked in every answer. Exit status: 0 all taken, 1 something \
                was refused, 2 wrong usage, 3 a file can't be read.
                """)

        @Argument(help: ArgumentHelp("Files, folders, or - for standard input.", valueName: "path"))
        var paths: [String]

        @Flag(help: "Takes everything without checking signatures, and marks it so.")
        var unverified = false

        @OptionGroup var verification: VerificationArguments

        @OptionGroup var store: LineageArguments

        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            let check = unverified ? nil : Self.verification(by: try await verification.verifier())
            let report = try await store.open().importDocuments(
                try LineageStore.Input.all(at: paths.map { FilePath($0) }), verification: check)
            if json {
                Output.write(report.json)
            } else {
                for line in report.refusals { Failure.say(line) }
                Output.write(report.text)
            }
            guard report.refusedCount == 0 else { throw ExitCode(1) }
        }

        private static func verification(by verifier: Verifier) -> Submission.Verification {
            { document in
                let bundle = try AttestationFile(parsing: document).bundles
                guard bundle.count == 1, let bundle = bundle.first else {
                    throw CommandError.no("a document holds one bundle; give each a line")
                }
                let verified = try verifier.verify(bundle, artifact: bundle.claimedArtifact)
                guard let envelope = verified.envelope, verified.statement != nil else {
                    throw CommandError.no("the bundle holds no statement")
                }
                return Submission.Verdict(payload: envelope.payload, identities: [verified.signer.text])
            }
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Counts what the store holds.",
            discussion: "Example: martlet lineage status --json")

        @OptionGroup var store: LineageArguments

        @Flag(help: "Prints JSON.")
        var json = false

        func run() throws {
            let status = try store.open().status()
            if json { Output.write(status.json) } else { Output.write(status.text) }
        }
    }

    struct Rebuild: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rebuild", abstract: "Makes the index anew from the statements.",
            discussion: "Example: martlet lineage rebuild")

        @OptionGroup var store: LineageArguments

        func run() async throws { Output.write(try await store.open().rebuild().text) }
    }
}

extension VerifiedBundle.Signer {
    /// Who signed, in a line.
    fileprivate var text: String {
        switch self {
        case .certificate(_, let issuer, let name): "\(name.text) (\(issuer))"
        case .key(let key): "key \(key.id.hex)"
        }
    }
}
