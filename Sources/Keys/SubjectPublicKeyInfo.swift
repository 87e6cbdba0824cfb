internal import SwiftASN1

/// The outer form of every public key: an algorithm, its parameters and the key's bits (RFC 5280 section 4.1).
struct SubjectPublicKeyInfo: DERParseable {
    let algorithm: ASN1ObjectIdentifier
    /// The parameters, where they are the name of a curve.
    let curve: ASN1ObjectIdentifier?
    let key: [UInt8]

    init(derEncoded node: ASN1Node) throws {
        (algorithm, curve, key) = try DER.sequence(node, identifier: .sequence) { nodes in
            guard let identifier = nodes.next() else {
                throw ASN1Error.invalidASN1Object(reason: "the algorithm is missing")
            }
            let (algorithm, curve) = try DER.sequence(identifier, identifier: .sequence) { nodes in
                let algorithm = try ASN1ObjectIdentifier(derEncoded: &nodes)
                guard let parameters = nodes.next() else { return (algorithm, ASN1ObjectIdentifier?.none) }
                if parameters.identifier == .objectIdentifier {
                    return (algorithm, try ASN1ObjectIdentifier(derEncoded: parameters))
                }
                // Of the algorithms here only RSA may have parameters that are no curve, and those are NULL.
                guard algorithm == .rsaEncryption else {
                    throw ASN1Error.invalidASN1Object(reason: "unexpected parameters")
                }
                _ = try ASN1Null(derEncoded: parameters)
                return (algorithm, nil)
            }
            let bits = try ASN1BitString(derEncoded: &nodes)
            guard bits.paddingBits == 0 else { throw ASN1Error.invalidASN1Object(reason: "a key of broken octets") }
            return (algorithm, curve, Array(bits.bytes))
        }
    }

    /// The DER of an RSA key around its PKCS #1 form.
    static func rsa(pkcs1: [UInt8]) -> [UInt8] {
        wrap(algorithm: [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00], key: pkcs1)
    }

    /// The DER of an Ed25519 key around its 32 bytes (RFC 8410 section 4).
    static func ed25519(_ key: [UInt8]) -> [UInt8] { wrap(algorithm: [0x06, 0x03, 0x2B, 0x65, 0x70], key: key) }

    /// The DER of an ML-DSA key around its bytes (RFC 9881 section 4).
    static func mlDSA65(_ key: [UInt8]) -> [UInt8] { wrap(algorithm: mlDSA(0x12), key: key) }
    static func mlDSA87(_ key: [UInt8]) -> [UInt8] { wrap(algorithm: mlDSA(0x13), key: key) }

    private static func mlDSA(_ last: UInt8) -> [UInt8] {
        [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, last]
    }

    /// The DER of a point on a curve, whose name is in DER too (RFC 5480 section 2).
    static func elliptic(curve: [UInt8], point: [UInt8]) -> [UInt8] {
        wrap(algorithm: [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01] + curve, key: point)
    }

    private static func wrap(algorithm: [UInt8], key: [UInt8]) -> [UInt8] {
        element(0x30, element(0x30, algorithm) + element(0x03, [0] + key))
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        if count < 0x80 { return [tag, UInt8(count)] + content }
        if count < 0x100 { return [tag, 0x81, UInt8(count)] + content }
        return [tag, 0x82, UInt8(count >> 8), UInt8(count & 0xFF)] + content
    }
}

extension ASN1ObjectIdentifier {
    static let ecPublicKey: ASN1ObjectIdentifier = [1, 2, 840, 10045, 2, 1]
    static let prime256v1: ASN1ObjectIdentifier = [1, 2, 840, 10045, 3, 1, 7]
    static let secp384r1: ASN1ObjectIdentifier = [1, 3, 132, 0, 34]
    static let secp521r1: ASN1ObjectIdentifier = [1, 3, 132, 0, 35]
    static let rsaEncryption: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 1]
    static let ed25519: ASN1ObjectIdentifier = [1, 3, 101, 112]
    static let mlDSA65: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 3, 18]
    static let mlDSA87: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 3, 19]
}
