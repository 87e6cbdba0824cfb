package import Bytes
internal import Crypto
internal import CryptoExtras
internal import SwiftASN1

/// A public key that checks signatures.
///
/// Two keys are equal when their SubjectPublicKeyInfo is.
package struct PublicKey: Sendable {
    package let algorithm: KeyAlgorithm
    /// The DER of the SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), as it was read.
    package let der: [UInt8]
    let material: Material

    /// The key as the library that checks signatures holds it.
    enum Material: Sendable {
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
        case rsa(_RSA.Signing.PublicKey)
        case mlDSA65(MLDSA65.PublicKey)
        case mlDSA87(MLDSA87.PublicKey)
    }

    /// The SHA-256 digest of the SubjectPublicKeyInfo: the id of a key in Sigstore's hints and of a log (RFC 6962).
    package var id: Bytes.Digest { Bytes.Digest.of(der) }

    /// The key as a `PUBLIC KEY` block (RFC 7468 section 13).
    package var pem: String { PEM(label: "PUBLIC KEY", bytes: der).text }

    /// The greatest modulus that is read: a longer one costs a verifier more than it protects.
    static let greatestRSABits = 8192

    /// Reads the first key of a PEM text: `PUBLIC KEY`, or `RSA PUBLIC KEY` (PKCS #1).
    package init(pem text: [UInt8]) throws(KeyError) {
        let blocks: [PEM]
        do {
            blocks = try PEM.blocks(in: text)
        } catch {
            throw KeyError(.malformed, "the public key is not PEM: \(error)")
        }
        guard let block = blocks.first else {
            throw KeyError(
                .malformed, "the text holds no PEM block; a public key begins with -----BEGIN PUBLIC KEY-----")
        }
        switch block.label {
        case "PUBLIC KEY": try self.init(der: block.bytes)
        case "RSA PUBLIC KEY": try self.init(pkcs1: block.bytes)
        default:
            throw KeyError(
                .unsupported, "the first block is \(block.label.debugDescription), not PUBLIC KEY or RSA PUBLIC KEY")
        }
    }

    /// Reads a SubjectPublicKeyInfo. The encoding must be DER, and nothing may follow.
    package init(der: [UInt8]) throws(KeyError) {
        guard der.count <= 16 << 10 else { throw KeyError(.malformed, "a public key of \(der.count) bytes") }
        let info: SubjectPublicKeyInfo
        do {
            info = try SubjectPublicKeyInfo(derEncoded: der)
        } catch {
            throw KeyError(.malformed, "the public key is no SubjectPublicKeyInfo in DER: \(error)")
        }
        do {
            (algorithm, material) = try Self.material(of: info, der: der)
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "the public key of type \(info.algorithm) can't be read: \(error)")
        }
        self.der = der
    }

    /// Reads an RSAPublicKey (RFC 8017 appendix A.1.1).
    package init(pkcs1: [UInt8]) throws(KeyError) {
        guard pkcs1.count <= 16 << 10 else { throw KeyError(.malformed, "a public key of \(pkcs1.count) bytes") }
        let der: [UInt8]
        do {
            let key = try _RSA.Signing.PublicKey(unsafeDERRepresentation: pkcs1)
            der = SubjectPublicKeyInfo.rsa(pkcs1: Array(key.pkcs1DERRepresentation))
        } catch {
            throw KeyError(.malformed, "the public key is no RSAPublicKey in DER: \(error)")
        }
        try self.init(der: der)
    }

    /// Takes the 32 bytes of an Ed25519 key (RFC 8032 section 5.1.5).
    package init(ed25519 bytes: [UInt8]) throws(KeyError) {
        guard bytes.count == 32 else {
            throw KeyError(.malformed, "an Ed25519 key has 32 bytes, not \(bytes.count)")
        }
        try self.init(der: SubjectPublicKeyInfo.ed25519(bytes))
    }

    /// The 32 bytes of an Ed25519 key; `nil` for every other algorithm.
    package var ed25519Bytes: [UInt8]? {
        guard case .ed25519(let key) = material else { return nil }
        return Array(key.rawRepresentation)
    }

    private static func material(
        of info: SubjectPublicKeyInfo, der: [UInt8]
    ) throws -> (KeyAlgorithm, Material) {
        let bits = info.key
        switch info.algorithm {
        case .ecPublicKey:
            switch info.curve {
            case .prime256v1: return (.ecdsaP256, .p256(try P256.Signing.PublicKey(x963Representation: bits)))
            case .secp384r1: return (.ecdsaP384, .p384(try P384.Signing.PublicKey(x963Representation: bits)))
            case .secp521r1: return (.ecdsaP521, .p521(try P521.Signing.PublicKey(x963Representation: bits)))
            case let curve?:
                throw KeyError(.unsupported, "the curve \(curve) is not supported; P-256, P-384 and P-521 are")
            case nil: throw KeyError(.unsupported, "the key does not name its curve")
            }
        case .rsaEncryption:
            let key = try _RSA.Signing.PublicKey(unsafeDERRepresentation: der)
            let length = key.keySizeInBits
            guard length >= 2048 else {
                throw KeyError(.weak, "an RSA key of \(length) bits is too weak; at least 2048 are needed")
            }
            guard length <= greatestRSABits else {
                throw KeyError(.unsupported, "an RSA key of \(length) bits; at most \(greatestRSABits) are read")
            }
            return (.rsa(bits: length), .rsa(key))
        case .ed25519:
            return (.ed25519, .ed25519(try Curve25519.Signing.PublicKey(rawRepresentation: bits)))
        case .mlDSA65: return (.mlDSA65, .mlDSA65(try MLDSA65.PublicKey(rawRepresentation: bits)))
        case .mlDSA87: return (.mlDSA87, .mlDSA87(try MLDSA87.PublicKey(rawRepresentation: bits)))
        default:
            throw KeyError(.unsupported, "keys of the algorithm \(info.algorithm) are not supported")
        }
    }
}

extension PublicKey: Hashable {
    package static func == (left: PublicKey, right: PublicKey) -> Bool { left.der == right.der }

    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
