internal import Bytes
internal import Keys

/// A signature packet of version 4 (RFC 9580 section 5.2.3), or one of another version, which is never valid.
struct OpenPGPSignature: Hashable, Sendable {
    /// What is signed and meant (section 5.2.1).
    enum Kind: UInt8, Hashable, Sendable {
        case binary = 0x00
        case text = 0x01
        case genericCertification = 0x10
        case personaCertification = 0x11
        case casualCertification = 0x12
        case positiveCertification = 0x13
        case subkeyBinding = 0x18
        case primaryKeyBinding = 0x19
        case directKey = 0x1F
        case keyRevocation = 0x20
        case subkeyRevocation = 0x28
        case certificationRevocation = 0x30

        var isCertification: Bool { 0x10...0x13 ~= rawValue }
    }

    /// `nil` for kinds that mean nothing here.
    var kind: Kind?
    var version: UInt8
    var algorithm: OpenPGPKey.Algorithm?
    /// `nil` for hash functions that are broken or not known.
    var hash: HashAlgorithm?
    /// Version, type, algorithms and hashed subpackets: they are signed.
    var hashedPart: ArraySlice<UInt8>
    /// The first two bytes of the digest.
    var digestStart: [UInt8]
    /// The algorithm's numbers, padded as it wants them by the verifier.
    var numbers: [[UInt8]]

    /// From the hashed subpackets alone, in seconds.
    var created: Int?
    var lifetime: Int?
    var keyLifetime: Int?
    var keyFlags: UInt8?
    var embedded: [UInt8]?
    var hasUnknownCritical = false
    /// Hints for finding the key; the unhashed ones count too.
    var issuerFingerprint: [UInt8]?
    var issuerKeyID: [UInt8]?

    static let subpacketLimit = 256

    init(_ bytes: ArraySlice<UInt8>) throws(ParseError) {
        var reader = OctetReader(bytes)
        version = try reader.byte()
        hashedPart = []
        digestStart = []
        numbers = []
        // Version 3 signs almost nothing of what it says, and version 6 needs keys that no archive has yet.
        guard version == 4 else { return }
        let start = reader.position - 1
        kind = Kind(rawValue: try reader.byte())
        algorithm = OpenPGPKey.Algorithm(rawValue: try reader.byte())
        hash = Self.hash(try reader.byte())
        let hashed = try reader.take(try reader.number(2))
        hashedPart = bytes[start..<reader.position]
        let unhashed = try reader.take(try reader.number(2))
        digestStart = Array(try reader.take(2))
        try read(hashed, isHashed: true)
        try read(unhashed, isHashed: false)
        switch algorithm {
        case .rsa, .rsaSignOnly: numbers = [try reader.integer()]
        case .eddsa: numbers = [try reader.integer(), try reader.integer()]
        case .ed25519: numbers = [Array(try reader.take(64))]
        case nil: return
        }
        guard reader.isAtEnd else { throw reader.error("something follows a signature's numbers") }
    }

    /// Section 9.5. SHA-1 and what is weaker can be forged.
    private static func hash(_ number: UInt8) -> HashAlgorithm? {
        switch number {
        case 8: .sha256
        case 9: .sha384
        case 10: .sha512
        default: nil
        }
    }

    /// Section 5.2.3.7 and on.
    private mutating func read(_ bytes: ArraySlice<UInt8>, isHashed: Bool) throws(ParseError) {
        var reader = OctetReader(bytes)
        var count = 0
        while !reader.isAtEnd {
            count += 1
            guard count <= Self.subpacketLimit else { throw reader.error("a signature has too many subpackets") }
            let first = try reader.byte()
            let length: Int =
                switch first {
                case 0..<192: Int(first)
                case 255: try reader.number(4)
                default: (Int(first) - 192) << 8 + Int(try reader.byte()) + 192
                }
            guard length > 0 else { throw reader.error("a subpacket is empty") }
            let type = try reader.byte()
            let content = try reader.take(length - 1)
            try read(type & 0x7F, isCritical: type & 0x80 != 0, content, isHashed: isHashed)
        }
    }

    private mutating func read(
        _ type: UInt8, isCritical: Bool, _ content: ArraySlice<UInt8>, isHashed: Bool
    ) throws(ParseError) {
        var reader = OctetReader(content)
        switch type {
        case 16 where content.count == 8: if isHashed || issuerKeyID == nil { issuerKeyID = Array(content) }
        case 33 where content.count == 21 && content.first == 4:
            if isHashed || issuerFingerprint == nil { issuerFingerprint = Array(content.dropFirst()) }
        case 32: if isHashed || embedded == nil { embedded = Array(content) }
        case _ where !isHashed: break
        case 2: created = try reader.number(4)
        case 3: lifetime = try reader.number(4)
        case 9: keyLifetime = try reader.number(4)
        case 27: keyFlags = content.first ?? 0
        // Known, and without effect on whether the signature is valid: exportable, trust, revocable, preferences,
        // features, primary user id, policy, reason for revocation and the like.
        case 4, 5, 7, 11, 16, 21, 22, 23, 24, 25, 26, 28, 29, 30, 33, 34: break
        default: if isCritical { hasUnknownCritical = true }
        }
    }
}
