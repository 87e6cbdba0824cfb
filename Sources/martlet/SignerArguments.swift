internal import ArgumentParser
internal import Host
internal import Keys
internal import SystemPackage

/// Which key signs, and how it is opened. Every command that signs takes these.
///
/// References are text until they are used: the parser would repeat one that it refuses, and with it a PIN.
struct SignerArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The key: a file, pkcs11:URI, exec:PROGRAM?key=NAME, or env://VARIABLE.", valueName: "reference"))
    var key: String?

    @OptionGroup var opening: KeyOpeningArguments

    /// The key, ready to sign; a usage error where none is named.
    func signer() async throws -> any Signer {
        guard let key else { throw CommandError.usage("no key is named; give --key FILE, or a reference to a token") }
        return try await KeyReference(key).signer(opening.options)
    }
}

/// How a key is opened.
struct KeyOpeningArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A file or pipe with the passphrase or PIN. Default: $MARTLET_KEY_PASSWORD or $COSIGN_PASSWORD, for tokens \
            $MARTLET_PKCS11_PIN, else the terminal.
            """, valueName: "file"))
    var keyPasswordFile: String?

    @Option(help: ArgumentHelp("How RSA signatures are padded: pkcs1v15 or pss.", valueName: "padding"))
    var rsaPadding: RSAPadding = .pkcs1v15

    @Option(help: ArgumentHelp("How long a token or program may take for an answer.", valueName: "seconds"))
    var keyTimeout: Int = 60

    func validate() throws {
        guard (1...3600).contains(keyTimeout) else { throw ValidationError("--key-timeout is 1 to 3600 seconds") }
    }

    var secrets: SecretSource {
        SecretSource(file: keyPasswordFile.map { FilePath($0) }, environment: ProcessEnvironment.variables)
    }

    var options: KeyReference.Options {
        KeyReference.Options(secrets: secrets, padding: rsaPadding, timeLimit: .seconds(keyTimeout))
    }
}

extension RSAPadding: ExpressibleByArgument {
    /// Reads the option's text.
    public init?(argument: String) {
        self.init(name: argument)
    }

    /// The text that help shows.
    public var defaultValueDescription: String { name }
}
