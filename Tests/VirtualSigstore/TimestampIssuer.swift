internal import Bytes
internal import Keys
internal import Sigstore
internal import SwiftASN1

/// A timestamp authority (RFC 3161).
struct TimestampIssuer: Sendable {
    let key: PrivateKey
    let der: [UInt8]
    let issuer: CertificateIssuer
    let serial: [UInt8]

    /// `isForTimestamps` is false for a certificate that a verifier must refuse.
    init(
        below issuer: CertificateIssuer, from start: Timestamp, to end: Timestamp, isForTimestamps: Bool = true
    ) throws {
        key = try PrivateKey.generate(.ecdsaP256)
        self.issuer = issuer
        let profile = CertificateIssuer.Profile(
            subject: CertificateIssuer.name("virtual.example", "timestamps"), key: key.publicKey, notBefore: start,
            notAfter: end,
            extensions: [
                CertificateIssuer.usage(0x80, unused: 7),
                CertificateIssuer.purpose(isForTimestamps ? 8 : 3, isCritical: true),
            ] + CertificateIssuer.identifiers(for: key.publicKey, issuer: issuer.key.publicKey))
        serial = profile.serial
        der = try issuer.issue(profile)
    }

    /// What a request asks for.
    struct Query {
        let algorithm: [UInt8]
        let digest: [UInt8]
        let nonce: [UInt8]?
        var wantsCertificate = false

        init(der: [UInt8]) throws {
            var imprint: [UInt8] = []
            var hashed: [UInt8] = []
            var nonce: [UInt8]?
            var wanted = false
            try DER.sequence(try DER.parse(der), identifier: .sequence) { nodes in
                _ = try Int(derEncoded: &nodes)
                guard let first = nodes.next() else { throw ASN1Error.invalidASN1Object(reason: "no imprint") }
                try DER.sequence(first, identifier: .sequence) { nodes in
                    guard let algorithm = nodes.next() else { throw ASN1Error.invalidASN1Object(reason: "no hash") }
                    imprint = Array(algorithm.encodedBytes)
                    hashed = Array(try ASN1OctetString(derEncoded: &nodes).bytes)
                }
                while let node = nodes.next() {
                    if node.identifier == .integer, case .primitive(let bytes) = node.content { nonce = Array(bytes) }
                    if node.identifier == .boolean { wanted = try Bool(derEncoded: node) }
                }
            }
            (algorithm, digest, self.nonce, wantsCertificate) = (imprint, hashed, nonce, wanted)
        }
    }

    private static let content = DERWriting.identifier(1, 2, 840, 113549, 1, 9, 16, 1, 4)

    /// The response to `query`, saying `moment`.
    func response(to query: Query, at moment: Timestamp) throws -> [UInt8] {
        let info = DERWriting.sequence(
            DERWriting.integer(1), DERWriting.identifier(1, 3, 6, 1, 4, 1, 57264, 2),
            DERWriting.sequence(query.algorithm, DERWriting.octets(query.digest)),
            DERWriting.integer((0..<8).map { _ in UInt8.random(in: 1...0x7F) }),
            DERWriting.time(moment, isGeneralized: true), query.nonce.map { DERWriting.integer($0) } ?? [])
        func attribute(_ identifier: [UInt8], _ value: [UInt8]) -> [UInt8] {
            DERWriting.sequence(identifier, DERWriting.set([value]))
        }
        let attributes = DERWriting.set([
            attribute(DERWriting.identifier(1, 2, 840, 113549, 1, 9, 3), Self.content),
            attribute(
                DERWriting.identifier(1, 2, 840, 113549, 1, 9, 4), DERWriting.octets(Digest.of(info).bytes)),
            attribute(
                DERWriting.identifier(1, 2, 840, 113549, 1, 9, 16, 2, 47),
                DERWriting.sequence(
                    DERWriting.sequence(DERWriting.sequence(DERWriting.octets(Digest.of(der).bytes))))),
        ])
        let signer = DERWriting.sequence(
            DERWriting.integer(1), DERWriting.sequence(issuer.name, DERWriting.integer(serial)),
            DERWriting.algorithm(.sha256), [0xA0] + attributes.dropFirst(),
            try DERWriting.signatureAlgorithm(of: key.algorithm),
            DERWriting.octets(try key.signature(of: .bytes(attributes))))
        let signed = DERWriting.sequence(
            DERWriting.integer(3), DERWriting.set([DERWriting.algorithm(.sha256)]),
            DERWriting.sequence(Self.content, DERWriting.explicit(0, DERWriting.octets(info))),
            query.wantsCertificate ? DERWriting.explicit(0, der) : [], DERWriting.set([signer]))
        return DERWriting.sequence(
            DERWriting.sequence(DERWriting.integer(0)),
            DERWriting.sequence(
                DERWriting.identifier(1, 2, 840, 113549, 1, 7, 2), DERWriting.explicit(0, signed)))
    }
}
