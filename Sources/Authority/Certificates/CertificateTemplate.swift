package import Bytes
package import Keys
internal import Sigstore

/// What a certificate is to say (RFC 5280 section 4.1), before anybody signs it.
package struct CertificateTemplate: Sendable {
    /// The subject's name in DER; empty for signers, who are named in an extension.
    package var subject: [UInt8]
    package var key: PublicKey
    package var notBefore: Timestamp
    package var notAfter: Timestamp
    package var extensions: [CertificateExtension]
    /// Big-endian and positive.
    package var serial: [UInt8]

    package init(
        subject: [UInt8] = DERWriting.sequence(), key: PublicKey, notBefore: Timestamp, notAfter: Timestamp,
        extensions: [CertificateExtension], serial: [UInt8] = CertificateTemplate.randomSerial()
    ) {
        self.subject = subject
        self.key = key
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.extensions = extensions
        self.serial = serial
    }

    /// 160 bits of randomness, of which the first is 0 so that the number is positive, and the second 1 so that it has
    /// one length.
    package static func randomSerial() -> [UInt8] {
        (0..<20).map { $0 == 0 ? UInt8.random(in: 0x40...0x7F) : UInt8.random(in: 0...0xFF) }
    }

    /// The TBSCertificate that an issuer of this name signs with a key of this algorithm.
    package func toBeSigned(issuer: [UInt8], algorithm: KeyAlgorithm) throws(KeyError) -> [UInt8] {
        DERWriting.sequence(
            DERWriting.explicit(0, DERWriting.integer(2)), DERWriting.integer(serial),
            try DERWriting.signatureAlgorithm(of: algorithm), issuer,
            DERWriting.sequence(DERWriting.time(notBefore), DERWriting.time(notAfter)), subject, key.der,
            DERWriting.explicit(3, DERWriting.element(0x30, extensions.flatMap(\.der))))
    }

    /// The certificate around a TBSCertificate and its signature.
    package static func certificate(
        _ toBeSigned: [UInt8], signature: [UInt8], algorithm: KeyAlgorithm
    ) throws(KeyError) -> [UInt8] {
        DERWriting.sequence(
            toBeSigned, try DERWriting.signatureAlgorithm(of: algorithm), DERWriting.bits(signature))
    }

    /// A name with an organisation and a common name.
    package static func name(organization: String, commonName: String) -> [UInt8] {
        func part(_ number: UInt, _ text: String) -> [UInt8] {
            DERWriting.set([DERWriting.sequence(DERWriting.identifier(2, 5, 4, number), DERWriting.utf8(text))])
        }
        return DERWriting.sequence(part(10, organization), part(3, commonName))
    }

    // MARK: The certificates of an authority

    /// An authority that vouches for itself.
    package static func root(
        _ organization: String, commonName: String, key: PublicKey, from start: Timestamp, to end: Timestamp
    ) -> CertificateTemplate {
        CertificateTemplate(
            subject: name(organization: organization, commonName: commonName), key: key, notBefore: start,
            notAfter: end,
            extensions: [
                .usage(.authority), .authority(pathLength: nil), .subjectKey(key),
                .authorityKey(CertificateExtension.keyID(key)),
            ])
    }

    /// An authority below another that issues to code signers, or to timestamp authorities, alone.
    package static func intermediate(
        _ organization: String, commonName: String, purpose: CertificateExtension.Purpose? = .codeSigning,
        key: PublicKey, issuerKeyID: [UInt8], from start: Timestamp, to end: Timestamp
    ) -> CertificateTemplate {
        CertificateTemplate(
            subject: name(organization: organization, commonName: commonName), key: key, notBefore: start,
            notAfter: end,
            extensions: [.usage(.authority)] + (purpose.map { [.purpose($0)] } ?? []) + [
                .authority(pathLength: 0), .subjectKey(key), .authorityKey(issuerKeyID),
            ])
    }

    /// Who signs timestamps, and nothing else (RFC 3161 section 2.3).
    package static func timestamper(
        _ organization: String, commonName: String, key: PublicKey, issuerKeyID: [UInt8], from start: Timestamp,
        to end: Timestamp
    ) -> CertificateTemplate {
        CertificateTemplate(
            subject: name(organization: organization, commonName: commonName), key: key, notBefore: start,
            notAfter: end,
            extensions: [
                .usage(.digitalSignature), .purpose(.timestamping, isCritical: true), .subjectKey(key),
                .authorityKey(issuerKeyID),
            ])
    }

    /// A signer of artifacts, as Fulcio has it (fulcio, docs/certificate-specification.md).
    package static func signer(
        _ identity: CertifiedIdentity, key: PublicKey, issuerKeyID: [UInt8], from start: Timestamp, to end: Timestamp
    ) -> CertificateTemplate {
        CertificateTemplate(
            key: key, notBefore: start, notAfter: end,
            extensions: [
                .usage(.digitalSignature), .purpose(.codeSigning), .subjectKey(key), .authorityKey(issuerKeyID),
                .name([identity.name]),
            ] + identity.claims.map { .claim($0.number, $0.text) })
    }
}
