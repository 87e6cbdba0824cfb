internal import Bytes
internal import Keys
internal import Sigstore

/// A certificate authority: a key and the certificate that names it as an issuer (RFC 5280).
struct CertificateIssuer: Sendable {
    let key: PrivateKey
    let der: [UInt8]
    let name: [UInt8]

    /// What a certificate says.
    struct Profile {
        var subject: [UInt8] = DERWriting.sequence()
        var key: PublicKey
        var notBefore: Timestamp
        var notAfter: Timestamp
        var extensions: [[UInt8]]
        var serial: [UInt8] = (0..<20).map { $0 == 0 ? UInt8.random(in: 1...0x7F) : UInt8.random(in: 0...0xFF) }
    }

    /// An authority that vouches for itself.
    static func root(_ organization: String, from start: Timestamp, to end: Timestamp) throws -> CertificateIssuer {
        let key = try PrivateKey.generate(.ecdsaP384)
        let name = Self.name(organization, "\(organization) root")
        let profile = Profile(
            subject: name, key: key.publicKey, notBefore: start, notAfter: end,
            extensions: authorityExtensions(for: key.publicKey, issuer: key.publicKey, pathLength: nil))
        return CertificateIssuer(key: key, der: try certificate(profile, issuer: name, key: key), name: name)
    }

    /// An authority below this one that issues to signers alone.
    func intermediate(_ organization: String, from start: Timestamp, to end: Timestamp) throws -> CertificateIssuer {
        let key = try PrivateKey.generate(.ecdsaP384)
        let name = Self.name(organization, "\(organization) intermediate")
        let profile = Profile(
            subject: name, key: key.publicKey, notBefore: start, notAfter: end,
            extensions: Self.authorityExtensions(for: key.publicKey, issuer: self.key.publicKey, pathLength: 0))
        return CertificateIssuer(key: key, der: try issue(profile), name: name)
    }

    /// The certificate of `profile`. `timestamps`, given what is to be signed, gives the promises of certificate logs to
    /// put into it (RFC 6962 section 3.3).
    func issue(_ profile: Profile, timestamps: ((_ toBeSigned: [UInt8]) throws -> [[UInt8]])? = nil) throws -> [UInt8] {
        var profile = profile
        if let timestamps {
            let list = try timestamps(try Self.toBeSigned(profile, issuer: name, key: key))
            if !list.isEmpty {
                let body = list.flatMap { Self.vector($0) }
                profile.extensions.append(
                    Self.extension(
                        DERWriting.identifier(1, 3, 6, 1, 4, 1, 11129, 2, 4, 2), DERWriting.octets(Self.vector(body))))
            }
        }
        return try Self.certificate(profile, issuer: name, key: key)
    }

    private static func certificate(_ profile: Profile, issuer: [UInt8], key: PrivateKey) throws -> [UInt8] {
        let toBeSigned = try toBeSigned(profile, issuer: issuer, key: key)
        return DERWriting.sequence(
            toBeSigned, try DERWriting.signatureAlgorithm(of: key.algorithm),
            DERWriting.bits(try key.signature(of: .bytes(toBeSigned))))
    }

    private static func toBeSigned(_ profile: Profile, issuer: [UInt8], key: PrivateKey) throws -> [UInt8] {
        DERWriting.sequence(
            DERWriting.explicit(0, DERWriting.integer(2)), DERWriting.integer(profile.serial),
            try DERWriting.signatureAlgorithm(of: key.algorithm), issuer,
            DERWriting.sequence(DERWriting.time(profile.notBefore), DERWriting.time(profile.notAfter)), profile.subject,
            profile.key.der, DERWriting.explicit(3, DERWriting.element(0x30, profile.extensions.flatMap(\.self))))
    }

    // MARK: Parts

    static func name(_ organization: String, _ commonName: String) -> [UInt8] {
        func part(_ number: UInt, _ text: String) -> [UInt8] {
            DERWriting.set([DERWriting.sequence(DERWriting.identifier(2, 5, 4, number), DERWriting.utf8(text))])
        }
        return DERWriting.sequence(part(10, organization), part(3, commonName))
    }

    static func `extension`(_ identifier: [UInt8], isCritical: Bool = false, _ value: [UInt8]) -> [UInt8] {
        DERWriting.sequence(identifier, isCritical ? DERWriting.boolean(true) : [], DERWriting.octets(value))
    }

    static func keyID(_ key: PublicKey) -> [UInt8] { Array(key.id.bytes.prefix(20)) }

    static func identifiers(for key: PublicKey, issuer: PublicKey) -> [[UInt8]] {
        [
            `extension`(DERWriting.identifier(2, 5, 29, 14), DERWriting.octets(keyID(key))),
            `extension`(
                DERWriting.identifier(2, 5, 29, 35), DERWriting.sequence(DERWriting.element(0x80, keyID(issuer)))),
        ]
    }

    /// `bits` are those of RFC 5280 section 4.2.1.3, the first the highest.
    static func usage(_ bits: UInt8, unused: UInt8) -> [UInt8] {
        `extension`(DERWriting.identifier(2, 5, 29, 15), isCritical: true, DERWriting.element(0x03, [unused, bits]))
    }

    static func purpose(_ number: UInt, isCritical: Bool = false) -> [UInt8] {
        `extension`(
            DERWriting.identifier(2, 5, 29, 37), isCritical: isCritical,
            DERWriting.sequence(DERWriting.identifier(1, 3, 6, 1, 5, 5, 7, 3, number)))
    }

    private static func authorityExtensions(for key: PublicKey, issuer: PublicKey, pathLength: UInt8?) -> [[UInt8]] {
        let constraints = DERWriting.sequence(
            DERWriting.boolean(true), pathLength.map { DERWriting.integer($0) } ?? [])
        return [
            // Certificates and revocation lists.
            usage(0x06, unused: 1), `extension`(DERWriting.identifier(2, 5, 29, 19), isCritical: true, constraints),
        ] + identifiers(for: key, issuer: issuer)
    }

    /// Bytes after their count in two (RFC 8446 section 3.4).
    static func vector(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}
