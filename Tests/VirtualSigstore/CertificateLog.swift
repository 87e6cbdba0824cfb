internal import Bytes
internal import Keys
internal import Sigstore

/// A certificate log that promises and keeps nothing (RFC 6962).
struct CertificateLog: Sendable {
    let key: PrivateKey

    init() throws { key = try PrivateKey.generate(.ecdsaP256) }

    /// The promise to include a certificate by `issuer` (section 3.2), with extensions as static logs write them.
    func promise(_ toBeSigned: [UInt8], issuer: PublicKey, at moment: Timestamp, index: UInt64) throws -> [UInt8] {
        let milliseconds = UInt64(moment.seconds) * 1000
        // leaf_index, a number of 40 bits (C2SP static-ct-api).
        let extensions: [UInt8] = [0, 0, 5] + Self.bigEndian(index, 5)
        let signed =
            [0, 0] + Self.bigEndian(milliseconds, 8) + [0, 1] + issuer.id.bytes
            + Self.bigEndian(UInt64(toBeSigned.count), 3) + toBeSigned + CertificateIssuer.vector(extensions)
        return [0] + key.publicKey.id.bytes + Self.bigEndian(milliseconds, 8) + CertificateIssuer.vector(extensions)
            + [4, 3] + CertificateIssuer.vector(try key.signature(of: .bytes(signed)))
    }

    private static func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }
}
