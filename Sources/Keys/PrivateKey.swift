internal import Crypto
internal import CryptoExtras
internal import SwiftASN1

/// A private key in this process's memory.
///
/// It never prints itself; only `PrivateKey+Reading` and `PrivateKey+Writing` see its bytes.
package struct PrivateKey: Sendable {
    package let algorithm: KeyAlgorithm
    package let publicKey: PublicKey
    let material: Material

    /// The key as the library that signs holds it.
    enum Material: Sendable {
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case p521(P521.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
        case rsa(_RSA.Signing.PrivateKey)
        case mlDSA65(MLDSA65.PrivateKey)
        case mlDSA87(MLDSA87.PrivateKey)

        /// The DER of the public key's SubjectPublicKeyInfo.
        var publicDER: [UInt8] {
            switch self {
            case .p256(let key): Array(key.publicKey.derRepresentation)
            case .p384(let key): Array(key.publicKey.derRepresentation)
            case .p521(let key): Array(key.publicKey.derRepresentation)
            case .ed25519(let key): SubjectPublicKeyInfo.ed25519(Array(key.publicKey.rawRepresentation))
            case .rsa(let key): Array(key.publicKey.derRepresentation)
            case .mlDSA65(let key): SubjectPublicKeyInfo.mlDSA65(Array(key.publicKey.rawRepresentation))
            case .mlDSA87(let key): SubjectPublicKeyInfo.mlDSA87(Array(key.publicKey.rawRepresentation))
            }
        }
    }

    init(_ material: Material) throws(KeyError) {
        publicKey = try PublicKey(der: material.publicDER)
        algorithm = publicKey.algorithm
        self.material = material
    }

    /// Makes a new key from the system's randomness. RSA keys have 2048, 3072 or 4096 bits.
    package static func generate(_ algorithm: KeyAlgorithm) throws(KeyError) -> PrivateKey {
        switch algorithm {
        case .ecdsaP256: return try PrivateKey(.p256(P256.Signing.PrivateKey()))
        case .ecdsaP384: return try PrivateKey(.p384(P384.Signing.PrivateKey()))
        case .ecdsaP521: return try PrivateKey(.p521(P521.Signing.PrivateKey()))
        case .ed25519: return try PrivateKey(.ed25519(Curve25519.Signing.PrivateKey()))
        case .rsa(let bits):
            guard [2048, 3072, 4096].contains(bits) else {
                throw KeyError(.unsupported, "RSA keys are made with 2048, 3072 or 4096 bits, not \(bits)")
            }
            return try made { .rsa(try _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits))) }
        case .mlDSA65: return try made { .mlDSA65(try MLDSA65.PrivateKey()) }
        case .mlDSA87: return try made { .mlDSA87(try MLDSA87.PrivateKey()) }
        }
    }

    private static func made(_ material: () throws -> Material) throws(KeyError) -> PrivateKey {
        let made: Material
        do {
            made = try material()
        } catch {
            throw KeyError(.unsupported, "the cryptographic library made no key: \(error)")
        }
        return try PrivateKey(made)
    }
}

extension PrivateKey: CustomStringConvertible, CustomReflectable {
    package var description: String { "(private key, \(algorithm))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
