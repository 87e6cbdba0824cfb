internal import Bytes
internal import Crypto
internal import SwiftASN1

extension KeyAlgorithm {
    /// The DER of an ECDSA signature that is two numbers of equal length, one behind the other.
    func derSignature(_ raw: [UInt8]) throws(KeyError) -> [UInt8] {
        do {
            switch self {
            case .ecdsaP256: return Array(try P256.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation)
            case .ecdsaP384: return Array(try P384.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation)
            case .ecdsaP521: return Array(try P521.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation)
            default: return raw
            }
        } catch {
            throw KeyError(.malformed, "a signature of \(raw.count) bytes is not that of an \(self) key")
        }
    }
}

extension MessageDigest {
    /// The DER of the DigestInfo that PKCS #1 v1.5 pads (RFC 8017 section 9.2).
    var digestInfo: [UInt8] {
        let last: UInt8 =
            switch algorithm {
            case .sha256: 1
            case .sha384: 2
            case .sha512: 3
            }
        let count = UInt8(bytes.count)
        return [
            0x30, 17 + count, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last, 0x05, 0x00,
            0x04, count,
        ] + bytes
    }
}

/// Public keys as PKCS #11 tells them.
extension SubjectPublicKeyInfo {
    /// The DER of the curves' names, CKA_EC_PARAMS.
    static let p256Parameters: [UInt8] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
    static let p384Parameters: [UInt8] = [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22]
    static let p521Parameters: [UInt8] = [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23]
    /// `edwards25519` as a PrintableString (PKCS #11 3.0, section 6.3.5), and the object identifier of newer modules.
    static let edwardsName: [UInt8] = [0x13, 0x0C] + Array("edwards25519".utf8)
    static let edwardsIdentifier: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70]

    /// The DER of a key by CKA_EC_PARAMS and CKA_EC_POINT. The standard wraps the point into an OCTET STRING; some
    /// modules don't.
    static func elliptic(parameters: [UInt8], point: [UInt8]) throws(KeyError) -> [UInt8] {
        var point = point
        if let wrapped = try? ASN1OctetString(derEncoded: point) { point = Array(wrapped.bytes) }
        if parameters == edwardsName || parameters == edwardsIdentifier {
            guard point.count == 32 else {
                throw KeyError(.malformed, "the token tells an Ed25519 key of \(point.count) bytes")
            }
            return ed25519(point)
        }
        guard [p256Parameters, p384Parameters, p521Parameters].contains(parameters) else {
            throw KeyError(
                .unsupported, "the token's key is on a curve that is not supported; P-256, P-384 and P-521 are")
        }
        return elliptic(curve: parameters, point: point)
    }

    /// The DER of an RSA key by its numbers, the most significant byte first.
    static func rsa(modulus: [UInt8], exponent: [UInt8]) throws(KeyError) -> [UInt8] {
        do {
            var coder = DER.Serializer()
            try coder.appendConstructedNode(identifier: .sequence) { coder in
                try coder.serialize(modulus[...])
                try coder.serialize(exponent[...])
            }
            return rsa(pkcs1: coder.serializedBytes)
        } catch {
            throw KeyError(.malformed, "the token's RSA key can't be written: \(error)")
        }
    }
}

extension KeyAlgorithm {
    /// The two numbers of an ECDSA signature in DER, one behind the other and each as long as the curve asks, as web
    /// tokens have them (RFC 7518 section 3.4); other signatures as they are.
    package func rawSignature(_ der: [UInt8]) throws(KeyError) -> [UInt8] {
        do {
            switch self {
            case .ecdsaP256: return Array(try P256.Signing.ECDSASignature(derRepresentation: der).rawRepresentation)
            case .ecdsaP384: return Array(try P384.Signing.ECDSASignature(derRepresentation: der).rawRepresentation)
            case .ecdsaP521: return Array(try P521.Signing.ECDSASignature(derRepresentation: der).rawRepresentation)
            default: return der
            }
        } catch {
            throw KeyError(.malformed, "a signature of \(der.count) bytes is not that of an \(self) key")
        }
    }
}
