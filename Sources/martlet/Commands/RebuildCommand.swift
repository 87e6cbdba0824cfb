internal import ArgumentParser
internal import Attest
internal import Build
internal import Bytes
internal import Host
internal import Registry
internal import Reports
internal import Sigstore
internal import SystemPackage

struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Builds an image or a package again from its provenance, and compares.",
        discussion: """
            Example: martlet rebuild registry.example/team/app:1.2 --key release.pub --repository ~/src/app

            The provenance must be signed by whom the options name. The commit's files are taken from the clone, \
            checked against the commit's name, and built in an empty cache. What differs is told layer by layer and file \
            by file. Exit status: 0 equal, 1 different or not verified, 2 wrong usage, 3 could not tell.
            """)

    @Argument(
        help: ArgumentHelp("An image, or an archive that `martlet build --save` wrote.", valueName: "target"))
    var target: String

    @Option(
        help: ArgumentHelp(
            "A clone of the sources that has the commit. Default: the current directory.", valueName: "dir"))
    var repository: String?

    @Option(
        help: ArgumentHelp(
            "The definition that `martlet image build` built the image from, its lock beside it.", valueName: "file"))
    var definition: String?

    @Option(help: ArgumentHelp("The provenance, where it is not beside the target.", valueName: "file"))
    var bundle: String?

    @Flag(help: "Takes provenance that nobody signed.")
    var unverified = false

    @Option(
        name: [.customShort("D", allowingJoined: true), .customLong("build-arg")],
        help: ArgumentHelp("Sets a build argument that the provenance hides. Repeatable.", valueName: "name=value"))
    var arguments: [String] = []

    @Option(
        help: ArgumentHelp(
            "Signs the verdict: a key, or keyless. It becomes a referrer of an image.", valueName: "key"))
    var sign: String?

    @Flag(help: "With --sign and a key: has logs and timestamp authorities witness the signature.")
    var witnessed = false

    @Option(help: ArgumentHelp("A file with the identity token for --sign keyless.", valueName: "file"))
    var identityTokenFile: String?

    @Option(help: ArgumentHelp("The services to sign with. Default: those of `martlet trust`.", valueName: "file"))
    var signingConfig: String?

    @Option(
        help: ArgumentHelp("Who says so: the verifier in the verdict.", valueName: "uri"))
    var verifierID: String = RebuildReport.verifier

    @Option(help: ArgumentHelp("A file for the verdict: a bundle with --sign, else a statement.", valueName: "file"))
    var output: String?

    @OptionGroup var verification: VerificationArguments
    @OptionGroup var registry: RegistryArguments

    @Flag(help: "Prints the report as JSON.")
    var json = false

    func run() async throws {
        let isFile = try Files.exists(FilePath(target))
        guard isFile || ImageAddress.isImage(target) else {
            throw CommandError.usage("\(target) is neither a file nor an image")
        }
        var options = ProjectOptions(
            directory: try ProcessEnvironment.directory, environment: ProcessEnvironment.variables)
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                throw CommandError.usage("-D wants name=value, not '\(argument)'")
            }
            options.arguments[String(argument[..<equals])] = String(argument[argument.index(after: equals)...])
        }
        let run = RebuildRun(
            verifier: unverified ? nil : try await verification.verifier(), bundle: bundle.map { FilePath($0) },
            repository: repository.map { options.directory.pushing(FilePath($0)) } ?? options.directory,
            definition: definition.map { FilePath($0) }, options: options,
            building: BuildOptions())
        let report = try await registry.withClient { client in
            let image = isFile ? nil : try await OpenImage(target, client)
            let report = try await Self.told {
                guard let image else { return try await run.archive(FilePath(target)) }
                return try await run.image(image, target)
            }
            try await publish(report, image)
            return report
        }
        if json { Output.write(report.json) } else { Output.write(report.lines.joined(separator: "\n") + "\n") }
        guard report.isEqual else { throw ExitCode(1) }
    }

    /// A build that fails says nothing of what was built before.
    private static func told(_ body: () async throws -> RebuildReport) async throws -> RebuildReport {
        do {
            return try await body()
        } catch let error as BuildError where error.code != .configuration {
            throw CommandError(message: "\(error)", status: 3)
        }
    }

    private func publish(_ report: RebuildReport, _ image: OpenImage?) async throws {
        guard sign != nil || output != nil else { return }
        let now = try TrustArguments.clock()
        let digest = report.expected.split(separator: ":").map(String.init)
        var subjects = [Subject(name: target, digest: [digest.first ?? "sha256": digest.last ?? ""])]
        // The file with the provenance in front, by which others look for verdicts.
        if image == nil {
            let whole = Subject(name: target, digest: ["sha256": try Files.digest(of: FilePath(target)).digest.hex])
            if whole != subjects[0] { subjects.append(whole) }
        }
        let statement = report.summary(verifier: verifierID, version: MartletProgram.version, at: now)
            .statement(about: subjects)
        guard let sign else {
            if let output { try Files.write(statement.payload, to: FilePath(output)) }
            return
        }
        var words = sign == "keyless" ? [] : ["--key", sign]
        if let identityTokenFile { words += ["--identity-token-file", identityTokenFile] }
        if let signingConfig { words += ["--signing-config", signingConfig] }
        if let root = verification.trustedRoot { words += ["--trusted-root", root] }
        if witnessed { words.append("--witnessed") }
        let signed = try await SigningArguments.parse(words).sign(
            .payload(type: Statement.payloadType, statement.payload))
        if let output { try Files.write(signed.bytes, to: FilePath(output)) }
        guard let image else { return }
        guard let place = image.source as? any ImageSource & ImageTarget else {
            if output != nil { return }
            throw CommandError.usage("\(image.source.shown) can't be changed; keep the verdict with --output")
        }
        let put = try await AttachedContent(
            bundle: signed.bundle.json.bytes(), predicateType: VerificationSummary.predicateType, created: now
        ).attach(to: try await place.resolve(image.name), in: place)
        Terminal(.standardError).say("verdict: \(signed.summary), attached as \(put.digest)")
    }
}
