package import Bytes
internal import FoundationEssentials
package import Keys
internal import SwiftASN1
internal import X509

/// An X.509 certificate with the bytes that it was read from (RFC 5280).
package struct Certificate: Sendable {
    /// The whole certificate.
    package let der: [UInt8]
    /// The key that it certifies, where it is of an algorithm that can be checked here.
    package let key: Result<PublicKey, KeyError>
    /// The DER of the SubjectPublicKeyInfo.
    package let keyBytes: [UInt8]
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    let parsed: X509.Certificate
    /// The TBSCertificate, which is what the issuer signed.
    package let toBeSigned: ArraySlice<UInt8>
    /// The issuer's name and the serial number in DER, which timestamps point at.
    package let issuerBytes: ArraySlice<UInt8>
    /// The subject's name in DER.
    package let subjectBytes: ArraySlice<UInt8>

    /// The most bytes of a certificate that is read.
    package static let greatestByteCount = 64 << 10

    package init(der: [UInt8]) throws(SigstoreError) {
        guard der.count <= Self.greatestByteCount else {
            throw SigstoreError(.limit, "a certificate of \(der.count) bytes; the limit is \(Self.greatestByteCount)")
        }
        do {
            let root = try DER.parse(der)
            parsed = try X509.Certificate(derEncoded: root)
            let outline = try Outline(root)
            self.der = der
            toBeSigned = outline.toBeSigned
            issuerBytes = outline.issuer
            subjectBytes = outline.subject
            keyBytes = Array(outline.keyInfo)
        } catch {
            throw SigstoreError(.malformed, "a certificate can't be read: \(error)")
        }
        key = Result { [keyBytes] () throws(KeyError) in try PublicKey(der: keyBytes) }
        guard let start = Timestamp(seconds: Int64(parsed.notValidBefore.timeIntervalSince1970)),
            let end = Timestamp(seconds: Int64(parsed.notValidAfter.timeIntervalSince1970))
        else { throw SigstoreError(.malformed, "a certificate is valid in years beyond 9999") }
        notBefore = start
        notAfter = end
    }

    /// Reads every certificate of a PEM text.
    package static func list(pem text: [UInt8]) throws(SigstoreError) -> [Certificate] {
        let blocks: [PEM]
        do {
            blocks = try PEM.blocks(in: text)
        } catch {
            throw SigstoreError(.malformed, "the certificates are not PEM: \(error)")
        }
        var out: [Certificate] = []
        for block in blocks {
            guard block.label == "CERTIFICATE" else {
                throw SigstoreError(.malformed, "a block is \(block.label.debugDescription), not CERTIFICATE")
            }
            out.append(try Certificate(der: block.bytes))
        }
        return out
    }

    /// The SHA-256 digest of the certificate.
    package var fingerprint: Bytes.Digest { Bytes.Digest.of(der) }

    /// The certificate as a PEM block.
    package var pem: String { PEM(label: "CERTIFICATE", bytes: der).text }

    /// The subject for people to read.
    package var subject: String { parsed.subject.description }

    /// The issuer for people to read.
    package var issuer: String { parsed.issuer.description }

    /// Common name and organisation of the subject, by the names that trusted roots have for them.
    var subjectParts: [(name: String, value: String)] {
        var out: [(name: String, value: String)] = []
        for attribute in parsed.subject.flatMap({ $0 }) {
            let name: String? =
                switch attribute.type {
                case .RDNAttributeType.commonName: "commonName"
                case .RDNAttributeType.organizationName: "organization"
                default: nil
                }
            if let name, let value = String(attribute.value) { out.append((name, value)) }
        }
        return out
    }

    /// The serial number, big-endian, as DER has it.
    package var serialNumber: [UInt8] { Array(parsed.serialNumber.bytes) }

    /// Whether `moment` is between the two ends, which belong to it (RFC 5280 section 4.1.2.5).
    ///
    /// The ends are whole seconds; a moment within the last one is inside.
    package func isValid(at moment: Timestamp) -> Bool {
        notBefore.seconds <= moment.seconds && moment.seconds <= notAfter.seconds
    }

    /// Whether it may issue certificates.
    package var isAuthority: Bool {
        guard case .isCertificateAuthority? = try? parsed.extensions.basicConstraints else { return false }
        return true
    }

    /// By what certificates that this one's key signs name that key (RFC 5280 section 4.2.1.2).
    package var subjectKeyIdentifier: [UInt8]? {
        (try? parsed.extensions.subjectKeyIdentifier).map { Array($0.keyIdentifier) }
    }

    /// How many further authorities may stand below this one; `nil` where any number may.
    package var pathLength: Int? {
        guard case .isCertificateAuthority(let length)? = try? parsed.extensions.basicConstraints else { return nil }
        return length
    }

    /// Checks that `issuer` signed this certificate. Names are compared by their bytes.
    package func checkSignature(of issuer: Certificate) throws(SigstoreError) {
        guard issuerBytes == issuer.subjectBytes else {
            throw SigstoreError(.malformed, "the issuer of \(subject) is \(self.issuer), not \(issuer.subject)")
        }
        guard parsed.signatureAlgorithm != .sha1WithRSAEncryption else {
            throw SigstoreError(.unsupported, "the certificate of \(subject) is signed over SHA-1, which is broken")
        }
        guard issuer.parsed.publicKey.isValidSignature(parsed.signature, for: parsed) else {
            throw SigstoreError(.malformed, "the signature of \(issuer.subject) on the certificate is wrong")
        }
    }

    /// The value of the extension, where there is one.
    func extensionValue(_ oid: ASN1ObjectIdentifier) -> ArraySlice<UInt8>? { parsed.extensions[oid: oid]?.value }
}

extension Certificate: Hashable {
    package static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }

    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

/// The parts of a certificate whose exact bytes matter.
private struct Outline {
    let toBeSigned: ArraySlice<UInt8>
    let issuer: ArraySlice<UInt8>
    let subject: ArraySlice<UInt8>
    let keyInfo: ArraySlice<UInt8>

    init(_ root: ASN1Node) throws {
        guard case .constructed(let outer) = root.content, let signed = outer.first(where: { _ in true }),
            case .constructed(let parts) = signed.content
        else { throw ASN1Error.invalidASN1Object(reason: "no TBSCertificate") }
        // version [0] may be absent; then serial, algorithm, issuer, validity, subject, key.
        var nodes = Array(parts.prefix(8))
        if nodes.first?.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific) {
            nodes.removeFirst()
        }
        guard nodes.count >= 6 else { throw ASN1Error.invalidASN1Object(reason: "a short TBSCertificate") }
        toBeSigned = signed.encodedBytes
        issuer = nodes[2].encodedBytes
        subject = nodes[4].encodedBytes
        keyInfo = nodes[5].encodedBytes
    }
}
