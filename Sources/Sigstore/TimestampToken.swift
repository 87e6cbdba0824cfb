package import Bytes
internal import Keys
internal import SwiftASN1

/// A timestamp authority's answer: that some bytes existed at a moment (RFC 3161), as it was sent.
package struct TimestampToken: Sendable {
    /// The moment that the authority states.
    package let time: Timestamp
    /// The digest of what existed.
    package let imprint: MessageDigest
    /// What the requester sent to recognise its answer, big-endian; `nil` where it sent nothing.
    package let nonce: [UInt8]?
    /// The policy under which the authority works.
    package let policy: String
    /// The token's number, big-endian.
    package let serialNumber: [UInt8]
    /// Certificates that the token brings along.
    let certificates: [Certificate]
    let content: TimestampContent
    let signer: TimestampSigner

    /// The most bytes of a response that is read.
    package static let greatestByteCount = 256 << 10

    /// Reads a TimeStampResp. One without a token says why, and that is the error.
    package init(response der: [UInt8]) throws(SigstoreError) {
        guard der.count <= Self.greatestByteCount else {
            throw SigstoreError(.limit, "a timestamp of \(der.count) bytes; the limit is \(Self.greatestByteCount)")
        }
        do {
            let root = try DER.parse(der)
            let token = try DER.sequence(root, identifier: .sequence) { nodes -> ASN1Node in
                let status = try nodes.require("status")
                try Self.checkStatus(status)
                return try nodes.require("timeStampToken")
            }
            try self.init(token)
        } catch let error as SigstoreError {
            throw error
        } catch {
            throw SigstoreError(.malformed, "the timestamp can't be read: \(error)")
        }
    }

    /// Granted, or granted with modifications (RFC 3161 section 2.4.2).
    private static func checkStatus(_ node: ASN1Node) throws {
        let status = try DER.sequence(node, identifier: .sequence) { nodes -> Int in
            let status = try Int(derEncoded: &nodes)
            while nodes.next() != nil {}
            return status
        }
        guard status == 0 || status == 1 else {
            throw SigstoreError(.malformed, "the timestamp authority refused, with status \(status)")
        }
    }

    private init(_ token: ASN1Node) throws {
        let signed = try TimestampSignedData(token)
        guard signed.signers.count == 1 else {
            throw SigstoreError(.malformed, "the timestamp has \(signed.signers.count) signers; one is needed")
        }
        signer = signed.signers[0]
        content = TimestampContent(bytes: signed.content)
        certificates = try signed.certificates.map { try Certificate(der: $0) }
        let info = try TimestampInfo(derEncoded: signed.content)
        time = info.time
        imprint = info.imprint
        nonce = info.nonce
        policy = info.policy
        serialNumber = info.serialNumber
    }
}

/// The bytes of a TSTInfo, which the signer's attributes hold the digest of.
struct TimestampContent: Sendable {
    let bytes: [UInt8]
}

/// TSTInfo (RFC 3161 section 2.4.2).
private struct TimestampInfo: DERParseable {
    let time: Timestamp
    let imprint: MessageDigest
    let nonce: [UInt8]?
    let policy: String
    let serialNumber: [UInt8]

    init(derEncoded node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            let version = try Int(derEncoded: &nodes)
            guard version == 1 else { throw SigstoreError(.unsupported, "a timestamp of version \(version)") }
            let policy = try ASN1ObjectIdentifier(derEncoded: &nodes)
            let imprint = try Self.imprint(nodes.require("messageImprint"))
            let serial = try Self.integer(nodes.require("serialNumber"))
            let time = try GeneralizedTime(derEncoded: &nodes)
            var nonce: [UInt8]?
            while let optional = nodes.next() {
                if optional.identifier == .integer { nonce = try Self.integer(optional) }
            }
            return TimestampInfo(
                time: try Self.timestamp(time), imprint: imprint, nonce: nonce, policy: "\(policy)",
                serialNumber: serial)
        }
    }

    private init(time: Timestamp, imprint: MessageDigest, nonce: [UInt8]?, policy: String, serialNumber: [UInt8]) {
        self.time = time
        self.imprint = imprint
        self.nonce = nonce
        self.policy = policy
        self.serialNumber = serialNumber
    }

    private static func integer(_ node: ASN1Node) throws -> [UInt8] {
        guard node.identifier == .integer, case .primitive(let bytes) = node.content, !bytes.isEmpty else {
            throw ASN1Error.invalidASN1Object(reason: "an integer is missing")
        }
        return Array(bytes)
    }

    private static func imprint(_ node: ASN1Node) throws -> MessageDigest {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let algorithm = try HashAlgorithm(identifier: nodes.require("hashAlgorithm"))
            let bytes = try ASN1OctetString(derEncoded: &nodes).bytes
            guard let digest = MessageDigest(algorithm, bytes: Array(bytes)) else {
                throw SigstoreError(.malformed, "the timestamp's imprint has \(bytes.count) bytes")
            }
            return digest
        }
    }

    private static func timestamp(_ time: GeneralizedTime) throws -> Timestamp {
        func pad(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        let date = "\(pad(time.year, 4))-\(pad(time.month, 2))-\(pad(time.day, 2))"
        let clock = "\(pad(time.hours, 2)):\(pad(time.minutes, 2)):\(pad(time.seconds, 2))"
        guard let whole = Timestamp("\(date)T\(clock)Z"),
            let timestamp = Timestamp(
                seconds: whole.seconds, nanoseconds: Int32(min(max(time.fractionalSeconds, 0), 0.999_999_999) * 1e9))
        else { throw ASN1Error.invalidASN1Object(reason: "no moment") }
        return timestamp
    }
}

extension HashAlgorithm {
    /// Reads an AlgorithmIdentifier; parameters, where there are any, must be NULL.
    init(identifier node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            let oid = try ASN1ObjectIdentifier(derEncoded: &nodes)
            if let parameters = nodes.next() { _ = try ASN1Null(derEncoded: parameters) }
            guard let algorithm = HashAlgorithm(oid) else {
                throw SigstoreError(
                    .unsupported, "the hash function \(oid) is not accepted; SHA-256, SHA-384 and SHA-512 are")
            }
            return algorithm
        }
    }

    init?(_ oid: ASN1ObjectIdentifier) {
        switch oid {
        case [2, 16, 840, 1, 101, 3, 4, 2, 1]: self = .sha256
        case [2, 16, 840, 1, 101, 3, 4, 2, 2]: self = .sha384
        case [2, 16, 840, 1, 101, 3, 4, 2, 3]: self = .sha512
        default: return nil
        }
    }
}

extension ASN1NodeCollection.Iterator {
    /// The next element, which must be there.
    mutating func require(_ name: String) throws -> ASN1Node {
        guard let node = next() else { throw ASN1Error.invalidASN1Object(reason: "\(name) is missing") }
        return node
    }
}
