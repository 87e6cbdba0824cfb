package import Bytes
internal import Crypto
internal import CryptoExtras

extension PublicKey {
    /// Checks that `signature` was made over `message` by the private key that belongs to this one.
    ///
    /// ECDSA signatures are in DER (RFC 3279 section 2.2.3), all others are the algorithm's own bytes. `hash` and
    /// `padding` say what the signer used where an algorithm leaves that open; without `hash` it is the algorithm's
    /// default. Throws `.invalidSignature` for a signature of another key or message, and other codes where the
    /// question makes no sense.
    package func verify(
        _ signature: [UInt8], of message: SignedMessage, hash: HashAlgorithm? = nil, padding: RSAPadding = .pkcs1v15
    ) throws(KeyError) {
        let isValid: Bool
        do {
            switch material {
            case .p256(let key):
                let digest = try message.digest(by: hash ?? .sha256).cryptoDigest()
                let signature = try P256.Signing.ECDSASignature(derRepresentation: signature)
                isValid = digest.isValid { key.isValidSignature(signature, for: $0) }
            case .p384(let key):
                let digest = try message.digest(by: hash ?? .sha384).cryptoDigest()
                let signature = try P384.Signing.ECDSASignature(derRepresentation: signature)
                isValid = digest.isValid { key.isValidSignature(signature, for: $0) }
            case .p521(let key):
                let digest = try message.digest(by: hash ?? .sha512).cryptoDigest()
                let signature = try P521.Signing.ECDSASignature(derRepresentation: signature)
                isValid = digest.isValid { key.isValidSignature(signature, for: $0) }
            case .rsa(let key):
                let digest = try message.digest(by: hash ?? .sha256).cryptoDigest()
                let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
                isValid = digest.isValid {
                    key.isValidSignature(signature, for: $0, padding: padding == .pss ? .PSS : .insecurePKCS1v1_5)
                }
            case .ed25519(let key): isValid = key.isValidSignature(signature, for: try whole(message, hash))
            case .mlDSA65(let key): isValid = key.isValidSignature(signature, for: try whole(message, hash))
            case .mlDSA87(let key): isValid = key.isValidSignature(signature, for: try whole(message, hash))
            }
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "the signature is not in the form of \(algorithm): \(error)")
        }
        guard isValid else {
            throw KeyError(.invalidSignature, "the signature does not match the key (\(algorithm)) and the message")
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
