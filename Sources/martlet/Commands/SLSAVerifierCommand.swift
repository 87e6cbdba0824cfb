internal import ArgumentParser
internal import Attest
internal import Bytes
internal import Host
internal import Keys
internal import Policy
internal import Reports
internal import Sigstore
internal import SystemPackage

struct SLSAVerifierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slsa-verifier",
        abstract: "Takes the commands and options of slsa-verifier, and answers with its errors, offline.",
        discussion: """
            Example: martlet slsa-verifier verify-artifact app --provenance-path app.intoto.jsonl --source-uri \
            github.com/acme/app --source-tag v1.2.3

            Nothing is asked over a network: a statement without a log entry is refused as ErrorNoValidRekorEntries.
            """,
        subcommands: [VerifyArtifact.self, VerifyImage.self, VerifyPackage.self, VerifyGitHub.self, VerifySummary.self])

    /// What the commands about builds have in common.
    struct Source: ParsableArguments {
        @Option(
            name: .customLong("source-uri"),
            help: ArgumentHelp("The repository that must be the source.", valueName: "uri"))
        var sourceURI: String

        @Option(help: ArgumentHelp("The branch that it must be built from.", valueName: "branch"))
        var sourceBranch: String?

        @Option(help: ArgumentHelp("The tag that it must be built from.", valueName: "tag"))
        var sourceTag: String?

        @Option(help: ArgumentHelp("The version that it must be built from; parts may be left out.", valueName: "tag"))
        var sourceVersionedTag: String?

        @Option(
            name: .customLong("builder-id"), help: ArgumentHelp("The builder that must have built it.", valueName: "id")
        )
        var builderID: String?

        @Option(help: ArgumentHelp("An input that the workflow must have had; repeatable.", valueName: "name=value"))
        var buildWorkflowInput: [String] = []

        @Flag(help: "Prints the verified statement.")
        var printProvenance = false

        @Option(
            help: ArgumentHelp(
                "The trusted root. Default: $MARTLET_TRUSTED_ROOT, else that of `martlet trust`.", valueName: "file"))
        var trustedRoot: String?

        func validate() throws {
            if sourceTag != nil, sourceVersionedTag != nil {
                throw ValidationError("give --source-tag or --source-versioned-tag, not both")
            }
        }

        func options() throws -> SLSAVerifierRun.Options {
            var options = SLSAVerifierRun.Options(sourceURI: sourceURI)
            options.builderID = builderID
            options.sourceBranch = sourceBranch
            options.sourceTag = sourceTag
            options.sourceVersionedTag = sourceVersionedTag
            for input in buildWorkflowInput {
                guard let equals = input.firstIndex(of: "=") else {
                    throw CommandError.usage("--build-workflow-input takes NAME=VALUE, not \(input)")
                }
                options.workflowInputs[String(input[..<equals])] = String(input[input.index(after: equals)...])
            }
            return options
        }

        func verify(
            _ command: SLSAVerifierRun.Command, _ options: SLSAVerifierRun.Options, _ path: String, _ name: String,
            digests: [String]
        ) async throws {
            var arguments = try VerificationArguments.parse([])
            arguments.trustedRoot = trustedRoot
            guard let root = try await arguments.readTrustedRoot(VerificationArguments.trustedRootVariable) else {
                throw CommandError.usage(
                    "there is no trusted root; give --trusted-root FILE, or run `martlet trust init`")
            }
            try SLSAVerifierCommand.finish(name) {
                let (builder, evidence) = try SLSAVerifierRun(command, options).verify(
                    FilePath(path), digests: digests, trustedRoot: root)
                Terminal(.standardError).say("Verified build using builder \"\(builder.safeForTerminal)\"")
                if printProvenance, let statement = evidence.statement { Output.write(statement.json.text() + "\n") }
            }
        }
    }

    /// Prints slsa-verifier's last line.
    static func finish(_ name: String, _ body: () throws -> Void) throws {
        let screen = Terminal(.standardError)
        do {
            try body()
            screen.say("Verifying \(name.safeForTerminal): PASSED")
            screen.say("PASSED: SLSA verification passed")
        } catch let error as SLSAVerifierError {
            screen.say("Verifying \(name.safeForTerminal): FAILED: \(error.description.safeForTerminal)")
            screen.say("FAILED: SLSA verification failed: \(error.description.safeForTerminal)")
            throw ExitCode(1)
        }
    }
}

extension SLSAVerifierCommand {
    struct VerifyArtifact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-artifact", abstract: "Verifies files that a trusted builder made.",
            discussion: """
                Example: martlet slsa-verifier verify-artifact app --provenance-path app.intoto.jsonl --source-uri \
                github.com/acme/app
                """)

        @Argument(help: ArgumentHelp("The files.", valueName: "artifact"))
        var artifacts: [String]

        @Option(help: ArgumentHelp("The file with the provenance.", valueName: "file"))
        var provenancePath: String

        @OptionGroup var source: Source

        func run() async throws {
            for artifact in artifacts {
                let digest = try FileArtifact(FilePath(artifact)).digest(.sha256)
                try await source.verify(
                    .artifact, try source.options(), provenancePath, artifact, digests: digest.map { ["\($0)"] } ?? [])
            }
        }
    }

    struct VerifyImage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-image", abstract: "Verifies an image that a trusted builder made.",
            discussion: """
                Example: martlet slsa-verifier verify-image ghcr.io/acme/app@sha256:HEX --provenance-path app.sigstore.json \
                --source-uri github.com/acme/app
                """)

        @Argument(help: ArgumentHelp("The image by digest.", valueName: "image"))
        var image: String

        @Option(help: ArgumentHelp("The file with the provenance.", valueName: "file"))
        var provenancePath: String

        @OptionGroup var source: Source

        func run() async throws {
            guard let digest = try ImageName(image).digest else {
                return try SLSAVerifierCommand.finish(image) { throw SLSAVerifierError(.mutableImage, image) }
            }
            try await source.verify(.image, try source.options(), provenancePath, image, digests: [digest])
        }
    }

    struct VerifyPackage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-npm-package", abstract: "Verifies a package of npm's registry.",
            discussion: """
                Example: martlet slsa-verifier verify-npm-package app.tgz --attestations-path app.json --package-name \
                @acme/app --package-version 1.2.3 --source-uri github.com/acme/app
                """)

        @Argument(help: ArgumentHelp("The package's archive.", valueName: "tarball"))
        var tarball: String

        @Option(help: ArgumentHelp("The file with the registry's attestations.", valueName: "file"))
        var attestationsPath: String

        @Option(help: ArgumentHelp("The name that it must have.", valueName: "name"))
        var packageName: String

        @Option(help: ArgumentHelp("The version that it must have.", valueName: "version"))
        var packageVersion: String

        @OptionGroup var source: Source

        func run() async throws {
            var options = try source.options()
            options.packageName = packageName
            options.packageVersion = packageVersion
            let digest = try FileArtifact(FilePath(tarball)).digest(.sha512)
            try await source.verify(
                .npmPackage, options, attestationsPath, tarball, digests: digest.map { ["\($0)"] } ?? [])
        }
    }

    struct VerifyGitHub: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-github-attestation", abstract: "Verifies an attestation that GitHub keeps.",
            discussion: """
                Example: martlet slsa-verifier verify-github-attestation app.tar.gz --attestation-path app.sigstore.json \
                --source-uri github.com/acme/app --builder-id https://github.com/acme/ci/.github/workflows/release.yml
                """)

        @Argument(help: ArgumentHelp("The file.", valueName: "artifact"))
        var artifact: String

        @Option(help: ArgumentHelp("The file with the attestation.", valueName: "file"))
        var attestationPath: String

        @OptionGroup var source: Source

        func run() async throws {
            let digest = try FileArtifact(FilePath(artifact)).digest(.sha256)
            try await source.verify(
                .gitHubAttestation, try source.options(), attestationPath, artifact,
                digests: digest.map { ["\($0)"] } ?? [])
        }
    }

    struct VerifySummary: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-vsa", abstract: "Verifies a verification summary.",
            discussion: """
                Example: martlet slsa-verifier verify-vsa --subject-digest sha256:HEX --attestation-path vsa.jsonl \
                --verifier-id https://verifier.example --resource-uri pkg:generic/app --verified-level \
                SLSA_BUILD_LEVEL_3 --public-key-path verifier.pub
                """)

        @Option(help: ArgumentHelp("A digest that must be a subject; repeatable.", valueName: "digest"))
        var subjectDigest: [String] = []

        @Option(help: ArgumentHelp("The file with the summary.", valueName: "file"))
        var attestationPath: String

        @Option(name: .customLong("verifier-id"), help: ArgumentHelp("Who must have verified.", valueName: "uri"))
        var verifierID: String

        @Option(
            name: .customLong("resource-uri"), help: ArgumentHelp("What must have been verified.", valueName: "uri"))
        var resourceURI: String

        @Option(help: ArgumentHelp("A level that must be reached; repeatable.", valueName: "level"))
        var verifiedLevel: [String] = []

        @Option(help: ArgumentHelp("The verifier's public key.", valueName: "file"))
        var publicKeyPath: String

        @Option(name: .customLong("public-key-id"), help: ArgumentHelp("A hint, which is not needed.", valueName: "id"))
        var publicKeyID: String?

        @Option(help: ArgumentHelp("sha256, which is the key's own in any case.", valueName: "name"))
        var publicKeySigningHashAlgo: String?

        @Flag(help: "Prints the verified statement.")
        var printAttestation = false

        func run() async throws {
            let now = try TrustArguments.clock()
            try SLSAVerifierCommand.finish(resourceURI) {
                let key: PublicKey
                do {
                    key = try PublicKey(pem: Files.read(FilePath(publicKeyPath), limit: 64 << 10))
                } catch let error as KeyError {
                    throw SLSAVerifierError(.invalidPublicKey, error.description)
                }
                let summary = SLSAVerifierSummary(
                    subjectDigests: subjectDigest, verifierID: verifierID, resourceURI: resourceURI,
                    verifiedLevels: verifiedLevel)
                let evidence = try summary.verify(FilePath(attestationPath), key: key, at: now)
                if printAttestation, let statement = evidence.statement { Output.write(statement.json.text() + "\n") }
            }
        }
    }
}
