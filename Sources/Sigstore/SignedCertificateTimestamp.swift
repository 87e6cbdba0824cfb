package import Bytes
internal import Keys
internal import SwiftASN1

/// A certificate log's promise to include a certificate (RFC 6962 section 3.2).
struct SignedCertificateTimestamp: Hashable, Sendable {
    let logID: [UInt8]
    /// Milliseconds since 1970.
    let milliseconds: UInt64
    /// Static logs put the leaf's index here.
    let extensions: [UInt8]
    /// The TLS number of the hash function: 4 to 6 are SHA-256 to SHA-512.
    let hash: UInt8
    let signature: [UInt8]

    static let greatestCount = 32

    /// The list inside a certificate, where there is one (RFC 6962 section 3.3).
    static func embedded(in certificate: Certificate) throws(SigstoreError) -> [SignedCertificateTimestamp] {
        guard let value = certificate.extensionValue(.signedCertificateTimestamps) else { return [] }
        guard let list = try? ASN1OctetString(derEncoded: value) else {
            throw SigstoreError(.malformed, "the certificate's list of SCTs is no OCTET STRING")
        }
        return try Self.list(Array(list.bytes))
    }

    /// Reads a `SignedCertificateTimestampList` in the encoding of TLS.
    static func list(_ bytes: [UInt8]) throws(SigstoreError) -> [SignedCertificateTimestamp] {
        var reader = TLSReader(bytes)
        var list = TLSReader(try reader.vector(lengthBytes: 2))
        try reader.end()
        var out: [SignedCertificateTimestamp] = []
        while !list.isAtEnd {
            guard out.count < greatestCount else { throw SigstoreError(.limit, "more than \(greatestCount) SCTs") }
            out.append(try SignedCertificateTimestamp(try list.vector(lengthBytes: 2)))
        }
        return out
    }

    init(_ bytes: [UInt8]) throws(SigstoreError) {
        var reader = TLSReader(bytes)
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

    var moment: Timestamp? {
        Timestamp(seconds: Int64(clamping: milliseconds / 1000), nanoseconds: Int32(milliseconds % 1000) * 1_000_000)
    }

    /// What the log signed for a certificate that `issuer` issued (RFC 6962 section 3.2, `precert_entry`).
    func signedBytes(for certificate: Certificate, issuer: Certificate) throws(SigstoreError) -> [UInt8] {
        let toBeSigned = try Self.withoutTimestamps(certificate.toBeSigned)
        var out: [UInt8] = [0, 0]
        out += Self.bigEndian(milliseconds, 8)
        out += [0, 1]
        out += Digest.of(issuer.keyBytes).bytes
        out += Self.bigEndian(UInt64(toBeSigned.count), 3) + toBeSigned
        out += Self.bigEndian(UInt64(extensions.count), 2) + extensions
        return out
    }

    /// Checks the promise of `log`.
    func verify(by log: TrustedRoot.Log, certificate: Certificate, issuer: Certificate) throws(SigstoreError) {
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

    /// The TBSCertificate without the extension that holds SCTs, all else byte for byte.
    static func withoutTimestamps(_ toBeSigned: ArraySlice<UInt8>) throws(SigstoreError) -> [UInt8] {
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
                        try ASN1ObjectIdentifier(derEncoded: first) == .signedCertificateTimestamps
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

    private static func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }
}

extension Certificate {
    /// The moments at which certificate logs promised to hold this one, unchecked, for people to read.
    package func promises() throws(SigstoreError) -> [(logID: [UInt8], moment: Timestamp?)] {
        _ = try SignedCertificateTimestamp.withoutTimestamps(toBeSigned)
        return try SignedCertificateTimestamp.embedded(in: self).map { ($0.logID, $0.moment) }
    }
}

extension ASN1ObjectIdentifier {
    /// The extension that holds SCTs (RFC 6962 section 3.3).
    static let signedCertificateTimestamps: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2]
}

/// Reads the presentation language of TLS (RFC 8446 section 3).
private struct TLSReader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    mutating func take(_ count: Int) throws(SigstoreError) -> [UInt8] {
        guard count <= bytes.count - at else { throw SigstoreError(.malformed, "an SCT ends too early") }
        defer { at += count }
        return Array(bytes[at..<at + count])
    }

    mutating func number(bytes count: Int) throws(SigstoreError) -> UInt64 {
        try take(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func vector(lengthBytes: Int) throws(SigstoreError) -> [UInt8] {
        try take(Int(try number(bytes: lengthBytes)))
    }

    func end() throws(SigstoreError) {
        guard isAtEnd else { throw SigstoreError(.malformed, "bytes after an SCT") }
    }
}
