internal import Bytes
internal import Keys
internal import SwiftASN1

/// The part of CMS SignedData that timestamps use (RFC 5652 section 5.1).
struct TimestampSignedData {
    let content: [UInt8]
    let certificates: [[UInt8]]
    let signers: [TimestampSigner]

    private static let signedData: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 2]
    static let timestampInfo: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 16, 1, 4]

    /// Reads a ContentInfo around SignedData around a TSTInfo.
    init(_ node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            guard try ASN1ObjectIdentifier(derEncoded: &nodes) == Self.signedData else {
                throw SigstoreError(.malformed, "the timestamp is no CMS SignedData")
            }
            return try DER.explicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
                try DER.sequence(node, identifier: .sequence) { try Self(&$0) }
            }
        }
    }

    private init(_ nodes: inout ASN1NodeCollection.Iterator) throws {
        let version = try Int(derEncoded: &nodes)
        guard version == 3 else { throw SigstoreError(.unsupported, "CMS SignedData of version \(version)") }
        let digestAlgorithms = try Self.algorithms(nodes.require("digestAlgorithms"))
        content = try Self.content(nodes.require("encapContentInfo"))
        var certificates: [[UInt8]] = []
        var node = try nodes.require("signerInfos")
        if node.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific) {
            guard case .constructed(let list) = node.content else {
                throw ASN1Error.invalidASN1Object(reason: "certificates are no set")
            }
            certificates = list.map { Array($0.encodedBytes) }
            node = try nodes.require("signerInfos")
        }
        if node.identifier == ASN1Identifier(tagWithNumber: 1, tagClass: .contextSpecific) {
            node = try nodes.require("signerInfos")
        }
        guard certificates.count <= UnverifiedBundle.Limits.certificateCount else {
            throw SigstoreError(.limit, "the timestamp has \(certificates.count) certificates")
        }
        self.certificates = certificates
        guard node.identifier == .set, case .constructed(let list) = node.content else {
            throw ASN1Error.invalidASN1Object(reason: "signerInfos is no set")
        }
        signers = try list.prefix(2).map { try TimestampSigner($0) }
        guard signers.allSatisfy({ digestAlgorithms.contains($0.digestAlgorithm) }) else {
            throw SigstoreError(.malformed, "the timestamp does not list the hash function that its signer used")
        }
    }

    private static func algorithms(_ node: ASN1Node) throws -> [HashAlgorithm] {
        guard node.identifier == .set, case .constructed(let list) = node.content else {
            throw ASN1Error.invalidASN1Object(reason: "digestAlgorithms is no set")
        }
        return try list.map { try HashAlgorithm(identifier: $0) }
    }

    private static func content(_ node: ASN1Node) throws -> [UInt8] {
        try DER.sequence(node, identifier: .sequence) { nodes in
            guard try ASN1ObjectIdentifier(derEncoded: &nodes) == timestampInfo else {
                throw SigstoreError(.malformed, "what the authority signed is no TSTInfo")
            }
            return try DER.explicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
                Array(try ASN1OctetString(derEncoded: node).bytes)
            }
        }
    }
}

/// A SignerInfo with the attributes that RFC 3161 asks for (RFC 5652 section 5.3).
struct TimestampSigner: Sendable {
    /// Which certificate the signature belongs to.
    enum Identifier: Sendable {
        case issuerAndSerial(issuer: [UInt8], serial: [UInt8])
        case subjectKeyIdentifier([UInt8])

        /// The version of a SignerInfo that is named so (RFC 5652 section 5.3).
        var version: Int {
            switch self {
            case .issuerAndSerial: 1
            case .subjectKeyIdentifier: 3
            }
        }
    }

    /// The certificate's digest in the signed attributes (RFC 5035; with SHA-1, RFC 2634).
    enum CertificateDigest: Sendable {
        case digest(MessageDigest)
        case sha1([UInt8])
    }

    let identifier: Identifier
    let digestAlgorithm: HashAlgorithm
    let messageDigest: [UInt8]
    let certificateDigest: CertificateDigest
    /// The attributes as a SET, which is what is signed.
    let signedBytes: [UInt8]
    let signature: [UInt8]
    /// The hash function of the signature; `nil` for algorithms that take the message whole.
    let signatureHash: HashAlgorithm?
    let padding: RSAPadding

    init(_ node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { try Self(&$0) }
    }

    private init(_ nodes: inout ASN1NodeCollection.Iterator) throws {
        let version = try Int(derEncoded: &nodes)
        identifier = try Self.identifier(nodes.require("sid"))
        guard version == identifier.version else {
            throw SigstoreError(
                .malformed, "the timestamp's signer is of version \(version), which does not fit its name")
        }
        digestAlgorithm = try HashAlgorithm(identifier: nodes.require("digestAlgorithm"))
        let attributes = try nodes.require("signedAttrs")
        guard attributes.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific),
            case .constructed(let list) = attributes.content
        else { throw SigstoreError(.malformed, "the timestamp has no signed attributes") }
        // What is signed has the tag of a SET in place of [0] (RFC 5652 section 5.4).
        signedBytes = [0x31] + attributes.encodedBytes.dropFirst()
        let read = try Attributes(list)
        messageDigest = read.messageDigest
        certificateDigest = read.certificateDigest
        (signatureHash, padding) = try Self.algorithm(nodes.require("signatureAlgorithm"), digest: digestAlgorithm)
        signature = Array(try ASN1OctetString(derEncoded: &nodes).bytes)
        // Attributes that are not signed say nothing that counts.
        if let rest = nodes.next(), rest.identifier != ASN1Identifier(tagWithNumber: 1, tagClass: .contextSpecific) {
            throw ASN1Error.invalidASN1Object(reason: "something follows the signature")
        }
    }

    private static func identifier(_ node: ASN1Node) throws -> Identifier {
        if node.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific),
            case .primitive(let bytes) = node.content
        {
            return .subjectKeyIdentifier(Array(bytes))
        }
        return try DER.sequence(node, identifier: .sequence) { nodes in
            let issuer = try nodes.require("issuer")
            let serial = try nodes.require("serialNumber")
            guard serial.identifier == .integer, case .primitive(let bytes) = serial.content else {
                throw ASN1Error.invalidASN1Object(reason: "a serial number that is no integer")
            }
            return .issuerAndSerial(issuer: Array(issuer.encodedBytes), serial: Array(bytes))
        }
    }

    /// Its parameters name the hash function again; a signature by another one does not verify.
    private static let rsaPSS: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 10]

    private static func algorithm(_ node: ASN1Node, digest: HashAlgorithm) throws -> (HashAlgorithm?, RSAPadding) {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let oid = try ASN1ObjectIdentifier(derEncoded: &nodes)
            if let parameters = nodes.next(), oid != Self.rsaPSS { _ = try ASN1Null(derEncoded: parameters) }
            switch oid {
            case [1, 2, 840, 10045, 4, 3, 2], [1, 2, 840, 113549, 1, 1, 11]: return (.sha256, .pkcs1v15)
            case [1, 2, 840, 10045, 4, 3, 3], [1, 2, 840, 113549, 1, 1, 12]: return (.sha384, .pkcs1v15)
            case [1, 2, 840, 10045, 4, 3, 4], [1, 2, 840, 113549, 1, 1, 13]: return (.sha512, .pkcs1v15)
            case [1, 2, 840, 113549, 1, 1, 1]: return (digest, .pkcs1v15)
            case Self.rsaPSS: return (digest, .pss)
            case [1, 3, 101, 112]: return (nil, .pkcs1v15)
            default:
                throw SigstoreError(
                    .unsupported, "the timestamp is signed with the algorithm \(oid), which is not known")
            }
        }
    }

    /// The signed attributes that count; each must be there once.
    private struct Attributes {
        let messageDigest: [UInt8]
        let certificateDigest: CertificateDigest

        init(_ list: ASN1NodeCollection) throws {
            var contentType: ASN1ObjectIdentifier?
            var messageDigest: [UInt8]?
            var certificateDigest: CertificateDigest?
            var seen: Set<ASN1ObjectIdentifier> = []
            for attribute in list {
                try DER.sequence(attribute, identifier: .sequence) { nodes in
                    let oid = try ASN1ObjectIdentifier(derEncoded: &nodes)
                    guard seen.insert(oid).inserted else {
                        throw SigstoreError(.malformed, "the timestamp has the attribute \(oid) twice")
                    }
                    guard case .constructed(let values) = try nodes.require("values").content,
                        let value = values.first(where: { _ in true })
                    else { throw ASN1Error.invalidASN1Object(reason: "an attribute without a value") }
                    switch oid {
                    case [1, 2, 840, 113549, 1, 9, 3]: contentType = try ASN1ObjectIdentifier(derEncoded: value)
                    case [1, 2, 840, 113549, 1, 9, 4]:
                        messageDigest = Array(try ASN1OctetString(derEncoded: value).bytes)
                    case [1, 2, 840, 113549, 1, 9, 16, 2, 47]:
                        certificateDigest = try Self.digest(value, isFirst: false)
                    case [1, 2, 840, 113549, 1, 9, 16, 2, 12] where certificateDigest == nil:
                        certificateDigest = try Self.digest(value, isFirst: true)
                    default: break
                    }
                }
            }
            guard contentType == TimestampSignedData.timestampInfo else {
                throw SigstoreError(.malformed, "the timestamp's signed attributes do not say that it is a TSTInfo")
            }
            guard let messageDigest else {
                throw SigstoreError(.malformed, "the timestamp's signed attributes hold no message digest")
            }
            guard let certificateDigest else {
                throw SigstoreError(
                    .malformed, "the timestamp's signed attributes do not name the signer's certificate")
            }
            self.messageDigest = messageDigest
            self.certificateDigest = certificateDigest
        }

        /// The digest of the first certificate in a SigningCertificate or SigningCertificateV2.
        private static func digest(_ node: ASN1Node, isFirst: Bool) throws -> CertificateDigest {
            try DER.sequence(node, identifier: .sequence) { nodes in
                let list = try nodes.require("certs")
                _ = nodes.next()
                guard case .constructed(let certificates) = list.content,
                    let first = certificates.first(where: { _ in true })
                else { throw ASN1Error.invalidASN1Object(reason: "no certificate") }
                return try DER.sequence(first, identifier: .sequence) { nodes in
                    var node = try nodes.require("certHash")
                    var algorithm = HashAlgorithm.sha256
                    if node.identifier == .sequence {
                        algorithm = try HashAlgorithm(identifier: node)
                        node = try nodes.require("certHash")
                    }
                    let bytes = Array(try ASN1OctetString(derEncoded: node).bytes)
                    while nodes.next() != nil {}
                    if isFirst { return .sha1(bytes) }
                    guard let digest = MessageDigest(algorithm, bytes: bytes) else {
                        throw ASN1Error.invalidASN1Object(reason: "a digest of a wrong length")
                    }
                    return .digest(digest)
                }
            }
        }
    }
}
