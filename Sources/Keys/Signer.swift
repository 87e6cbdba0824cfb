/// Whoever holds a private key and signs with it: a file, a hardware token, a program.
package protocol Signer: Sendable {
    /// The key that checks what this one signs.
    var publicKey: PublicKey { get }

    /// How signatures of an RSA key are padded; without meaning for other keys.
    var padding: RSAPadding { get }

    /// Signs `message` with the default hash function of the key's algorithm.
    func sign(_ message: SignedMessage) async throws(KeyError) -> [UInt8]
}

extension Signer {
    package var padding: RSAPadding { .pkcs1v15 }
}
