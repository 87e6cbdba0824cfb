internal import Bytes
internal import FoundationEssentials
internal import Keys
internal import SwiftASN1
internal import X509

/// A server's certificate that it signed itself, for machines that are told to trust it.
package struct SelfSignedCertificate: Sendable {
    /// The certificate, which clients are given to trust.
    package let certificatePEM: String
    /// The private key, PKCS #8.
    package let keyPEM: String

    /// Makes a new key (P-256) and a certificate of it for 825 days from `seconds` since 1970: longer ones are not
    /// accepted by all clients.
    ///
    /// - Parameter names: Host names, and addresses such as `127.0.0.1` and `::1`. The first is the common name.
    package init(names: [String], at seconds: Int64) throws {
        let key = try Keys.PrivateKey.generate(.ecdsaP256)
        keyPEM = PEM(label: "PRIVATE KEY", bytes: try key.pkcs8.bytes).text
        let signer = try Certificate.PrivateKey(pemEncoded: keyPEM)
        let subject = try DistinguishedName { CommonName(names.first ?? "localhost") }
        // A minute of grace for clocks that are behind.
        let start = Date(timeIntervalSince1970: Double(seconds - 60))
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: signer.publicKey, notValidBefore: start,
            notValidAfter: start.addingTimeInterval(825 * 86400), issuer: subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                // No key usage: one without keyCertSign makes BoringSSL refuse that it signed itself.
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(Self.unique(names).map(Self.name))
            }, issuerPrivateKey: signer)
        certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
    }

    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }

    private static func name(_ text: String) -> GeneralName {
        address(text).map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) } ?? .dnsName(text)
    }

    /// The bytes of an IPv4 address, or of an IPv6 address as it is written with at most one `::`.
    static func address(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        if parts.count == 4, !parts.contains(nil) { return parts.compactMap { $0 } }
        guard text.contains(":") else { return nil }
        let halves = text.replacing("::", with: "#", maxReplacements: 1)
            .split(separator: "#", omittingEmptySubsequences: false)
            .map { $0.split(separator: ":", omittingEmptySubsequences: true).map { UInt16($0, radix: 16) } }
        guard halves.count <= 2, let front = halves.first, !halves.joined().contains(nil) else { return nil }
        let back = halves.count == 2 ? halves[1] : []
        let zeros = 8 - front.count - back.count
        guard halves.count == 2 ? zeros >= 1 : zeros == 0 else { return nil }
        let groups = front.compactMap { $0 } + [UInt16](repeating: 0, count: zeros) + back.compactMap { $0 }
        return groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
}
