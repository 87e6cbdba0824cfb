package import Bytes
internal import Crypto
internal import CryptoExtras

extension PrivateKey {
    /// Signs `message`. The form of the signature, and what `hash` and `padding` mean, are those of
    /// `PublicKey.verify`.
    package func signature(
        of message: SignedMessage, hash: HashAlgorithm? = nil, padding: RSAPadding = .pkcs1v15
    ) throws(KeyError) -> [UInt8] {
        do {
            switch material {
            case .p256(let key):
                return try message.digest(by: hash ?? .sha256).cryptoDigest().map {
                    Array(try key.signature(for: $0).derRepresentation)
                }
            case .p384(let key):
                return try message.digest(by: hash ?? .sha384).cryptoDigest().map {
                    Array(try key.signature(for: $0).derRepresentation)
                }
            case .p521(let key):
                return try message.digest(by: hash ?? .sha512).cryptoDigest().map {
                    Array(try key.signature(for: $0).derRepresentation)
                }
            case .rsa(let key):
                let padding = padding == .pss ? _RSA.Signing.Padding.PSS : .insecurePKCS1v1_5
                return try message.digest(by: hash ?? .sha256).cryptoDigest().map {
                    Array(try key.signature(for: $0, padding: padding).rawRepresentation)
                }
            case .ed25519(let key): return Array(try key.signature(for: try whole(message, hash)))
            case .mlDSA65(let key): return Array(try key.signature(for: try whole(message, hash)))
            case .mlDSA87(let key): return Array(try key.signature(for: try whole(message, hash)))
            }
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.refused, "the cryptographic library did not sign with the \(algorithm) key: \(error)")
        }
    }

    /// The message of an algorithm that hashes in its own way; asking for a hash function is refused.
    private func whole(_ message: SignedMessage, _ hash: HashAlgorithm?) throws(KeyError) -> [UInt8] {
        guard hash == nil else {
            throw KeyError(.unsupported, "\(algorithm) is not used with a hash function of its own choice here")
        }
        return try message.wholeBytes(for: algorithm)
    }
}

/// Signs with a key in this process's memory.
package struct PrivateKeySigner: Signer {
    package let key: PrivateKey
    package let padding: RSAPadding

    package init(_ key: PrivateKey, padding: RSAPadding = .pkcs1v15) {
        self.key = key
        self.padding = padding
    }

    package var publicKey: PublicKey { key.publicKey }

    package func sign(_ message: SignedMessage) async throws(KeyError) -> [UInt8] {
        try key.signature(of: message, padding: padding)
    }
}
