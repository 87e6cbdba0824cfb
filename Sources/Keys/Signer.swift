/// Whoever holds a private key and signs with it: a file, a hardware token, a program.
package protocol Signer: Sendable {
    /// The key that checks what this one signs.
    var publicKey: PublicKey { get }

    /// Signs `message` with the default hash function of the key's algorithm.
    func sign(_ message: SignedMessage) async throws(KeyError) -> [UInt8]
}
