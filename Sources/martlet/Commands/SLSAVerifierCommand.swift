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

            No log is asked: of a statement without its log entry all else is checked, and when nothing is wrong with \
            it, the answer is ErrorRekorSearch and exit code 3. Images without --provenance-path are looked up in their \
            registry.
            """,
        subcommands: [VerifyArtifact.self, VerifyImage.self, VerifyPackage.self, VerifyGitHub.self, VerifySummary.self])

    /// What the commands about builds have in common.
    struct Source: ParsableArguments {
        @Option(
            name: .customLong("source-uri"),
            help: ArgumentHelp(
                "The repository that must be the source, as github.com/ORGANIZATION/REPOSITORY.", valueName: "uri"))
        var sourceURI: String

        @Option(
            name: .customLong("builder-id"), help: ArgumentHelp("The builder that must have built it.", valueName: "id")
        )
        var builderID: String?

        @Option(help: ArgumentHelp("An input that the workflow must have had; repeatable.", valueName: "name=value"))
        var buildWorkflowInput: [String] = []

        @Option(
            help: ArgumentHelp(
                "The trusted root. Default: $MARTLET_TRUSTED_ROOT, else that of `martlet trust`.", valueName: "file"))
        var trustedRoot: String?

        func options() throws -> SLSAVerifierRun.Options {
            var options = SLSAVerifierRun.Options(sourceURI: sourceURI)
            options.builderID = builderID
            for input in buildWorkflowInput {
                guard let equals = input.firstIndex(of: "=") else {
                    throw CommandError.usage("--build-workflow-input takes NAME=VALUE, not \(input)")
                }
                options.workflowInputs[String(input[..<equals])] = String(input[input.index(after: equals)...])
            }
            return options
        }

        func trust() async throws -> SLSAVerifierTrust {
            var arguments = try VerificationArguments.parse([])
            arguments.trustedRoot = trustedRoot
            guard let root = try await arguments.readTrustedRoot(VerificationArguments.trustedRootVariable) else {
                throw CommandError.usage(
                    "there is no trusted root; give --trusted-root FILE, or run `martlet trust init`")
            }
            return SLSAVerifierTrust(trustedRoot: root)
        }
    }

    /// What it was built from, for those commands that ask.
    struct Reference: ParsableArguments {
        @Option(help: ArgumentHelp("The branch that it must be built from.", valueName: "branch"))
        var sourceBranch: String?

        @Option(help: ArgumentHelp("The tag that it must be built from.", valueName: "tag"))
        var sourceTag: String?

        @Option(help: ArgumentHelp("The version that it must be built from; parts may be left out.", valueName: "tag"))
        var sourceVersionedTag: String?

        @Flag(help: "Prints the verified statement.")
        var printProvenance = false

        func validate() throws {
            if sourceTag != nil, sourceVersionedTag != nil {
                throw ValidationError("give --source-tag or --source-versioned-tag, not both")
            }
        }

        func add(to options: inout SLSAVerifierRun.Options) {
            options.sourceBranch = sourceBranch
            options.sourceTag = sourceTag
            options.sourceVersionedTag = sourceVersionedTag
        }
    }

    /// Says what slsa-verifier says about one artifact, and fails as it does.
    static func check(
        _ name: String, _ body: () async throws -> SLSAVerifierRun.Verified
    ) async throws -> SLSAVerifierRun.Verified {
        let screen = Terminal(.standardError)
        do {
            let verified = try await body()
            let commit = verified.commit.map { " at commit \($0.safeForTerminal)" } ?? ""
            screen.say("Verified build using builder \"\(verified.builder.safeForTerminal)\"\(commit)")
            screen.say("Verifying \(name.safeForTerminal): PASSED")
            return verified
        } catch let error as SLSAVerifierError {
            throw failed(name, error)
        }
    }

    /// Says why verification fails, and gives the exit code.
    static func failed(_ name: String, _ error: SLSAVerifierError) -> ExitCode {
        let screen = Terminal(.standardError)
        screen.say("Verifying \(name.safeForTerminal): FAILED: \(error.description.safeForTerminal)")
        screen.say("FAILED: SLSA verification failed: \(error.description.safeForTerminal)")
        return ExitCode(error.isUndecided ? 3 : 1)
    }

    /// slsa-verifier's last line.
    static func pass() { Terminal(.standardError).say("PASSED: SLSA verification passed") }

    static func write(_ payload: [UInt8]) { Output.write(String(decoding: payload, as: UTF8.self) + "\n") }
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

        @Option(
            help: ArgumentHelp(
                "The log's answer about provenance that does not hold it, as /api/v1/log/entries gives it.",
                valueName: "file"))
        var logEntry: String?

        @OptionGroup var source: Source
        @OptionGroup var reference: Reference

        func run() async throws {
            var options = try source.options()
            reference.add(to: &options)
            let run = SLSAVerifierRun(.artifact, options)
            var trust: SLSAVerifierTrust?
            var builder: String?
            for artifact in artifacts {
                let verified = try await SLSAVerifierCommand.check("artifact \(artifact)") {
                    try run.checkAuthority()
                    let trusted = try await known(trust)
                    trust = trusted
                    return try run.verify(
                        FilePath(provenancePath), digest: try Hashes.digest(artifact, .sha256), trust: trusted)
                }
                if reference.printProvenance { SLSAVerifierCommand.write(verified.payload) }
                if let builder, builder != verified.builder {
                    throw SLSAVerifierCommand.failed(
                        "artifact \(artifact)",
                        SLSAVerifierError(.mismatchBuilderID, "built by \(builder) and by \(verified.builder)"))
                }
                builder = verified.builder
            }
            SLSAVerifierCommand.pass()
        }

        /// What is believed; read once for all artifacts.
        private func known(_ trust: SLSAVerifierTrust?) async throws -> SLSAVerifierTrust {
            if let trust { return trust }
            var trust = try await source.trust()
            if let logEntry {
                trust.logEntry = try LogEntry(answerV1: Files.read(FilePath(logEntry), limit: 32 << 20))
            }
            return trust
        }
    }

    struct VerifyPackage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-npm-package", abstract: "Verifies a package of npm's registry.",
            discussion: """
                Example: martlet slsa-verifier verify-npm-package app.tgz --attestations-path app.json --package-name \
                @acme/app --package-version 1.2.3 --source-uri github.com/acme/app --builder-id \
                https://github.com/actions/runner/github-hosted --registry-keys keys.json

                The attestations are what registry.npmjs.org/-/npm/v1/attestations/NAME@VERSION answers.
                """)

        @Argument(help: ArgumentHelp("The package's archive.", valueName: "tarball"))
        var tarball: String

        @Option(help: ArgumentHelp("The file with the registry's attestations.", valueName: "file"))
        var attestationsPath: String

        @Option(help: ArgumentHelp("The name that it must have. Default: any.", valueName: "name"))
        var packageName: String?

        @Option(help: ArgumentHelp("The version that it must have. Default: any.", valueName: "version"))
        var packageVersion: String?

        @Option(
            help: ArgumentHelp(
                """
                The registry's keys, registry.npmjs.org/keys.json of Sigstore's TUF repository. Default: those that \
                `martlet trust` keeps.
                """, valueName: "file"))
        var registryKeys: String?

        @OptionGroup var source: Source
        @OptionGroup var reference: Reference

        func run() async throws {
            var options = try source.options()
            options.packageName = packageName
            options.packageVersion = packageVersion
            let run = SLSAVerifierRun(.npmPackage, options)
            _ = try await SLSAVerifierCommand.check("npm package \(tarball)") {
                let references = [reference.sourceBranch, reference.sourceTag, reference.sourceVersionedTag]
                if references.contains(where: { $0 != nil }) || reference.printProvenance {
                    throw SLSAVerifierError(
                        .notSupported, "npm's statements have no branch and no tag, and are not printed")
                }
                try run.checkAuthority()
                var trust = try await source.trust()
                trust.registryKeys = try await keys()
                return try run.verify(
                    FilePath(attestationsPath), digest: try Hashes.digest(tarball, .sha512), trust: trust)
            }
            SLSAVerifierCommand.pass()
        }

        private static let target = "registry.npmjs.org/keys.json"

        private func keys() async throws -> NamedKeys? {
            let usage = "npm:attestations"
            if let registryKeys {
                return try NamedKeys(parsing: Files.read(FilePath(registryKeys), limit: 1 << 20), usage: usage)
            }
            guard let directory = try? TrustDirectory(environment: ProcessEnvironment.variables),
                try directory.isInitialized(),
                let bytes = try? await directory.target(Self.target, at: TrustArguments.clock())
            else { return nil }
            return try NamedKeys(parsing: bytes, usage: usage)
        }
    }

    struct VerifyGitHub: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-github-attestation", abstract: "Verifies an attestation that GitHub keeps.",
            discussion: """
                Example: martlet slsa-verifier verify-github-attestation MODULE.bazel --attestation-path \
                MODULE.bazel.intoto.jsonl --source-uri github.com/acme/rules --builder-id \
                https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml

                Attestations of other workflows are for `martlet verify` or a policy.
                """)

        @Argument(help: ArgumentHelp("The file.", valueName: "artifact"))
        var artifact: String

        @Option(help: ArgumentHelp("The file with the attestation.", valueName: "file"))
        var attestationPath: String

        @Flag(help: "Prints the verified statement.")
        var printAttestation = false

        @OptionGroup var source: Source

        func run() async throws {
            let run = SLSAVerifierRun(.gitHubAttestation, try source.options())
            let verified = try await SLSAVerifierCommand.check("artifact \(artifact)") {
                try run.checkAuthority()
                return try run.verify(
                    FilePath(attestationPath), digest: try Hashes.digest(artifact, .sha256),
                    trust: try await source.trust())
            }
            if printAttestation { SLSAVerifierCommand.write(verified.payload) }
            SLSAVerifierCommand.pass()
        }
    }

    /// The digest of a file in hexadecimal.
    private enum Hashes {
        static func digest(_ file: String, _ algorithm: HashAlgorithm) throws -> String {
            guard let digest = try FileArtifact(FilePath(file)).digest(algorithm) else {
                throw SLSAVerifierError(.invalidHash, "\(file) has no digest by \(algorithm.rawValue)")
            }
            return digest.hex
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

        @Option(
            name: .customLong("public-key-id"),
            help: ArgumentHelp(
                "What signatures call the key. Default: its fingerprint, as ssh-keygen prints it.", valueName: "id"))
        var publicKeyID: String?

        @Option(help: ArgumentHelp("sha256, which is the key's own in any case.", valueName: "name"))
        var publicKeySigningHashAlgo: String?

        @Flag(help: "Prints the verified statement.")
        var printAttestation = false

        func run() async throws {
            do {
                let key: PublicKey
                do {
                    key = try PublicKey(pem: Files.read(FilePath(publicKeyPath), limit: 64 << 10))
                } catch let error as KeyError {
                    throw SLSAVerifierError(.invalidPublicKey, error.description)
                }
                let payload = try SLSAVerifierSummary(
                    subjectDigests: subjectDigest, verifierID: verifierID, resourceURI: resourceURI,
                    verifiedLevels: verifiedLevel
                ).verify(FilePath(attestationPath), key: key, keyID: publicKeyID)
                if printAttestation { SLSAVerifierCommand.write(payload) }
            } catch let error as SLSAVerifierError {
                throw SLSAVerifierCommand.failed("VSA", error)
            }
            Terminal(.standardError).say("Verifying VSA: PASSED")
            SLSAVerifierCommand.pass()
        }
    }
}
