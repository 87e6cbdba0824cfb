package import Bytes
internal import Keys
internal import SwiftASN1
internal import X509

/// A certificate log's promise to include a certificate (RFC 6962 section 3.2).
package struct SignedCertificateTimestamp: Hashable, Sendable {
    package let logID: [UInt8]
    /// Milliseconds since 1970.
    package let milliseconds: UInt64
    /// Static logs put the leaf's index here.
    package let extensions: [UInt8]
    /// The TLS number of the hash function: 4 to 6 are SHA-256 to SHA-512.
    let hash: UInt8
    let signature: [UInt8]

    static let greatestCount = 32

    /// The list inside a certificate, where there is one (RFC 6962 section 3.3).
    package static func embedded(in certificate: Certificate) throws(SigstoreError) -> [SignedCertificateTimestamp] {
        guard let value = certificate.extensionValue(.signedCertificateTimestamps) else { return [] }
        guard let list = try? ASN1OctetString(derEncoded: value) else {
            throw SigstoreError(.malformed, "the certificate's list of SCTs is no OCTET STRING")
        }
        return try Self.list(Array(list.bytes))
    }

    /// Reads a `SignedCertificateTimestampList` in the encoding of TLS.
    static func list(_ bytes: [UInt8]) throws(SigstoreError) -> [SignedCertificateTimestamp] {
        var reader = TLSReader(bytes, of: "an SCT")
        var list = TLSReader(try reader.vector(lengthBytes: 2), of: "a list of SCTs")
        try reader.end()
        var out: [SignedCertificateTimestamp] = []
        while !list.isAtEnd {
            guard out.count < greatestCount else { throw SigstoreError(.limit, "more than \(greatestCount) SCTs") }
            out.append(try SignedCertificateTimestamp(try list.vector(lengthBytes: 2)))
        }
        return out
    }

    package init(_ bytes: [UInt8]) throws(SigstoreError) {
        var reader = TLSReader(bytes, of: "an SCT")
        let version = try reader.number(bytes: 1)
        guard version == 0 else { throw SigstoreError(.unsupported, "an SCT of version \(version + 1)") }
        logID = try reader.take(32)
        milliseconds = try reader.number(bytes: 8)
        extensions = try reader.vector(lengthBytes: 2)
        hash = UInt8(truncatingIfNeeded: try reader.number(bytes: 1))
        // 1 is RSA, 3 is ECDSA; the key says the same.
        _ = try reader.number(bytes: 1)
        signature = try reader.vector(lengthBytes: 2)
        try reader.end()
    }

    package var moment: Timestamp? {
        Timestamp(seconds: Int64(clamping: milliseconds / 1000), nanoseconds: Int32(milliseconds % 1000) * 1_000_000)
    }

    /// What the log signed for a certificate that `issuer` issued (RFC 6962 section 3.2, `precert_entry`).
    func signedBytes(for certificate: Certificate, issuer: Certificate) throws(SigstoreError) -> [UInt8] {
        let toBeSigned = try certificate.toBeSigned(withoutExtension: .signedCertificateTimestamps)
        return [0, 0] + TLSWriting.number(milliseconds, byteCount: 8) + [0, 1] + Digest.of(issuer.keyBytes).bytes
            + TLSWriting.vector(toBeSigned, lengthBytes: 3) + TLSWriting.vector(extensions, lengthBytes: 2)
    }

    /// Checks the promise of `log`.
    package func verify(by log: TrustedRoot.Log, certificate: Certificate, issuer: Certificate) throws(SigstoreError) {
        guard let moment, log.period.contains(moment) else {
            throw SigstoreError(
                .malformed, "the certificate log is trusted from \(log.period); the SCT is from outside")
        }
        let functions: [UInt8: HashAlgorithm] = [4: .sha256, 5: .sha384, 6: .sha512]
        guard let function = functions[hash] else {
            throw SigstoreError(.unsupported, "the SCT is signed with the hash function \(hash) of TLS")
        }
        do {
            try log.key.verify(
                signature, of: .bytes(signedBytes(for: certificate, issuer: issuer)),
                hash: log.key.algorithm == .ed25519 ? nil : function)
        } catch let error as SigstoreError {
            throw error
        } catch {
            throw SigstoreError(.malformed, "\(error)")
        }
    }
}

extension Certificate {
    /// What was to be signed of a certificate that a log has not yet promised to keep: without the extension that poisons
    /// it (RFC 6962 section 3.2). `nil` where it is not poisoned.
    package func toBeSignedWithoutPoison() throws(SigstoreError) -> [UInt8]? {
        guard let poison = parsed.extensions[oid: .poison] else { return nil }
        guard poison.critical, poison.value.elementsEqual(DERWriting.null) else {
            throw SigstoreError(.malformed, "the certificate's poison is not critical, or not NULL")
        }
        return try toBeSigned(withoutExtension: .poison)
    }

    /// The TBSCertificate without an extension, all else byte for byte.
    func toBeSigned(withoutExtension identifier: ASN1ObjectIdentifier) throws(SigstoreError) -> [UInt8] {
        do {
            guard case .constructed(let parts) = try DER.parse(toBeSigned).content else {
                throw ASN1Error.invalidASN1Object(reason: "no TBSCertificate")
            }
            var body: [UInt8] = []
            for part in parts {
                guard part.identifier == ASN1Identifier(tagWithNumber: 3, tagClass: .contextSpecific),
                    case .constructed(let wrapped) = part.content, let list = wrapped.first(where: { _ in true }),
                    case .constructed(let extensions) = list.content
                else {
                    body += part.encodedBytes
                    continue
                }
                var kept: [UInt8] = []
                for node in extensions {
                    if case .constructed(let members) = node.content, let first = members.first(where: { _ in true }),
                        try ASN1ObjectIdentifier(derEncoded: first) == identifier
                    {
                        continue
                    }
                    kept += node.encodedBytes
                }
                body += DERWriting.element(0xA3, DERWriting.element(0x30, kept))
            }
            return DERWriting.element(0x30, body)
        } catch {
            throw SigstoreError(.malformed, "the certificate can't be taken apart: \(error)")
        }
    }

    /// The moments at which certificate logs promised to hold this one, unchecked, for people to read.
    package func promises() throws(SigstoreError) -> [(logID: [UInt8], moment: Timestamp?)] {
        _ = try toBeSigned(withoutExtension: .signedCertificateTimestamps)
        return try SignedCertificateTimestamp.embedded(in: self).map { ($0.logID, $0.moment) }
    }
}

extension ASN1ObjectIdentifier {
    /// The extension that makes a certificate one that no reader accepts (RFC 6962 section 3.1).
    static let poison: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 3]
    /// The extension that holds SCTs (RFC 6962 section 3.3).
    static let signedCertificateTimestamps: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2]
}
