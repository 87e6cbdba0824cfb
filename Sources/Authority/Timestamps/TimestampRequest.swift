package import Bytes
internal import Sigstore
internal import SwiftASN1

/// What somebody wants a timestamp for (TimeStampReq, RFC 3161 section 2.4.1).
package struct TimestampRequest: Hashable, Sendable {
    package var imprint: MessageDigest
    /// The policy that is asked for, as numbers with dots.
    package var policy: String?
    /// The content of the INTEGER, which goes back as it came.
    package var nonce: [UInt8]?
    package var wantsCertificate: Bool

    package static let greatestByteCount = 16 << 10
    private static let greatestNonceByteCount = 64

    package init(imprint: MessageDigest, policy: String? = nil, nonce: [UInt8]? = nil, wantsCertificate: Bool = false) {
        self.imprint = imprint
        self.policy = policy
        self.nonce = nonce
        self.wantsCertificate = wantsCertificate
    }

    package init(der: [UInt8]) throws(TimestampRefusal) {
        guard der.count <= Self.greatestByteCount else {
            throw TimestampRefusal(.badRequest, "the request has \(der.count) bytes")
        }
        do {
            self = try DER.sequence(try DER.parse(der), identifier: .sequence) { try Self(&$0) }
        } catch let error as TimestampRefusal {
            throw error
        } catch {
            throw TimestampRefusal(.badDataFormat, "the request is no TimeStampReq in DER: \(error)")
        }
    }

    private init(_ nodes: inout ASN1NodeCollection.Iterator) throws {
        guard try Int(derEncoded: &nodes) == 1 else {
            throw TimestampRefusal(.badRequest, "the request is not of version 1")
        }
        guard let node = nodes.next() else { throw TimestampRefusal(.badDataFormat, "the request has no imprint") }
        imprint = try Self.imprint(node)
        (policy, nonce, wantsCertificate) = (nil, nil, false)
        // Each member once, in this order.
        var last = 0
        while let node = nodes.next() {
            let place: Int
            switch node.identifier {
            case .objectIdentifier:
                place = 1
                policy = "\(try ASN1ObjectIdentifier(derEncoded: node))"
            case .integer:
                place = 2
                nonce = try Self.nonce(node)
            case .boolean:
                place = 3
                wantsCertificate = try Bool(derEncoded: node)
            case ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific):
                // None is known, and section 2.4.1 has them refused whether critical or not.
                throw TimestampRefusal(.unacceptedExtension, "extensions are not taken")
            default: throw TimestampRefusal(.badDataFormat, "the request has a member that is not known")
            }
            guard place > last else { throw TimestampRefusal(.badDataFormat, "the request's members are out of order") }
            last = place
        }
    }

    /// The content of an INTEGER of either sign, in as few bytes as it takes.
    private static func nonce(_ node: ASN1Node) throws -> [UInt8] {
        guard case .primitive(let content) = node.content, let first = content.first else {
            throw TimestampRefusal(.badDataFormat, "the nonce is no INTEGER")
        }
        let bytes = Array(content)
        guard bytes.count <= Self.greatestNonceByteCount else {
            throw TimestampRefusal(.badRequest, "the nonce has more than \(Self.greatestNonceByteCount) bytes")
        }
        guard bytes.count == 1 || !(first == 0 && bytes[1] < 0x80) && !(first == 0xFF && bytes[1] >= 0x80) else {
            throw TimestampRefusal(.badDataFormat, "the nonce is no INTEGER in DER")
        }
        return bytes
    }

    private static func imprint(_ node: ASN1Node) throws -> MessageDigest {
        try DER.sequence(node, identifier: .sequence) { nodes in
            guard let first = nodes.next() else { throw TimestampRefusal(.badDataFormat, "no hash function") }
            let identifier = try DER.sequence(first, identifier: .sequence) { nodes in
                let oid = try ASN1ObjectIdentifier(derEncoded: &nodes)
                if let parameters = nodes.next() { _ = try ASN1Null(derEncoded: parameters) }
                return oid
            }
            let known: [ASN1ObjectIdentifier: HashAlgorithm] = [
                [2, 16, 840, 1, 101, 3, 4, 2, 1]: .sha256, [2, 16, 840, 1, 101, 3, 4, 2, 2]: .sha384,
                [2, 16, 840, 1, 101, 3, 4, 2, 3]: .sha512,
            ]
            guard let algorithm = known[identifier] else {
                throw TimestampRefusal(
                    .badAlgorithm, "the hash function \(identifier) is not taken; SHA-256, SHA-384 and SHA-512 are")
            }
            let bytes = Array(try ASN1OctetString(derEncoded: &nodes).bytes)
            guard let digest = MessageDigest(algorithm, bytes: bytes) else {
                throw TimestampRefusal(
                    .badDataFormat, "the imprint has \(bytes.count) bytes, which \(algorithm.rawValue) does not give")
            }
            return digest
        }
    }

    /// Reads the JSON form: `{"artifactHash", "hashAlgorithm", "nonce", "tsaPolicyOID", "certificates"}`
    /// (timestamp-authority, openapi.yaml).
    package init(json bytes: [UInt8]) throws(TimestampRefusal) {
        guard let json = try? JSON(parsing: bytes, limits: JSONLimits(byteCount: Self.greatestByteCount, depth: 4)),
            let digest = json["artifactHash"]?.stringValue.flatMap({ try? Base64.decode($0) })
        else { throw TimestampRefusal(.badDataFormat, "the request is no JSON object with an artifactHash in base64") }
        guard let algorithm = HashAlgorithm(rawValue: json["hashAlgorithm"]?.stringValue?.lowercased() ?? "sha256")
        else { throw TimestampRefusal(.badAlgorithm, "hashAlgorithm should be sha256, sha384 or sha512") }
        guard let imprint = MessageDigest(algorithm, bytes: digest) else {
            throw TimestampRefusal(.badDataFormat, "artifactHash has \(digest.count) bytes")
        }
        var nonce: [UInt8]?
        if case .number(let number)? = json["nonce"] {
            guard let value = UInt64(number.text) else {
                throw TimestampRefusal(.badDataFormat, "nonce is no number of 64 bits")
            }
            // Content of an INTEGER: as few bytes as it takes, and a zero where the sign bit would be set.
            let digits = Array(TLSWriting.number(value, byteCount: 8).drop { $0 == 0 })
            nonce = digits.first.map { $0 & 0x80 != 0 ? [0] + digits : digits } ?? [0]
        }
        self.init(
            imprint: imprint, policy: json["tsaPolicyOID"]?.stringValue, nonce: nonce,
            wantsCertificate: json["certificates"]?.boolValue ?? false)
    }
}

/// Why a timestamp is not given, in the words of RFC 3161 section 2.4.2.
package struct TimestampRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// PKIFailureInfo: the number of a bit.
    package enum Reason: Int, Hashable, Sendable, CaseIterable {
        case badAlgorithm = 0
        case badRequest = 2
        case badDataFormat = 5
        case timeNotAvailable = 14
        case unacceptedPolicy = 15
        case unacceptedExtension = 16
        case systemFailure = 25
    }

    package let reason: Reason
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var description: String { message }

    /// A TimeStampResp that says no.
    package var response: [UInt8] {
        var bits = [UInt8](repeating: 0, count: reason.rawValue / 8 + 1)
        bits[reason.rawValue / 8] = 0x80 >> UInt8(reason.rawValue % 8)
        return DERWriting.sequence(
            DERWriting.sequence(
                DERWriting.integer(2), DERWriting.sequence(DERWriting.utf8(String(message.prefix(200)))),
                DERWriting.element(0x03, [UInt8(7 - reason.rawValue % 8)] + bits)))
    }
}
