internal import ArgumentParser
internal import Attest
internal import Build
internal import Bytes
internal import Host
internal import Inventory
internal import SystemPackage
internal import Workspace

struct SBOMCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sbom", abstract: "Writes bills of materials, and looks for known vulnerabilities in them.",
        discussion: "Example: martlet sbom export components/server:app --format cyclonedx",
        subcommands: [Export.self, Scan.self])

    /// What a bill is of.
    struct Source: ParsableArguments {
        @Argument(
            help: "A package, a folder, a tar archive, an OCI layout, or for scan a bill of materials as JSON.")
        var target: String

        @OptionGroup var workspace: WorkspaceArguments

        /// The bill: of a file or folder where there is one of that name, else of a package of `project`.
        func bill() async throws -> (bill: BillOfMaterials, project: Project?) {
            if try Files.exists(FilePath(target)) { return (try BillSource.bill(at: FilePath(target)), nil) }
            let project = try await Project.open(try workspace.projectOptions())
            guard let name = try project.targets([target]).first else { throw CommandError.usage("name a package") }
            return (try await project.bill(of: name), project)
        }
    }
}

extension SBOMCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Writes a bill of materials from lock files and installed packages.",
            discussion: """
                Example: martlet sbom export components/server:app --format cyclonedx -o server.cdx.json

                Equal contents give equal documents; $SOURCE_DATE_EPOCH sets their time. What a lock file leaves open \
                is said with its line. Exit status: 0 written, 1 with --require-pins where something is not pinned, 2 wrong \
                usage.
                """)

        @OptionGroup var source: Source

        @Option(help: "spdx (2.3), spdx3 (3.0.1), cyclonedx (1.6) or cyclonedx-1.5.")
        var format: BillFormat = .spdx

        @Option(name: .shortAndLong, help: ArgumentHelp("Where to write. Default: standard output.", valueName: "file"))
        var output: String?

        @Flag(help: "Writes an in-toto statement about the subject's digest, to be signed with `martlet sign`.")
        var statement = false

        @Flag(help: "Fails when something is not pinned.")
        var requirePins = false

        func run() async throws {
            let (bill, _) = try await source.bill()
            for finding in bill.unpinned { Failure.say("\(finding)") }
            let metadata = try BillMetadata(
                environment: ProcessEnvironment.variables, version: MartletProgram.version)
            let json = statement ? try bill.statement(format, metadata).json : bill.document(format, metadata)
            let bytes = json.bytes(indented: !statement) + [UInt8(ascii: "\n")]
            if let output {
                try Files.write(bytes, to: FilePath(output))
            } else {
                Output.write(String(decoding: bytes, as: UTF8.self))
            }
            if requirePins, !bill.unpinned.isEmpty { throw ExitCode(1) }
        }
    }
}

extension BillFormat: ExpressibleByArgument {}

extension SBOMCommand {
    struct Scan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "scan",
            abstract: "Looks for known vulnerabilities, in files of advisories alone.",
            discussion: """
                Example: martlet sbom scan server.tar.gz --advisories osv/ --fail-on high

                Advisories are OSV documents (a folder, a zip or tar archive, a file) or the JSON of Debian's security \
                tracker; nothing is asked over a network. Exit status: 0 nothing at or above the severity, 1 something \
                is, 2 wrong usage, 3 a file can't be read.
                """)

        @OptionGroup var source: Source

        @Option(
            help: ArgumentHelp(
                "Advisories. Repeatable. Default: $MARTLET_ADVISORIES, paths separated by colons.", valueName: "path"))
        var advisories: [String] = []

        @Option(
            help: ArgumentHelp(
                "Fails at this severity and above: low, medium, high or critical. Default: what WORKSPACE.yaml says, else low.",
                valueName: "severity"))
        var failOn: Severity?

        @Option(
            help: ArgumentHelp(
                "Rules about what to ignore, as YAML: id, package, reason, until. Repeatable.", valueName: "file"))
        var ignore: [String] = []

        @Option(help: ArgumentHelp("OpenVEX statements of the maker. Repeatable.", valueName: "file"))
        var vex: [String] = []

        @Option(
            help: ArgumentHelp(
                "The distribution of packages that don't name theirs, such as debian-12.", valueName: "name"))
        var distribution: String?

        @Flag(help: "Prints the findings as JSON.")
        var json = false

        @Flag(help: "Prints the findings as SARIF.")
        var sarif = false

        /// Tests, and people who ask what held then.
        @Option(name: .customLong("at"), help: .hidden)
        var moment: String?

        func run() async throws {
            let (bill, project) = try await source.bill()
            let settings = project?.workspace.file.settings.vulnerabilities
            var request = ScanRequest(
                advisories: advisories.isEmpty
                    ? ScanRequest.advisories(environment: ProcessEnvironment.variables)
                    : advisories.map { FilePath($0) },
                rules: ignore.map { FilePath($0) }, statements: vex.map { FilePath($0) }, distribution: distribution,
                now: try now())
            if let project, let settings { request.apply(settings, root: project.workspace.root) }
            let report = try request.report(on: bill)
            if json {
                Output.write(report.json)
            } else if sarif {
                Output.write(report.sarif(version: MartletProgram.version))
            } else {
                Output.write(report.text)
            }
            let threshold = failOn ?? settings.map { Severity(word: $0.failOn) } ?? .low
            if report.isBlocked(at: threshold) { throw ExitCode(1) }
        }

        private func now() throws -> Timestamp {
            let clock = Timestamp(seconds: Clocks.nowNanoseconds() / 1_000_000_000)
            guard let now = moment.map({ Timestamp($0) }) ?? clock else {
                throw CommandError.usage("--at takes a moment, as 2030-12-31T00:00:00Z")
            }
            return now
        }
    }
}

extension Severity: ExpressibleByArgument {}
