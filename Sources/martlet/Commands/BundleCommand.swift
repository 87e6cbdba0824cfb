internal import ArgumentParser
internal import Bytes
internal import Host
internal import Reports
internal import Sigstore
internal import SystemPackage

struct BundleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Shows, explains and converts bundles; verifies nothing.",
        discussion: "Example: martlet bundle inspect server.tar.gz.sigstore.json",
        subcommands: [Inspect.self, Explain.self, Convert.self, Upgrade.self])

    fileprivate static func read(_ file: String) throws -> AttestationFile {
        try AttestationFile(parsing: try Files.read(FilePath(file), limit: 512 << 20))
    }

    /// Prints a document, or writes it to a file.
    fileprivate static func write(_ documents: [JSON], to output: String?) throws {
        let text = documents.map { $0.text() + "\n" }.joined()
        if let output { try Files.write(Array(text.utf8), to: FilePath(output)) } else { Output.write(text) }
    }
}

extension BundleCommand {
    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "inspect",
            abstract: "Shows what is in a bundle: who, what, when, in which logs.",
            discussion: """
                Example: martlet bundle inspect server.tar.gz.sigstore.json

                Reads Sigstore bundles 0.1 to 0.3, JSON lines, cosign's bundles, PEP 740 attestations, npm's and \
                GitHub's lists and DSSE envelopes. Nothing that it prints has been verified.
                """)

        @Argument(help: ArgumentHelp("The bundle.", valueName: "file"))
        var file: String

        @Flag(help: "Prints the bundles as JSON lines of version 0.3.")
        var json = false

        func run() throws {
            let file = try BundleCommand.read(file)
            guard !json else { return try BundleCommand.write(file.bundles.map(\.json), to: nil) }
            let screen = Terminal(.standardOutput)
            let text = BundleText(ink: Ink(for: screen))
            if file.format != .bundle { screen.say("\(file.format.rawValue), \(file.bundles.count) in all") }
            for bundle in file.bundles { screen.say(text.lines(bundle).joined(separator: "\n")) }
        }
    }

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Says what the checks of a verification mean.",
            discussion: "Example: martlet bundle explain log-promise")

        @Argument(help: ArgumentHelp("Codes as verification prints them. Default: all.", valueName: "code"))
        var codes: [String] = []

        func run() throws {
            let checks = try codes.map { code in
                guard let check = VerificationReport.Check(rawValue: code) else {
                    throw CommandError.usage("no check is called \(code); `martlet bundle explain` prints them all")
                }
                return check
            }
            for check in checks.isEmpty ? VerificationReport.Check.allCases : checks {
                Output.write("\(check.rawValue)\n  \(check.meaning)\n")
            }
        }
    }

    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert",
            abstract: "Writes bundles in another shape.",
            discussion:
                "Example: martlet bundle convert --to pep740 pkg.whl.sigstore.json --output pkg.whl.publish.attestation"
        )

        enum Shape: String, ExpressibleByArgument, CaseIterable { case bundle, pep740, dsse }

        @Argument(help: ArgumentHelp("The bundle, in any shape.", valueName: "file"))
        var file: String

        @Option(help: "bundle (version 0.3), pep740 or dsse.")
        var to: Shape

        @Option(help: ArgumentHelp("Where to write. Default: standard output.", valueName: "file"))
        var output: String?

        func run() throws {
            let documents = try BundleCommand.read(file).bundles.map { bundle in
                switch to {
                case .bundle: try bundle.upgraded().json
                case .pep740: try bundle.pep740()
                case .dsse: try bundle.envelopeJSON()
                }
            }
            try BundleCommand.write(documents, to: output)
        }
    }

    struct Upgrade: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "upgrade",
            abstract: "Writes an older bundle as one of version 0.3.",
            discussion: """
                Example: martlet bundle upgrade old.sigstore --output new.sigstore.json

                What the old one can't give, an inclusion proof above all, is named and nothing is written.
                """)

        @Argument(help: ArgumentHelp("The bundle, in any shape.", valueName: "file"))
        var file: String

        @Option(help: ArgumentHelp("Where to write. Default: standard output.", valueName: "file"))
        var output: String?

        func run() throws {
            try BundleCommand.write(try BundleCommand.read(file).bundles.map { try $0.upgraded().json }, to: output)
        }
    }
}
