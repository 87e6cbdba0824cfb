internal import ArgumentParser
internal import Bytes
internal import Host
internal import Keys
internal import SystemPackage

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Makes, shows and converts keys that sign.",
        discussion: "Example: martlet key generate --output release",
        subcommands: [Generate.self, Show.self, Import.self, Export.self])

    /// How private keys are kept in files.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case cosign, pkcs8

        var container: PrivateKeyText.Container { self == .cosign ? .cosign : .encryptedPKCS8 }
    }
}

extension KeyCommand {
    struct Generate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "generate",
            abstract: "Makes a key pair, in files or in a hardware token.",
            discussion: """
                Example: martlet key generate --output release

                Writes release.key, encrypted, and release.pub. With --key pkcs11:… the key is made in the token and \
                never leaves it: martlet key generate --key 'pkcs11:token=ci;object=release'
                """)

        @Option(
            help: ArgumentHelp(
                "\(KeyAlgorithm.generated.map(\.name).joined(separator: ", ")).", valueName: "name"))
        var algorithm: KeyAlgorithm = .ecdsaP256

        @Option(help: ArgumentHelp("The files' names without .key and .pub. Default: martlet.", valueName: "name"))
        var output: String?

        @Option(help: "How the private key is encrypted: cosign (as cosign does) or pkcs8 (as OpenSSL does).")
        var format: Format = .cosign

        @Option(help: ArgumentHelp("Makes the key in the token that this PKCS #11 URI names.", valueName: "uri"))
        var key: String?

        @OptionGroup var opening: KeyOpeningArguments

        func run() async throws {
            switch try key.map({ try KeyReference($0) }) {
            case nil:
                let files = try KeyFiles(output ?? "martlet")
                try files.requireAbsent()
                let passphrase = try opening.secrets.newPassphrase(for: files.privateKey.string)
                let key = try PrivateKey.generate(algorithm)
                try files.write(key, in: format.container, passphrase: passphrase)
                Output.write("Private key: \(files.privateKey)\nPublic key:  \(files.publicKey)\n")
                Output.write(key.publicKey.summary)
            case .pkcs11(let uri)?:
                let files = try output.map { try KeyFiles($0) }
                let secrets = opening.secrets
                let signer = try await PKCS11Signer.generate(
                    algorithm, at: uri, module: KeyReference.module(secrets.environment),
                    pin: try secrets.pin(for: uri.text, pinSource: uri.pinSource),
                    timeLimit: .seconds(opening.keyTimeout))
                if let files {
                    try files.write(signer.publicKey)
                    Output.write("Public key:  \(files.publicKey)\n")
                }
                Output.write(signer.publicKey.summary)
            case let other?:
                throw CommandError.usage("keys are made in files and in tokens, not in \(other); give a pkcs11: URI")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows a key's algorithm, id and public half.",
            discussion: """
                Example: martlet key show release.pub

                The id is the SHA-256 digest of the public key (SubjectPublicKeyInfo), which bundles carry as a hint.
                """)

        @Argument(help: "A file with a public or private key, pkcs11:URI, exec:PROGRAM?key=NAME, or env://VARIABLE.")
        var key: String

        @Flag(help: "Prints JSON.")
        var json = false

        @OptionGroup var opening: KeyOpeningArguments

        func run() async throws {
            let publicKey = try await KeyReference(key).publicKey(opening.options)
            if json { Output.write(publicKey.json) } else { Output.write(publicKey.summary) }
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Encrypts a private key of another program as a key file.",
            discussion: """
                Example: martlet key import server.pem --output release

                Reads PKCS #8, SEC 1, PKCS #1, encrypted PKCS #8 and cosign's keys, in PEM or DER, and writes \
                release.key and release.pub. The passphrase of the old file, where it has one, is asked for first.
                """)

        @Argument(help: "A file with a private key, or env://VARIABLE.")
        var key: String

        @Option(help: ArgumentHelp("The files' names without .key and .pub.", valueName: "name"))
        var output: String = "martlet"

        @Option(help: "How the private key is encrypted: cosign (as cosign does) or pkcs8 (as OpenSSL does).")
        var format: Format = .cosign

        @Option(help: ArgumentHelp("A file or pipe with the passphrase of the new file.", valueName: "file"))
        var newPasswordFile: String?

        @OptionGroup var opening: KeyOpeningArguments

        func run() async throws {
            let files = try KeyFiles(output)
            try files.requireAbsent()
            let privateKey = try KeyReference(key).privateKey(opening.secrets)
            var secrets = opening.secrets
            if let newPasswordFile { secrets.file = FilePath(newPasswordFile) }
            let passphrase = try secrets.newPassphrase(for: files.privateKey.string)
            try files.write(privateKey, in: format.container, passphrase: passphrase)
            Output.write("Private key: \(files.privateKey)\nPublic key:  \(files.publicKey)\n")
            Output.write(privateKey.publicKey.summary)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Prints the public key, or on request the private key.",
            discussion: """
                Example: martlet key export release.key > release.pub

                --private gives the private key without a passphrase, as PKCS #8; it is never printed on a terminal.
                """)

        @Argument(help: "A file with a public or private key, pkcs11:URI, exec:PROGRAM?key=NAME, or env://VARIABLE.")
        var key: String

        @Flag(help: "The private key, unencrypted (PKCS #8).")
        var `private` = false

        @Flag(help: "DER in place of PEM.")
        var der = false

        @Option(help: ArgumentHelp("A new file in place of standard output.", valueName: "file"))
        var output: String?

        @OptionGroup var opening: KeyOpeningArguments

        func run() async throws {
            let bytes: Secret
            if `private` {
                let privateKey = try KeyReference(key).privateKey(opening.secrets)
                bytes =
                    der
                    ? try privateKey.pkcs8 : try PrivateKeyText.text(of: privateKey, in: .pkcs8, passphrase: nil)
                if output == nil, Terminal(.standardOutput).isTerminal {
                    throw CommandError.usage("a private key is not printed on a terminal; give --output FILE")
                }
            } else {
                let publicKey = try await KeyReference(key).publicKey(opening.options)
                bytes = Secret(der ? publicKey.der : Array(publicKey.pem.utf8))
            }
            if let output {
                try KeyFiles.write(bytes, to: FilePath(output))
            } else {
                _ = try FileDescriptor.standardOutput.writeAll(bytes.bytes)
            }
        }
    }
}

extension KeyAlgorithm: ExpressibleByArgument {
    /// Reads the option's text.
    public init?(argument: String) {
        guard let algorithm = KeyAlgorithm(name: argument) else { return nil }
        self = algorithm
    }

    /// The text that help shows.
    public var defaultValueDescription: String { name }
}
