internal import ArgumentParser
internal import Bytes
internal import Host
internal import Sigstore
internal import SystemPackage

struct TrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Decides whom you trust: certificate authorities, logs and timestamp authorities.",
        discussion: """
            Example: martlet trust init --root root.json --mirror https://tuf.example.org

            Trust comes from a TUF repository, whose first root you get from somebody you believe, or from a file. Both \
            are kept in a folder, and commands that verify read nothing else.
            """,
        subcommands: [Initialize.self, Update.self, Show.self, Export.self, Import.self, Create.self])

    /// Says how fresh trust is, where the answer of a program does not get in the way.
    static func say(_ line: String) { try? Terminal(.standardError).write(line + "\n") }
}

extension TrustCommand {
    struct Initialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Begins to trust a TUF repository, on the word of its root.",
            discussion: """
                Example: martlet trust init --root root.json --mirror https://tuf.example.org

                Everything is believed because of this root: get it in a way that nobody can tamper with. It may be an \
                old one; newer ones are found by following the chain. Then it is brought up to date, unless --offline \
                is given.
                """)

        @Option(help: ArgumentHelp("The root.json to begin with.", valueName: "file"))
        var root: String

        @Option(help: ArgumentHelp("The repository: an address, or a folder.", valueName: "url|folder"))
        var mirror: String

        @Option(
            name: .customLong("target"),
            help: ArgumentHelp("Keeps another target too, such as registry.npmjs.org/keys.json.", valueName: "path"))
        var targets: [String] = []

        @Flag(help: "Replaces what is trusted now.")
        var force = false

        @OptionGroup var trust: TrustArguments

        func run() async throws {
            let directory = try trust.directory()
            if !force, try directory.isInitialized() {
                throw CommandError.usage(
                    "\(directory.path) says already whom you trust; update it, or replace it with --force")
            }
            let bytes = try Files.read(FilePath(root), limit: 1 << 20)
            let next = directory.successor
            let version = try next.initialize(
                root: bytes, settings: TrustDirectory.Settings(mirror: mirror, targets: targets))
            let material =
                trust.offline
                ? nil : try await trust.withClient { try await next.update(client: $0, at: trust.now()) }
            try directory.adoptSuccessor()
            Output.write("Trusting \(mirror.safeForTerminal) by root \(version), in \(directory.path)\n")
            if let material { Output.write(material.text(at: try trust.now())) }
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "update",
            abstract: "Brings what you trust up to date from the TUF repository.",
            discussion: """
                Example: martlet trust update

                Metadata that has expired is refused, and so is a state older than one that was seen before. Exit \
                status: 0 up to date, 1 the repository is not to be believed or has expired, 3 it can't be reached.
                """)

        @OptionGroup var trust: TrustArguments
        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            let directory = try trust.directory()
            let material = try await trust.withClient { try await directory.update(client: $0, at: trust.now()) }
            let now = try trust.now()
            if json { Output.write(material.json(at: now)) } else { Output.write(material.text(at: now)) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows whom you trust, since when and until when.",
            discussion: """
                Example: martlet trust show

                With a file, shows what is in that trusted root or client trust configuration.
                """)

        @Argument(help: "A trusted root or client trust configuration. Default: what you trust.")
        var file: String?

        @OptionGroup var trust: TrustArguments
        @Flag(help: "Prints JSON.")
        var json = false

        func run() async throws {
            let now = try trust.now()
            let material: TrustMaterial
            if let file {
                let bytes = try Files.read(FilePath(file), limit: 16 << 20)
                material = TrustMaterial(
                    config: try ClientTrustConfig(parsing: bytes), bytes: bytes, source: .file(file))
            } else {
                material = try await trust.directory().load(at: now)
            }
            if json { Output.write(material.json(at: now)) } else { Output.write(material.text(at: now)) }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Writes what you trust as one file, for machines without a network.",
            discussion: """
                Example: martlet trust export --output trusted_root.json

                Says on standard error how fresh it is. `martlet trust import` takes the file, and so do the \
                --trusted-root options of martlet and of other programs.
                """)

        @Option(help: ArgumentHelp("A file in place of standard output.", valueName: "file"))
        var output: String?

        @Flag(help: "Trusted root and signing configuration together (ClientTrustConfig).")
        var withSigningConfig = false

        @Option(help: ArgumentHelp("Another target that the repository vouches for.", valueName: "path"))
        var target: String?

        @OptionGroup var trust: TrustArguments

        func run() async throws {
            let directory = try trust.directory()
            let now = try trust.now()
            let material = try await directory.load(at: now)
            TrustCommand.say("martlet: \(material.freshness(at: now))")
            let bytes: [UInt8]
            if let target {
                bytes = try await directory.target(target, at: now)
            } else if withSigningConfig {
                guard material.config.signingConfig != nil else {
                    throw CommandError.no("there is no signing configuration; leave --with-signing-config out")
                }
                bytes = material.config.json.bytes(indented: true) + [0x0A]
            } else {
                bytes = material.config.trustedRoot.json.bytes(indented: true) + [0x0A]
            }
            if let output {
                try Files.write(bytes, to: FilePath(output))
            } else {
                Output.write(String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Trusts what somebody carried here: a file, or a copy of the TUF repository.",
            discussion: """
                Example: martlet trust import trusted_root.json

                A file is believed as it is. A folder with a copy of the repository that `martlet trust init` named is \
                verified like the repository itself: nothing older than what was seen, nothing expired.
                """)

        @Argument(help: "A trusted root, a client trust configuration, or a folder with TUF metadata and targets.")
        var path: String

        @OptionGroup var trust: TrustArguments

        func run() async throws {
            let directory = try trust.directory()
            let now = try trust.now()
            let path = FilePath(path)
            let material: TrustMaterial
            if try Files.status(path)?.kind == .directory {
                material = try await trust.withClient {
                    try await directory.update(from: path, client: $0, at: now)
                }
            } else {
                material = try directory.importFile(try Files.read(path, limit: 16 << 20))
            }
            Output.write(material.text(at: now))
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Makes a trusted root, and a signing configuration, from keys and certificates.",
            discussion: """
                Example: martlet trust create --fulcio url=https://ca.example.org,certificate-chain=ca.pem --output root.json

                Each service is NAME=VALUE pairs parted by commas: url, certificate-chain (its own certificate first) or \
                public-key, start-time, end-time, operator, origin (of checkpoints), and for --signing-config \
                api-version.
                """)

        @Option(help: ArgumentHelp("A certificate authority.", valueName: "service"))
        var fulcio: [String] = []

        @Option(help: ArgumentHelp("A transparency log.", valueName: "service"))
        var rekor: [String] = []

        @Option(help: ArgumentHelp("A certificate log.", valueName: "service"))
        var ctfe: [String] = []

        @Option(help: ArgumentHelp("A timestamp authority.", valueName: "service"))
        var tsa: [String] = []

        @Option(help: ArgumentHelp("An issuer of tokens, for the signing configuration.", valueName: "service"))
        var oidc: [String] = []

        @Option(help: ArgumentHelp("A file for the trusted root in place of standard output.", valueName: "file"))
        var output: String?

        @Option(help: ArgumentHelp("Writes a signing configuration for the same services.", valueName: "file"))
        var signingConfig: String?

        func run() throws {
            let creation = try TrustCreation(
                certificateAuthorities: fulcio, logs: rekor, certificateLogs: ctfe, timestampAuthorities: tsa,
                tokenIssuers: oidc)
            let root = try creation.trustedRoot().json
            if let signingConfig {
                let config = try creation.signingConfig().json
                try Files.write(config.bytes(indented: true) + [0x0A], to: FilePath(signingConfig))
            }
            if let output {
                try Files.write(root.bytes(indented: true) + [0x0A], to: FilePath(output))
            } else {
                Output.write(root)
            }
        }
    }
}
