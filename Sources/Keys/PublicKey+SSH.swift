internal import Bytes
internal import CryptoExtras

extension PublicKey {
    /// The fingerprint that `ssh-keygen -l` prints, `SHA256:` and base64, which some use as the id of a key in DSSE;
    /// `nil` for algorithms that SSH does not have.
    package var sshFingerprint: String? {
        guard let encoded = sshEncoding else { return nil }
        return "SHA256:" + Base64.encode(Bytes.Digest.of(encoded).bytes, padded: false)
    }

    /// The key as RFC 4253 section 6.6, RFC 5656 section 3.1 and RFC 8709 section 4 write it.
    private var sshEncoding: [UInt8]? {
        func curve(_ name: String, _ point: some Sequence<UInt8>) -> [UInt8] {
            Self.field(Array("ecdsa-sha2-\(name)".utf8)) + Self.field(Array(name.utf8)) + Self.field(Array(point))
        }
        switch material {
        case .p256(let key): return curve("nistp256", key.x963Representation)
        case .p384(let key): return curve("nistp384", key.x963Representation)
        case .p521(let key): return curve("nistp521", key.x963Representation)
        case .ed25519(let key): return Self.field(Array("ssh-ed25519".utf8)) + Self.field(Array(key.rawRepresentation))
        case .rsa(let key):
            guard let parts = try? key.getKeyPrimitives() else { return nil }
            return Self.field(Array("ssh-rsa".utf8)) + Self.number(Array(parts.publicExponent))
                + Self.number(Array(parts.modulus))
        case .mlDSA65, .mlDSA87: return nil
        }
    }

    private static func field(_ bytes: [UInt8]) -> [UInt8] {
        let count = UInt32(bytes.count)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + bytes
    }

    /// A positive number without leading zeros, but for one that keeps it from looking negative.
    private static func number(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        return field((digits.first ?? 0) >= 0x80 ? [0] + digits : digits)
    }
}
