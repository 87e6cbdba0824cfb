package import Bytes
package import Keys

/// How a key signs: protobuf-specs, `PublicKeyDetails`, by its names.
///
/// Ed25519ph and ML-DSA-44 are named there too; the library has neither, so they are not known here.
package enum KeyDetails: String, Hashable, Sendable, CaseIterable {
    case ecdsaP256SHA256 = "PKIX_ECDSA_P256_SHA_256"
    case ecdsaP384SHA384 = "PKIX_ECDSA_P384_SHA_384"
    case ecdsaP521SHA512 = "PKIX_ECDSA_P521_SHA_512"
    /// Deprecated, read only.
    case ecdsaP384SHA256 = "PKIX_ECDSA_P384_SHA_256"
    /// Deprecated, read only.
    case ecdsaP521SHA256 = "PKIX_ECDSA_P521_SHA_256"
    case ed25519 = "PKIX_ED25519"
    /// Deprecated, read only; the bytes are PKCS #1 or SubjectPublicKeyInfo.
    case rsaPKCS1 = "PKCS1_RSA_PKCS1V5"
    case rsa2048PKCS1SHA256 = "PKIX_RSA_PKCS1V15_2048_SHA256"
    case rsa3072PKCS1SHA256 = "PKIX_RSA_PKCS1V15_3072_SHA256"
    case rsa4096PKCS1SHA256 = "PKIX_RSA_PKCS1V15_4096_SHA256"
    case rsa2048PSSSHA256 = "PKIX_RSA_PSS_2048_SHA256"
    case rsa3072PSSSHA256 = "PKIX_RSA_PSS_3072_SHA256"
    case rsa4096PSSSHA256 = "PKIX_RSA_PSS_4096_SHA256"
    case mlDSA65 = "ML_DSA_65"
    case mlDSA87 = "ML_DSA_87"

    /// What a key of this algorithm signs with when nobody says otherwise; `nil` for RSA of an unusual length.
    package init?(defaultFor algorithm: KeyAlgorithm) {
        switch algorithm {
        case .ecdsaP256: self = .ecdsaP256SHA256
        case .ecdsaP384: self = .ecdsaP384SHA384
        case .ecdsaP521: self = .ecdsaP521SHA512
        case .ed25519: self = .ed25519
        case .rsa(bits: 2048): self = .rsa2048PKCS1SHA256
        case .rsa(bits: 3072): self = .rsa3072PKCS1SHA256
        case .rsa(bits: 4096): self = .rsa4096PKCS1SHA256
        case .rsa: return nil
        case .mlDSA65: self = .mlDSA65
        case .mlDSA87: self = .mlDSA87
        }
    }

    /// The hash function of the signature; `nil` where the algorithm takes the message whole.
    package var hash: HashAlgorithm? {
        switch self {
        case .ecdsaP384SHA384: .sha384
        case .ecdsaP521SHA512: .sha512
        case .ed25519, .mlDSA65, .mlDSA87: nil
        default: .sha256
        }
    }

    package var padding: RSAPadding {
        switch self {
        case .rsa2048PSSSHA256, .rsa3072PSSSHA256, .rsa4096PSSSHA256: .pss
        default: .pkcs1v15
        }
    }

    /// Reads a key and checks that it is of this kind.
    package func key(_ bytes: [UInt8]) throws(KeyError) -> PublicKey {
        let key: PublicKey
        if self == .rsaPKCS1, let pkcs1 = try? PublicKey(pkcs1: bytes) {
            key = pkcs1
        } else {
            key = try PublicKey(der: bytes)
        }
        try check(key.algorithm)
        return key
    }

    /// Checks that keys of this algorithm may sign so.
    package func check(_ algorithm: KeyAlgorithm) throws(KeyError) {
        let isRight =
            switch (self, algorithm) {
            case (.ecdsaP256SHA256, .ecdsaP256), (.ecdsaP384SHA384, .ecdsaP384), (.ecdsaP384SHA256, .ecdsaP384),
                (.ecdsaP521SHA512, .ecdsaP521), (.ecdsaP521SHA256, .ecdsaP521), (.ed25519, .ed25519),
                (.rsaPKCS1, .rsa), (.mlDSA65, .mlDSA65), (.mlDSA87, .mlDSA87):
                true
            case (.rsa2048PKCS1SHA256, .rsa(2048)), (.rsa2048PSSSHA256, .rsa(2048)), (.rsa3072PKCS1SHA256, .rsa(3072)),
                (.rsa3072PSSSHA256, .rsa(3072)), (.rsa4096PKCS1SHA256, .rsa(4096)), (.rsa4096PSSSHA256, .rsa(4096)):
                true
            default: false
            }
        guard isRight else {
            throw KeyError(.malformed, "the key is \(algorithm), which \(rawValue) does not stand for")
        }
    }

    /// Checks a signature that was made in this way.
    package func verify(_ signature: [UInt8], of message: SignedMessage, by key: PublicKey) throws(KeyError) {
        try key.verify(signature, of: message, hash: hash, padding: padding)
    }
}
