internal import ArgumentParser
internal import Attest
internal import Bytes
internal import Host
internal import Policy
internal import Registry
internal import Reports
internal import Sigstore
internal import SystemPackage

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks who signed files and images, with the bundles beside them.",
        discussion: """
            Example: martlet verify server.tar.gz --key release.pub

            A target is a file, a directory (every file in it that has a bundle beside it), a digest as sha256:HEX, or an \
            image that names its registry, or is oci:FOLDER[:TAG]. \
            Bundles are looked for at FILE.sigstore.json, .sigstore, .sigstore.jsonl, .intoto.jsonl, \
            .provenance.jsonl, and inside archives that martlet saved; those of images are asked of their registry. Nothing \
            else is asked over a network. Exit status: 0 all verified, 1 something is not, 2 wrong usage, 3 a file can't \
            be read or a registry can't be asked.
            """)

    @Argument(help: ArgumentHelp("Files, directories, digests or images.", valueName: "target"))
    var targets: [String]

    @Option(help: ArgumentHelp("The bundle, where it is not beside its artifact.", valueName: "file"))
    var bundle: String?

    @Flag(help: "Takes the targets as bundles: checks what they say, about whatever they are about.")
    var bundlesOnly = false

    @OptionGroup var verification: VerificationArguments

    @Option(help: ArgumentHelp("The statement must have this predicate: a URI or a short name.", valueName: "type"))
    var type: String?

    @Option(
        help: ArgumentHelp(
            "A policy that must allow each target; it says who must have signed. Repeatable.", valueName: "file"))
    var policy: [String] = []

    @Flag(name: .shortAndLong, help: "Prints every check.")
    var verbose = false

    @Flag(help: "Prints the verdicts as JSON.")
    var json = false

    @Flag(help: "Opens no connection; verification never does, but for images in registries.")
    var offline = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        let hasImages = try targets.contains { try !Files.exists(FilePath($0)) && ImageAddress.isImage($0) }
        if !policy.isEmpty {
            guard !hasImages else {
                throw CommandError.usage("policies decide about an image by its digest; give sha256:HEX and --bundle")
            }
            let run = try PolicyRun(
                policyFiles: policy,
                trustedRoot: try await verification.readTrustedRoot(VerificationArguments.trustedRootVariable),
                now: try TrustArguments.clock())
            let results = try targets.map { try run.decide(artifact: $0, bundles: bundle.map { [$0] } ?? []) }
            return try PolicyRun.finish(results, json: json, verbose: verbose)
        }
        if hasImages {
            return try await verifyImages()
        }
        let verification = BundleVerification(
            verifier: try await verification.verifier(), bundle: bundle.map { FilePath($0) },
            predicateType: type.map { PredicateType.uri($0) })
        let verdicts = await verification.verify(
            try targets.flatMap { target throws -> [BundleVerification.Target] in
                if bundlesOnly { return [.bundles(FilePath(target))] }
                if case .digest(let digest) = try Self.target(target) { return [.digest(digest)] }
                return try BundleVerification.targets(at: FilePath(target))
            })
        try Self.finish(verdicts, json: json, verbose: verbose)
    }

    private func verifyImages() async throws {
        guard targets.allSatisfy({ ImageAddress.isImage($0) }), bundle == nil, !bundlesOnly else {
            throw CommandError.usage("images are verified by themselves, with what is beside them in their registry")
        }
        let checking = ImageVerification(
            verifier: try await verification.verifier(), predicateType: type.map { PredicateType.uri($0) })
        var verdicts: [BundleVerification.Verdict] = []
        try await registry.withClient(offline: offline) { client in
            for target in targets {
                let image = try await OpenImage(target, client)
                let outcome = try await checking.verify(image.name, in: image.source, shown: target)
                verdicts.append(outcome.verdict)
                guard !json, outcome.verdict.isVerified else { continue }
                let screen = Terminal(.standardError)
                for line in CosignText.checks(outcome, shown: target) { screen.say(line) }
                Output.write(CosignText.payloads(outcome, name: image.address.reference?.name ?? target).text() + "\n")
                if verbose {
                    let text = VerificationText(ink: Ink(for: screen), showsAll: true)
                    screen.say(text.lines([outcome.verdict]).joined(separator: "\n"))
                }
            }
        }
        if json { return try Self.finish(verdicts, json: true, verbose: verbose) }
        let refused = verdicts.filter { !$0.isVerified }
        if !refused.isEmpty { try Self.finish(refused, json: false, verbose: verbose) }
    }

    /// Prints the verdicts, and fails unless all are good.
    static func finish(_ verdicts: [BundleVerification.Verdict], json: Bool, verbose: Bool) throws {
        if json {
            Output.write(VerificationText.json(verdicts))
        } else {
            let screen = Terminal(.standardOutput)
            let text = VerificationText(ink: Ink(for: screen), showsAll: verbose)
            screen.say(text.lines(verdicts).joined(separator: "\n"))
        }
        guard !verdicts.isEmpty else { throw CommandError.no("no file has a bundle beside it") }
        guard verdicts.allSatisfy({ $0.isVerified || $0.isUndecided }) else { throw ExitCode(1) }
        guard verdicts.allSatisfy(\.isVerified) else { throw ExitCode(3) }
    }

    /// What a command's argument names: a file, or a digest that is no file.
    static func target(_ text: String) throws -> BundleVerification.Target {
        let path = FilePath(text)
        if try !Files.exists(path), let digest = MessageDigest(description: text) { return .digest(digest) }
        return .file(path)
    }
}

/// The protocol by which sigstore's conformance suite talks to clients (docs/cli_protocol.md there).
struct VerifyBundleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-bundle",
        abstract: "Checks one bundle for one file or digest, with the options of sigstore's conformance suite.",
        discussion: """
            Example: martlet verify-bundle --bundle a.txt.sigstore.json --certificate-identity me@example.org \
            --certificate-oidc-issuer https://issuer.example a.txt
            """)

    @Flag(help: "The trusted root is that of Sigstore's staging instance: $MARTLET_STAGING_TRUSTED_ROOT.")
    var staging = false

    @Option(help: ArgumentHelp("The bundle.", valueName: "file"))
    var bundle: String

    @OptionGroup var verification: VerificationArguments

    @Argument(help: ArgumentHelp("The file, or its digest as sha256:HEX.", valueName: "file-or-digest"))
    var artifact: String

    func run() async throws {
        let variable = staging ? "MARTLET_STAGING_TRUSTED_ROOT" : VerificationArguments.trustedRootVariable
        let checking = BundleVerification(
            verifier: try await verification.verifier(trustedRootVariable: variable), bundle: FilePath(bundle))
        try VerifyCommand.finish(checking.verify(try VerifyCommand.target(artifact)), json: false, verbose: false)
    }
}

struct VerifyAttestationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-attestation",
        abstract: "Checks an artifact's attestations of one type and prints them, one envelope a line.",
        discussion: """
            Example: martlet verify-attestation server.tar.gz --key release.pub --type slsaprovenance1 | jq -r .payload \
            | base64 -d
            """)

    @Argument(help: ArgumentHelp("A file, a digest as sha256:HEX, or an image.", valueName: "target"))
    var target: String

    @Option(help: ArgumentHelp("The bundle, where it is not beside its artifact.", valueName: "file"))
    var bundle: String?

    @Option(
        help: ArgumentHelp(
            "The predicate: a URI, or \(PredicateType.shortNames.joined(separator: ", ")).", valueName: "type"))
    var type: String = "slsaprovenance1"

    @OptionGroup var verification: VerificationArguments
    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        if try !Files.exists(FilePath(target)), ImageAddress.isImage(target) { return try await verifyImage() }
        let verification = BundleVerification(
            verifier: try await verification.verifier(), bundle: bundle.map { FilePath($0) },
            predicateType: PredicateType.uri(type))
        let verdicts = verification.verify(try VerifyCommand.target(target))
        let screen = Terminal(.standardError)
        screen.say(VerificationText(ink: Ink(for: screen), showsAll: true).lines(verdicts).joined(separator: "\n"))
        guard verdicts.allSatisfy(\.isVerified) else { throw ExitCode(1) }
        for bundle in verdicts.flatMap(\.verified) {
            if let envelope = bundle.envelope { Output.write(String(decoding: envelope.line, as: UTF8.self) + "\n") }
        }
    }

    private func verifyImage() async throws {
        guard bundle == nil else {
            throw CommandError.usage("an image is verified with what is beside it in its registry")
        }
        let checking = ImageVerification(
            verifier: try await verification.verifier(), predicateType: PredicateType.uri(type))
        let outcome = try await registry.withClient { client in
            let image = try await OpenImage(target, client)
            return try await checking.verify(image.name, in: image.source, shown: target)
        }
        let screen = Terminal(.standardError)
        guard outcome.verdict.isVerified else {
            let text = VerificationText(ink: Ink(for: screen), showsAll: false)
            screen.say(text.lines([outcome.verdict]).joined(separator: "\n"))
            throw ExitCode(1)
        }
        for line in CosignText.checks(outcome, shown: target) { screen.say(line) }
        for bundle in outcome.verdict.verified {
            if let envelope = bundle.envelope { Output.write(String(decoding: envelope.line, as: UTF8.self) + "\n") }
        }
    }
}
