internal import Bytes
internal import Keys

/// A public key or subkey packet of version 4 (RFC 9580 section 5.5.2).
struct OpenPGPKey: Hashable, Sendable {
    /// Those that sign and are still in use by archives (section 9.1).
    enum Algorithm: UInt8, Hashable, Sendable {
        case rsa = 1
        case rsaSignOnly = 3
        /// Ed25519 in the form that GnuPG writes.
        case eddsa = 22
        case ed25519 = 27
    }

    /// The packet's content: fingerprints and bindings are over it.
    let content: [UInt8]
    /// In seconds since 1970.
    let created: Int
    let algorithm: Algorithm?
    /// 20 bytes.
    let fingerprint: [UInt8]
    /// `nil` for keys that can't be used: of other algorithms, weak or broken.
    let publicKey: PublicKey?
    /// The length of an RSA modulus in bytes.
    let modulusByteCount: Int

    var keyID: [UInt8] { Array(fingerprint.suffix(8)) }

    /// Reads a key; `nil` for another version, which can't be used.
    init?(_ bytes: ArraySlice<UInt8>) throws(ParseError) {
        guard bytes.first == 4, bytes.count <= 0xFFFF else { return nil }
        var reader = OctetReader(bytes.dropFirst())
        created = try reader.number(4)
        algorithm = Algorithm(rawValue: try reader.byte())
        content = Array(bytes)
        var hasher = SHA1Hasher()
        hasher.update(Self.framed(content))
        fingerprint = hasher.finalize()
        switch algorithm {
        case .rsa, .rsaSignOnly:
            let modulus = try reader.integer()
            let exponent = try reader.integer()
            modulusByteCount = modulus.count
            publicKey = try? PublicKey(pkcs1: Self.pkcs1(modulus, exponent))
        case .eddsa:
            let curve = try reader.take(Int(try reader.byte()))
            let point = try reader.integer()
            let isEd25519 = curve.elementsEqual([0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01])
            modulusByteCount = 0
            publicKey = isEd25519 && point.first == 0x40 ? try? PublicKey(ed25519: Array(point.dropFirst())) : nil
        case .ed25519:
            modulusByteCount = 0
            publicKey = try? PublicKey(ed25519: Array(try reader.take(32)))
        case nil:
            modulusByteCount = 0
            publicKey = nil
        }
    }

    /// What is hashed of a key (section 5.2.4).
    static func framed(_ content: [UInt8]) -> [UInt8] {
        [0x99, UInt8(content.count >> 8), UInt8(content.count & 255)] + content
    }

    /// RSAPublicKey (RFC 8017 appendix A.1.1) in DER.
    private static func pkcs1(_ modulus: [UInt8], _ exponent: [UInt8]) -> [UInt8] {
        func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            let count = content.count
            if count < 0x80 { return [tag, UInt8(count)] + content }
            if count < 0x100 { return [tag, 0x81, UInt8(count)] + content }
            return [tag, 0x82, UInt8(count >> 8), UInt8(count & 0xFF)] + content
        }
        func integer(_ bytes: [UInt8]) -> [UInt8] { element(0x02, (bytes.first ?? 0x80) >= 0x80 ? [0] + bytes : bytes) }
        return element(0x30, integer(modulus) + integer(exponent))
    }

    /// Why `signature` over `message` is not this key's; `nil` where it is.
    func refusal(of signature: OpenPGPSignature, over message: [UInt8]) -> String? {
        guard signature.version == 4 else { return "the signature is of version \(signature.version), not 4" }
        guard let hash = signature.hash else { return "its hash function is broken or not known" }
        guard !signature.hasUnknownCritical else { return "it holds a critical part that is not known" }
        guard let publicKey else { return "the key's algorithm is not supported, or the key is too weak" }
        guard let used = signature.algorithm, used.isSame(as: algorithm) else {
            return "it is of another algorithm than the key"
        }
        let count = signature.hashedPart.count
        let trailer: [UInt8] = [
            4, 0xFF, UInt8(count >> 24 & 255), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255),
        ]
        var hasher = MessageHasher(hash)
        hasher.update(message)
        hasher.update(Array(signature.hashedPart))
        hasher.update(trailer)
        let digest = hasher.finalize()
        guard digest.bytes.starts(with: signature.digestStart) else { return "it does not match what is signed" }
        do {
            switch used {
            case .rsa, .rsaSignOnly:
                let number = signature.numbers[0]
                guard number.count <= modulusByteCount else { return "it is longer than the key" }
                let padded = [UInt8](repeating: 0, count: modulusByteCount - number.count) + number
                try publicKey.verify(padded, of: .digest(digest), hash: hash)
            case .eddsa:
                let halves = signature.numbers.map {
                    $0.count <= 32 ? [UInt8](repeating: 0, count: 32 - $0.count) + $0 : []
                }
                try publicKey.verify(halves.flatMap(\.self), of: .bytes(digest.bytes))
            case .ed25519: try publicKey.verify(signature.numbers[0], of: .bytes(digest.bytes))
            }
        } catch {
            return "it does not match what is signed"
        }
        return nil
    }
}

extension OpenPGPKey.Algorithm {
    /// Both numbers of RSA mean one algorithm.
    func isSame(as other: OpenPGPKey.Algorithm?) -> Bool {
        let isRSA = self == .rsa || self == .rsaSignOnly
        return self == other || isRSA && (other == .rsa || other == .rsaSignOnly)
    }
}
