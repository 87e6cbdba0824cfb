internal import Host
package import SystemPackage

/// Where a passphrase or a PIN comes from: a file or a pipe, the environment, a person. Never from an argument, which
/// everybody on the machine can read.
package struct SecretSource: Sendable {
    /// A file or pipe that holds the secret; one line end at its end is not part of it.
    package var file: FilePath?
    /// Variables that may hold a passphrase, the first that is set counts.
    package static let passphraseVariables = ["MARTLET_KEY_PASSWORD", "COSIGN_PASSWORD"]
    /// Variables that may hold a token's PIN.
    package static let pinVariables = ["MARTLET_PKCS11_PIN", "COSIGN_PKCS11_PIN"]
    /// Whether a person at the terminal may be asked.
    package var asks: Bool
    /// The environment.
    package var environment: [String: String]

    package init(file: FilePath? = nil, asks: Bool = true, environment: [String: String]) {
        self.file = file
        self.asks = asks
        self.environment = environment
    }

    private static let greatestByteCount = 4096

    /// The passphrase that opens `name`; `nil` where nobody gives one.
    package func passphrase(for name: String) throws(KeyError) -> Secret? {
        try secret(Self.passphraseVariables, "Passphrase of \(name): ")
    }

    /// The PIN of a token. `pinSource` is what its URI names, and is looked at first.
    package func pin(for name: String, pinSource: FilePath?) throws(KeyError) -> Secret? {
        if let pinSource { return try Self.read(pinSource) }
        return try secret(Self.pinVariables, "PIN of \(name): ")
    }

    /// The secret in the file or, without one, in a variable of its own, else what a person answers to `prompt`.
    package func secret(of variable: String, prompt: String? = nil) throws(KeyError) -> Secret? {
        if file == nil, environment[variable] == nil, prompt == nil { return nil }
        return try secret([variable], prompt ?? "")
    }

    /// A passphrase for a new key file; a person types it twice. Refused where nobody gives one, for a key is not
    /// written without a decision about it.
    package func newPassphrase(for name: String) throws(KeyError) -> Secret {
        guard let secret = try secret(Self.passphraseVariables, "New passphrase of \(name): ") else {
            throw KeyError(
                .wrongPassphrase,
                "a new key file needs a passphrase; set MARTLET_KEY_PASSWORD or give --key-password-file (either may be empty)"
            )
        }
        guard file == nil, !Self.passphraseVariables.contains(where: { environment[$0] != nil }) else { return secret }
        guard try ask("The same once more: ")?.bytes == secret.bytes else {
            throw KeyError(.wrongPassphrase, "the two passphrases differ; nothing was written")
        }
        return secret
    }

    private func secret(_ variables: [String], _ prompt: String) throws(KeyError) -> Secret? {
        if let file { return try Self.read(file) }
        for name in variables {
            if let value = environment[name] { return Secret(value) }
        }
        return try ask(prompt)
    }

    private func ask(_ prompt: String) throws(KeyError) -> Secret? {
        guard asks else { return nil }
        do {
            return try Terminal.readSecret(prompt).map { Secret($0) }
        } catch {
            throw KeyError(.wrongPassphrase, "no passphrase was given")
        }
    }

    private static func read(_ path: FilePath) throws(KeyError) -> Secret {
        do {
            return Secret(fileContent: try Files.readStream(path, limit: greatestByteCount))
        } catch {
            throw KeyError(.wrongPassphrase, "the file with the passphrase or PIN can't be read: \(error)")
        }
    }
}
