internal import Bytes
internal import Host
package import SystemPackage

/// What `--key` names: a file, a key in a hardware token, a program that signs, or a variable of the environment.
package enum KeyReference: Hashable, Sendable {
    /// A file with a public or private key.
    case file(FilePath)
    /// `pkcs11:…`
    case pkcs11(PKCS11URI)
    /// `exec:PROGRAM?key=NAME`
    case program(ExternalProgram)
    /// `env://NAME`: a variable that holds the text of a key file.
    case variable(String)

    private static let variableScheme = "env://"
    /// References of cosign to services that are reached through a program here.
    private static let services = ["awskms://", "gcpkms://", "azurekms://", "hashivault://", "openbao://", "k8s://"]

    /// Reads a reference. What has no scheme is a path.
    package init(_ text: String) throws(KeyError) {
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw KeyError(.malformed, "an empty reference names no key")
        }
        if text.hasPrefix(PKCS11URI.scheme) {
            self = .pkcs11(try PKCS11URI(text))
        } else if text.hasPrefix(ExternalProgram.scheme) {
            self = .program(try ExternalProgram(text))
        } else if text.hasPrefix(Self.variableScheme) {
            let name = String(text.dropFirst(Self.variableScheme.count))
            guard !name.isEmpty, !name.contains("=") else {
                throw KeyError(.malformed, "env:// is followed by the name of a variable")
            }
            self = .variable(name)
        } else if let service = Self.services.first(where: { text.hasPrefix($0) }) {
            throw KeyError(
                .unsupported,
                "\(service) is not spoken directly; give a program that signs with that service, as exec:PROGRAM?key=NAME"
            )
        } else {
            self = .file(FilePath(text))
        }
    }

    /// How to open a key.
    package struct Options: Sendable {
        package var secrets: SecretSource
        /// How signatures of RSA keys are padded.
        package var padding: RSAPadding
        /// How long a token or a program may take for one answer.
        package var timeLimit: Duration

        package init(secrets: SecretSource, padding: RSAPadding = .pkcs1v15, timeLimit: Duration = .seconds(60)) {
            self.secrets = secrets
            self.padding = padding
            self.timeLimit = timeLimit
        }
    }

    /// The key, ready to sign.
    package func signer(_ options: Options) async throws(KeyError) -> any Signer {
        switch self {
        case .file, .variable:
            return PrivateKeySigner(try privateKey(options.secrets), padding: options.padding)
        case .pkcs11(let uri):
            return try await PKCS11Signer(
                uri, module: Self.module(options.secrets.environment),
                pin: try options.secrets.pin(for: uri.text, pinSource: uri.pinSource), padding: options.padding,
                timeLimit: options.timeLimit)
        case .program(let program):
            return try await ExternalSigner(program, padding: options.padding, timeLimit: options.timeLimit)
        }
    }

    /// The public key. A file may hold that alone; of a private key it is the public half.
    package func publicKey(_ options: Options) async throws(KeyError) -> PublicKey {
        switch self {
        case .file, .variable:
            let text = try text(options.secrets.environment)
            if let key = try PublicKey(fileContent: text.bytes) { return key }
            return try privateKey(options.secrets).publicKey
        case .pkcs11, .program: return try await signer(options).publicKey
        }
    }

    /// The private key itself; refused where another holds it.
    package func privateKey(_ secrets: SecretSource) throws(KeyError) -> PrivateKey {
        let text = try PrivateKeyText(try text(secrets.environment))
        try requireClosed(text)
        guard text.isEncrypted else { return try text.open() }
        guard let passphrase = try secrets.passphrase(for: description) else {
            throw KeyError(
                .wrongPassphrase,
                "\(description) is encrypted; set MARTLET_KEY_PASSWORD or give --key-password-file")
        }
        return try text.open(passphrase)
    }

    /// The module's file where a PKCS #11 URI names none.
    package static func module(_ environment: [String: String]) -> String? {
        environment["MARTLET_PKCS11_MODULE"] ?? environment["COSIGN_PKCS11_MODULE_PATH"]
    }

    private func text(_ environment: [String: String]) throws(KeyError) -> Secret {
        switch self {
        case .file(let path):
            do {
                return Secret(try Files.readStream(path, limit: PrivateKeyText.greatestByteCount))
            } catch let error as HostError where error.code == .notFound {
                throw KeyError(.absent, "there is no key file \(path); `martlet key generate` makes one")
            } catch {
                throw KeyError(.unavailable, "the key file can't be read: \(error)")
            }
        case .variable(let name):
            guard let text = environment[name] else {
                throw KeyError(.absent, "the variable \(name) is not set; it should hold the text of a key file")
            }
            return Secret(text)
        case .pkcs11, .program:
            throw KeyError(.unsupported, "\(description) is held by another, who does not give it away")
        }
    }

    /// Refuses a key that lies open for every user of the machine, and so for every step of a build as well.
    private func requireClosed(_ text: PrivateKeyText) throws(KeyError) {
        guard case .file(let path) = self, !text.isEncrypted, let status = try? Files.status(path),
            status.kind == .regular, status.mode & 0o007 != 0
        else { return }
        throw KeyError(
            .exposed,
            "everybody on this machine can read \(path), which is a private key without a passphrase; run `chmod 600` on it"
        )
    }
}

extension KeyReference: CustomStringConvertible {
    package var description: String {
        switch self {
        case .file(let path): path.string
        case .pkcs11(let uri): uri.text
        case .program(let program): ExternalProgram.scheme + program.program + (program.key.map { "?key=\($0)" } ?? "")
        case .variable(let name): Self.variableScheme + name
        }
    }
}

extension PublicKey {
    /// The public key that a file holds, in PEM or DER; `nil` where it holds something else.
    package init?(fileContent bytes: [UInt8]) throws(KeyError) {
        if bytes.first == 0x30 {
            guard let key = try? PublicKey(der: bytes) else { return nil }
            self = key
            return
        }
        guard let blocks = try? PEM.blocks(in: bytes),
            let label = blocks.first?.label, label == "PUBLIC KEY" || label == "RSA PUBLIC KEY"
        else { return nil }
        try self.init(pem: bytes)
    }
}
