internal import ArgumentParser
internal import Attest
internal import Build
internal import Bytes
internal import Host
internal import Policy
internal import SystemPackage
internal import Workspace

struct ProvenanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provenance",
        abstract: "Shows, exports and checks where artifacts came from.",
        discussion: "Example: martlet provenance assert --git-only components/server:app",
        subcommands: [Assert.self, Export.self, Show.self])

    /// What a provenance command is about.
    struct Source: ParsableArguments {
        @Argument(
            help: "A package that has been built, or file://PATH of a bundle or of an archive that carries one.")
        var target: String

        @OptionGroup var workspace: WorkspaceArguments

        private static let filePrefix = "file://"

        /// The file, when the target is one.
        var file: FilePath? {
            target.hasPrefix(Self.filePrefix) ? FilePath(String(target.dropFirst(Self.filePrefix.count))) : nil
        }

        /// The bundle, and the package that it was asked for.
        func bundle(_ format: ProvenanceFormat = .slsa) async throws -> (bundle: ProvenanceBundle, package: String?) {
            if let file { return (try BundleFile.read(file), nil) }
            return try await Self.bundle(of: target, workspace, format)
        }

        /// The bundle of a package that has been built.
        static func bundle(
            of target: String, _ workspace: WorkspaceArguments, _ format: ProvenanceFormat = .slsa
        ) async throws -> (bundle: ProvenanceBundle, package: String?) {
            let project = try await Project.open(try workspace.projectOptions())
            let names = try project.targets([target])
            guard let name = names.first else { throw CommandError.usage("name a package") }
            return (try project.bundle(of: try await project.result(of: name), format: format), name.description)
        }
    }
}

extension ProvenanceCommand {
    struct Assert: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "assert",
            abstract: "Fails unless provenance says what is asked for.",
            discussion: """
                Example: martlet provenance assert --git-only --artifact server.tar.gz file://server.tar.gz

                Prints a line for each violation, and nothing when all is well. Exit status: 0 all holds, 1 something \
                does not, 2 wrong usage. Signatures are not looked at.
                """)

        @OptionGroup var source: Source

        @Flag(help: "Built from a clean commit of a Git repository, and nothing beside it.")
        var gitOnly = false

        @Flag(help: "Built with any martlet.")
        var builtWithMartlet = false

        @Option(help: ArgumentHelp("Built with this martlet.", valueName: "version"))
        var builtWithMartletVersion: String?

        @Flag(help: "Built with any Leeway.")
        var builtWithLeeway = false

        @Option(help: ArgumentHelp("Built with this Leeway.", valueName: "version"))
        var builtWithLeewayVersion: String?

        @Option(help: ArgumentHelp("The file is what the provenance speaks of.", valueName: "file"))
        var artifact: String?

        @Flag(help: "Built in a sandbox.")
        var sandboxed = false

        @Flag(help: "Every dependency has provenance in the bundle.")
        var allDependencies = false

        @Option(help: ArgumentHelp("Reaches this SLSA build level.", valueName: "n"))
        var slsaLevel: Int?

        @Flag(help: "No input differed from its commit.")
        var noDirty = false

        @Option(
            help: ArgumentHelp(
                "A policy that must allow it; unlike assertions, it looks at signatures.", valueName: "file"))
        var policy: String?

        @Option(help: ArgumentHelp("With --policy: the trusted root.", valueName: "file"))
        var trustedRoot: String?

        @Flag(help: "Prints the result as JSON.")
        var json = false

        @Flag(help: "Prints the result as SARIF.")
        var sarif = false

        func run() async throws {
            let (bundle, package) = try await source.bundle()
            if let policy {
                try await PolicyRun.assert(policy, bundle, package ?? source.target, artifact, trustedRoot, json: json)
                if try assertions(isOptional: true).isEmpty { return }
            }
            let report = BundlePolicy(try assertions(), target: package).check(bundle)
            if json {
                print(report.json.text(indented: true))
            } else if sarif {
                print(report.sarif(bundle: source.target, version: MartletProgram.version).text(indented: true))
            } else {
                for line in report.lines { print(line) }
            }
            guard report.isPassed else { throw ExitCode(1) }
        }

        private func assertions(isOptional: Bool = false) throws -> [Assertion] {
            var assertions: [Assertion] = []
            if gitOnly { assertions.append(.gitOnly) }
            if builtWithMartlet { assertions.append(.builtWithMartlet) }
            if let version = builtWithMartletVersion { assertions.append(.builtWithMartletVersion(version)) }
            if builtWithLeeway { assertions.append(.builtWithLeeway) }
            if let version = builtWithLeewayVersion { assertions.append(.builtWithLeewayVersion(version)) }
            if let artifact {
                let path = FilePath(artifact)
                assertions.append(
                    .artifact(.init(name: artifact, digest: try BundleFile.artifactDigest(of: path))))
            }
            if sandboxed { assertions.append(.sandboxed) }
            if allDependencies { assertions.append(.allDependencies) }
            if let level = slsaLevel {
                guard (1...3).contains(level) else { throw CommandError.usage("SLSA build levels are 1, 2 and 3") }
                assertions.append(.slsaLevel(level))
            }
            if noDirty { assertions.append(.noDirty) }
            guard !assertions.isEmpty || isOptional else {
                throw CommandError.usage("nothing is asserted; see `martlet provenance assert --help`")
            }
            return assertions
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Prints a provenance bundle, one envelope a line.",
            discussion: "Example: martlet provenance export components/server:app > bundle.jsonl")

        @OptionGroup var source: Source

        @Flag(help: "Prints the statements instead of the envelopes around them.")
        var decode = false

        @Option(help: "slsa-v1 or leeway-v0.2.")
        var format: ProvenanceFormat = .slsa

        func run() async throws {
            let (bundle, _) = try await source.bundle(format)
            guard decode else {
                try FileDescriptor.standardOutput.writeWhole(bundle.bytes())
                return
            }
            for entry in bundle.entries {
                try FileDescriptor.standardOutput.writeWhole(entry.envelope.payload + [UInt8(ascii: "\n")])
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows provenance as a tree: commit, tools, sandbox, dependencies.",
            discussion: "Example: martlet provenance show file://server.tar.gz")

        @OptionGroup var source: Source

        @Flag(help: "Draws with ASCII characters only.")
        var ascii = false

        func run() async throws {
            let (bundle, package) = try await source.bundle()
            let views = try bundle.entries.map { try ProvenanceView($0.envelope) }
            print(ProvenanceTree(views, target: package).text(style: ascii ? .ascii : .boxes), terminator: "")
        }
    }
}

extension ProvenanceFormat: ExpressibleByArgument {}

extension FileDescriptor {
    /// Writes all bytes.
    fileprivate func writeWhole(_ bytes: [UInt8]) throws { _ = try writeAll(bytes) }
}
