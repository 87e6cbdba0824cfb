package import Bytes
internal import Host
package import SystemPackage

/// The two files of a key pair: `NAME.key`, which its owner alone can read, and `NAME.pub`.
package struct KeyFiles: Hashable, Sendable {
    package let privateKey: FilePath
    package let publicKey: FilePath

    /// The files whose names begin with `name`, which may be a path.
    package init(_ name: String) throws(KeyError) {
        guard !name.isEmpty, !name.hasSuffix("/"), !name.utf8.contains(0) else {
            throw KeyError(.malformed, "\(name.debugDescription) can't be the beginning of a file's name")
        }
        privateKey = FilePath(name + ".key")
        publicKey = FilePath(name + ".pub")
    }

    /// Writes both files; neither may exist. A key file that is overwritten is a key that is lost.
    package func write(
        _ key: PrivateKey, in container: PrivateKeyText.Container, passphrase: Secret?
    ) throws(KeyError) {
        try requireAbsent(privateKey)
        try requireAbsent(publicKey)
        let text = try PrivateKeyText.text(of: key, in: container, passphrase: passphrase)
        try Self.write(text, to: privateKey)
        try write(key.publicKey)
    }

    /// Writes the public key's file alone, for a key that another holds.
    package func write(_ key: PublicKey) throws(KeyError) {
        try requireAbsent(publicKey)
        do {
            try Files.write(Array(key.pem.utf8), to: publicKey, durable: true)
        } catch {
            throw KeyError(.unavailable, "the public key can't be written: \(error)")
        }
    }

    /// Writes a secret to a file that must not exist and that its owner alone can read.
    package static func write(_ secret: Secret, to path: FilePath) throws(KeyError) {
        let isWritten: Bool
        do {
            isWritten = try Files.writeSecret(secret.bytes, to: path)
        } catch {
            throw KeyError(.unavailable, "the private key can't be written: \(error)")
        }
        guard isWritten else { throw exists(path) }
    }

    /// Refuses names that are taken, before anybody types a passphrase.
    package func requireAbsent() throws(KeyError) {
        try requireAbsent(privateKey)
        try requireAbsent(publicKey)
    }

    private func requireAbsent(_ path: FilePath) throws(KeyError) {
        guard (try? Files.exists(path)) == false else { throw Self.exists(path) }
    }

    private static func exists(_ path: FilePath) -> KeyError {
        KeyError(.refused, "\(path) exists, and keys are not overwritten; give another name, or move it away")
    }
}

extension PublicKey {
    /// What `key show` says, as lines.
    package var summary: String { "Algorithm: \(algorithm)\nKey ID:    sha256:\(id.hex)\n\(pem)" }

    /// What `key show` says, as JSON.
    package var json: JSON {
        [
            "algorithm": .string(algorithm.name), "id": .string("sha256:\(id.hex)"),
            "keyHint": .string(Base64.encode(id.bytes)), "publicKey": .string(pem),
        ]
    }
}
