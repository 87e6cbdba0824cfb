package import Bytes

/// The kind of a key, curve and parameter set included.
package enum KeyAlgorithm: Hashable, Sendable, CustomStringConvertible {
    case ecdsaP256, ecdsaP384, ecdsaP521
    case ed25519
    /// With the length of the modulus.
    case rsa(bits: Int)
    case mlDSA65, mlDSA87

    package var description: String {
        switch self {
        case .ecdsaP256: "ECDSA P-256"
        case .ecdsaP384: "ECDSA P-384"
        case .ecdsaP521: "ECDSA P-521"
        case .ed25519: "Ed25519"
        case .rsa(let bits): "RSA \(bits)"
        case .mlDSA65: "ML-DSA-65"
        case .mlDSA87: "ML-DSA-87"
        }
    }

    /// The name in options, in JSON and in questions to programs.
    package var name: String {
        switch self {
        case .ecdsaP256: "ecdsa-p256"
        case .ecdsaP384: "ecdsa-p384"
        case .ecdsaP521: "ecdsa-p521"
        case .ed25519: "ed25519"
        case .rsa(let bits): "rsa-\(bits)"
        case .mlDSA65: "ml-dsa-65"
        case .mlDSA87: "ml-dsa-87"
        }
    }

    /// Every kind of key that can be made.
    package static let generated: [KeyAlgorithm] = [
        .ecdsaP256, .ecdsaP384, .ecdsaP521, .ed25519, .rsa(bits: 2048), .rsa(bits: 3072), .rsa(bits: 4096), .mlDSA65,
        .mlDSA87,
    ]

    /// The kind of key that can be made under this name.
    package init?(name: String) {
        guard let found = Self.generated.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// The hash function that Sigstore's algorithm registry pairs with the key; `nil` for those that take no digest.
    package var defaultHash: HashAlgorithm? {
        switch self {
        case .ecdsaP256, .rsa: .sha256
        case .ecdsaP384: .sha384
        case .ecdsaP521: .sha512
        case .ed25519, .mlDSA65, .mlDSA87: nil
        }
    }
}

/// How an RSA signature is padded (RFC 8017).
package enum RSAPadding: Hashable, Sendable {
    /// RSASSA-PKCS1-v1_5, section 8.2.
    case pkcs1v15
    /// RSASSA-PSS with MGF1 by the same hash function and a salt as long as the digest, section 8.1.
    case pss

    /// The name in options, in JSON and in questions to programs.
    package var name: String { self == .pss ? "pss" : "pkcs1v15" }

    /// The padding of this name.
    package init?(name: String) {
        switch name {
        case "pkcs1v15": self = .pkcs1v15
        case "pss": self = .pss
        default: return nil
        }
    }
}
