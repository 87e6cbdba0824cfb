internal import Bytes
package import Keys
package import Sigstore

/// An extension of a certificate (RFC 5280 section 4.2), ready to be written.
package struct CertificateExtension: Hashable, Sendable {
    /// The numbers of the object identifier.
    package let identifier: [UInt]
    package let isCritical: Bool
    /// What stands inside the OCTET STRING.
    package let value: [UInt8]

    package init(_ identifier: [UInt], isCritical: Bool = false, _ value: [UInt8]) {
        self.identifier = identifier
        self.isCritical = isCritical
        self.value = value
    }

    package var der: [UInt8] {
        DERWriting.sequence(
            DERWriting.identifier(identifier), isCritical ? DERWriting.boolean(true) : [], DERWriting.octets(value))
    }

    // MARK: What certificates of authorities and signers have

    /// What a key is used for (section 4.2.1.3).
    package enum Usage: Sendable {
        case digitalSignature
        /// Certificates and revocation lists.
        case authority
    }

    package static func usage(_ usage: Usage) -> CertificateExtension {
        let bits: [UInt8] =
            switch usage {
            case .digitalSignature: [7, 0x80]
            case .authority: [1, 0x06]
            }
        return CertificateExtension([2, 5, 29, 15], isCritical: true, DERWriting.element(0x03, bits))
    }

    /// Purposes of a key (section 4.2.1.12), by the last number of 1.3.6.1.5.5.7.3.
    package enum Purpose: UInt, Sendable {
        case clientAuthentication = 2
        case codeSigning = 3
        case timestamping = 8
    }

    package static func purpose(_ purpose: Purpose, isCritical: Bool = false) -> CertificateExtension {
        CertificateExtension(
            [2, 5, 29, 37], isCritical: isCritical,
            DERWriting.sequence(DERWriting.identifier(1, 3, 6, 1, 5, 5, 7, 3, purpose.rawValue)))
    }

    package static func authority(pathLength: UInt8?) -> CertificateExtension {
        CertificateExtension(
            [2, 5, 29, 19], isCritical: true,
            DERWriting.sequence(DERWriting.boolean(true), pathLength.map { DERWriting.integer($0) } ?? []))
    }

    /// By what a key is named in certificates: the first 160 bits of its SHA-256 digest (RFC 7093 section 2).
    package static func keyID(_ key: PublicKey) -> [UInt8] { Array(key.id.bytes.prefix(20)) }

    package static func subjectKey(_ key: PublicKey) -> CertificateExtension {
        CertificateExtension([2, 5, 29, 14], DERWriting.octets(keyID(key)))
    }

    package static func authorityKey(_ identifier: [UInt8]) -> CertificateExtension {
        CertificateExtension([2, 5, 29, 35], DERWriting.sequence(DERWriting.element(0x80, identifier)))
    }

    /// Whom a certificate is for (section 4.2.1.6). It is critical, for the subject is empty.
    package static func name(
        _ names: [Certificate.SubjectAlternativeName], isCritical: Bool = true
    ) -> CertificateExtension {
        CertificateExtension(
            [2, 5, 29, 17], isCritical: isCritical, DERWriting.element(0x30, names.flatMap(Self.generalName)))
    }

    private static func generalName(_ name: Certificate.SubjectAlternativeName) -> [UInt8] {
        switch name {
        case .email(let text): DERWriting.element(0x81, Array(text.utf8))
        case .uri(let text): DERWriting.element(0x86, Array(text.utf8))
        case .otherName(let text):
            DERWriting.element(
                0xA0,
                DERWriting.identifier(1, 3, 6, 1, 4, 1, 57264, 1, 7) + DERWriting.explicit(0, DERWriting.utf8(text)))
        }
    }

    // MARK: What Fulcio adds

    /// A claim of the token: bare text up to number 6, a UTF8String from 8 on (fulcio, docs/oid-info.md).
    package static func claim(_ number: UInt, _ text: String) -> CertificateExtension {
        CertificateExtension(
            [1, 3, 6, 1, 4, 1, 57264, 1, number], number < 7 ? Array(text.utf8) : DERWriting.utf8(text))
    }

    /// What makes a certificate one that no reader accepts (RFC 6962 section 3.1).
    package static let poison = CertificateExtension(
        [1, 3, 6, 1, 4, 1, 11129, 2, 4, 3], isCritical: true, DERWriting.null)

    /// Promises of certificate logs (RFC 6962 section 3.3).
    package static func promises(_ promises: [[UInt8]]) -> CertificateExtension {
        let list = promises.flatMap { TLSWriting.vector($0, lengthBytes: 2) }
        return CertificateExtension(
            [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], DERWriting.octets(TLSWriting.vector(list, lengthBytes: 2)))
    }
}
