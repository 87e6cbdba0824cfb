internal import Crypto
internal import CryptoExtras
internal import SwiftASN1

/// Private keys without encryption, in the three forms that files hold.
extension PrivateKey {
    /// The most bytes of a private key that are read: an RSA key of 8192 bits has under 5 KiB, ML-DSA-87 under 8.
    static let greatestByteCount = 16 << 10

    /// Reads a PrivateKeyInfo (PKCS #8). The encoding must be DER, and nothing may follow.
    package init(pkcs8 der: [UInt8]) throws(KeyError) {
        let info: PrivateKeyInfo = try Self.parse(der, "a PrivateKeyInfo (PKCS #8)")
        switch info.algorithm {
        case .ecPublicKey:
            guard case .curve(let curve) = info.parameters else {
                throw KeyError(.unsupported, "the private key does not name its curve")
            }
            let key: ECPrivateKey = try Self.parse(info.key, "an ECPrivateKey (SEC 1)")
            guard key.curve == nil || key.curve == curve else {
                throw KeyError(.malformed, "the private key names two curves")
            }
            try self.init(key, on: curve, publicKey: info.publicKey)
        case .rsaEncryption:
            try self.init(pkcs1: info.key)
        case .ed25519:
            let seed: ASN1OctetString = try Self.parse(info.key, "a CurvePrivateKey (RFC 8410)")
            try self.init(info) { .ed25519(try Curve25519.Signing.PrivateKey(rawRepresentation: seed.bytes)) }
        case .mlDSA65:
            let seed = try Self.seed(info.key)
            try self.init(info) { .mlDSA65(try MLDSA65.PrivateKey(seedRepresentation: seed, publicKey: nil)) }
        case .mlDSA87:
            let seed = try Self.seed(info.key)
            try self.init(info) { .mlDSA87(try MLDSA87.PrivateKey(seedRepresentation: seed, publicKey: nil)) }
        default:
            throw KeyError(.unsupported, "private keys of the algorithm \(info.algorithm) are not supported")
        }
    }

    /// Reads an ECPrivateKey (SEC 1, RFC 5915), which must name its curve.
    package init(sec1 der: [UInt8]) throws(KeyError) {
        let key: ECPrivateKey = try Self.parse(der, "an ECPrivateKey (SEC 1)")
        guard let curve = key.curve else {
            throw KeyError(.unsupported, "the private key does not name its curve")
        }
        try self.init(key, on: curve, publicKey: nil)
    }

    /// Reads an RSAPrivateKey (PKCS #1, RFC 8017 appendix A.1.2) of 2048 bits or more.
    package init(pkcs1 der: [UInt8]) throws(KeyError) {
        let _: RSAPrivateKey = try Self.parse(der, "an RSAPrivateKey (PKCS #1)")
        let key: _RSA.Signing.PrivateKey
        do {
            // The library checks that the numbers belong together.
            key = try _RSA.Signing.PrivateKey(unsafeDERRepresentation: der)
        } catch {
            throw KeyError(.malformed, "the numbers of the RSA private key don't belong together")
        }
        // Refuses weak and enormous ones.
        try self.init(.rsa(key))
    }

    /// The DER of the PrivateKeyInfo (PKCS #8), unencrypted. Whoever has it has the key.
    package var pkcs8: Secret {
        get throws(KeyError) {
            do {
                return Secret(try info.der())
            } catch {
                throw KeyError(.unsupported, "the private key can't be written: \(error)")
            }
        }
    }

    private var info: PrivateKeyInfo {
        get throws {
            func elliptic(
                _ curve: ASN1ObjectIdentifier, _ scalar: some Sequence<UInt8>, _ point: some Sequence<UInt8>
            ) throws -> PrivateKeyInfo {
                let key = ECPrivateKey(scalar: Array(scalar), curve: nil, publicKey: Array(point))
                return PrivateKeyInfo(.ecPublicKey, .curve(curve), key: try key.der())
            }
            switch material {
            case .p256(let key):
                return try elliptic(.prime256v1, key.rawRepresentation, key.publicKey.x963Representation)
            case .p384(let key):
                return try elliptic(.secp384r1, key.rawRepresentation, key.publicKey.x963Representation)
            case .p521(let key):
                return try elliptic(.secp521r1, key.rawRepresentation, key.publicKey.x963Representation)
            case .ed25519(let key):
                return PrivateKeyInfo(.ed25519, .none, key: [0x04, 32] + Array(key.rawRepresentation))
            case .rsa(let key):
                return PrivateKeyInfo(.rsaEncryption, .null, key: Array(key.derRepresentation))
            case .mlDSA65(let key):
                return PrivateKeyInfo(.mlDSA65, .none, key: MLDSAPrivateKey.der(seed: Array(key.seedRepresentation)))
            case .mlDSA87(let key):
                return PrivateKeyInfo(.mlDSA87, .none, key: MLDSAPrivateKey.der(seed: Array(key.seedRepresentation)))
            }
        }
    }

    /// A key whose public half, where the file has it, must be the one that belongs to it: signing with one and
    /// publishing the other leaks Ed25519 keys and hides damage of all.
    private init(_ info: PrivateKeyInfo, _ material: () throws -> Material) throws(KeyError) {
        guard info.parameters == .none else {
            throw KeyError(.malformed, "the private key's algorithm \(info.algorithm) has no parameters")
        }
        let made: Material
        do {
            made = try material()
        } catch {
            throw KeyError(.malformed, "the private key does not have the form of its algorithm")
        }
        try self.init(made)
        try require(info.publicKey)
    }

    private init(_ key: ECPrivateKey, on curve: ASN1ObjectIdentifier, publicKey: [UInt8]?) throws(KeyError) {
        func padded(_ count: Int) throws -> [UInt8] {
            // Some writers leave leading zeros out.
            guard key.scalar.count <= count else {
                throw ASN1Error.invalidASN1Object(reason: "the scalar is longer than the curve's order")
            }
            return [UInt8](repeating: 0, count: count - key.scalar.count) + key.scalar
        }
        let made: Material
        do {
            switch curve {
            case .prime256v1: made = .p256(try P256.Signing.PrivateKey(rawRepresentation: padded(32)))
            case .secp384r1: made = .p384(try P384.Signing.PrivateKey(rawRepresentation: padded(48)))
            case .secp521r1: made = .p521(try P521.Signing.PrivateKey(rawRepresentation: padded(66)))
            default:
                throw KeyError(.unsupported, "the curve \(curve) is not supported; P-256, P-384 and P-521 are")
            }
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "the private key is not a number below the curve's order")
        }
        try self.init(made)
        try require(key.publicKey)
        try require(publicKey)
    }

    /// Refuses a public key in the file that is not this one's. Points may be compressed, and then say nothing here.
    private func require(_ bits: [UInt8]?) throws(KeyError) {
        guard let bits else { return }
        if case .p256 = material, bits.count == 33 { return }
        if case .p384 = material, bits.count == 49 { return }
        if case .p521 = material, bits.count == 67 { return }
        guard publicKey.der.count >= bits.count, Array(publicKey.der.suffix(bits.count)) == bits, bits.count >= 32
        else {
            throw KeyError(.malformed, "the public key in the file is not that of the private key; the file is damaged")
        }
    }

    private static func seed(_ der: [UInt8]) throws(KeyError) -> [UInt8] {
        let key: MLDSAPrivateKey = try parse(der, "an ML-DSA private key (RFC 9881)")
        guard let seed = key.seed else {
            throw KeyError(
                .unsupported,
                "the ML-DSA key is there in its expanded form only; export it with its seed, as `openssl genpkey` does")
        }
        guard seed.count == MLDSAPrivateKey.seedByteCount else {
            throw KeyError(.malformed, "the seed of an ML-DSA key has 32 bytes, not \(seed.count)")
        }
        return seed
    }

    private static func parse<T: DERParseable>(_ der: [UInt8], _ name: String) throws(KeyError) -> T {
        guard der.count <= greatestByteCount else {
            throw KeyError(.malformed, "a private key of \(der.count) bytes; at most \(greatestByteCount) are read")
        }
        do {
            return try T(derEncoded: der)
        } catch {
            // The parser's own words could quote the key.
            throw KeyError(.malformed, "the private key is not \(name) in DER")
        }
    }
}
