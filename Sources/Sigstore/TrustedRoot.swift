internal import Attest
package import Bytes
package import Keys

/// Whom a verifier believes: logs, certificate authorities and timestamp authorities, each with its time
/// (protobuf-specs, `TrustedRoot` 0.1 and 0.2).
package struct TrustedRoot: Sendable {
    /// A transparency log, or a log of certificates.
    package struct Log: Sendable {
        package var baseURL: String
        /// The bytes of the key as they stand in the file.
        package var keyBytes: [UInt8]
        package var keyDetails: KeyDetails
        package var key: PublicKey
        package var period: ValidityPeriod
        package var logID: [UInt8]
        /// The first bytes of the checkpoint's signature, where they are not those of `logID` (0.2).
        package var checkpointKeyID: [UInt8]?
        /// Who runs it (0.2). Thresholds count operators.
        package var `operator`: String?
    }

    /// A certificate authority or a timestamp authority.
    package struct Authority: Sendable {
        package var subject: [String: String]
        package var uri: String
        /// The DER of the chain, trust anchor last.
        package var chain: [Certificate]
        package var period: ValidityPeriod
        package var `operator`: String?
    }

    package var logs: [Log]
    package var certificateLogs: [Log]
    package var certificateAuthorities: [Authority]
    package var timestampAuthorities: [Authority]

    package init(
        logs: [Log] = [], certificateLogs: [Log] = [], certificateAuthorities: [Authority] = [],
        timestampAuthorities: [Authority] = []
    ) {
        self.logs = logs
        self.certificateLogs = certificateLogs
        self.certificateAuthorities = certificateAuthorities
        self.timestampAuthorities = timestampAuthorities
    }

    /// The media type of what is written, unless it needs the second.
    package static let mediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
    /// Where there are operators, and checkpoint keys with ids of their own.
    package static let secondMediaType = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
    private static let mediaTypes = [
        mediaType, "application/vnd.dev.sigstore.trustedroot.v0.1+json", secondMediaType,
    ]

    /// The most instances of each kind.
    package static let greatestInstanceCount = 256

    /// Reads a trusted root, or the one in a client trust configuration.
    package init(parsing bytes: [UInt8]) throws(SigstoreError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: 8 << 20, depth: 32))
        } catch {
            if let all = try TrustedRoot(lines: bytes) {
                self = all
                return
            }
            throw SigstoreError(.malformed, "the trusted root is not JSON: \(error)")
        }
        try self.init(json["trustedRoot"] ?? json)
    }

    /// Reads several trusted roots, one a line, as GitHub's program prints them: whoever one of them trusts is trusted.
    /// `nil` where the lines are no objects.
    init?(lines bytes: [UInt8]) throws(SigstoreError) {
        let lines = bytes.split(separator: 0x0A).filter { line in line.contains { $0 > 0x20 } }
        guard 2...16 ~= lines.count, lines.allSatisfy({ $0.first == UInt8(ascii: "{") }) else { return nil }
        self.init()
        for line in lines {
            guard let json = try? JSON(parsing: Array(line), limits: JSONLimits(byteCount: 8 << 20, depth: 32)) else {
                return nil
            }
            let root = try TrustedRoot(json)
            logs += root.logs
            certificateLogs += root.certificateLogs
            certificateAuthorities += root.certificateAuthorities
            timestampAuthorities += root.timestampAuthorities
        }
    }

    package init(_ json: JSON) throws(SigstoreError) {
        self = try SigstoreError.mapping { () throws(AttestError) in
            let fields = try Fields(json, at: "trustedRoot")
            let mediaType = try fields.text("mediaType")
            guard Self.mediaTypes.contains(where: { $0.hasSameBytes(as: mediaType) }) else {
                throw AttestError(
                    .unsupported,
                    "trustedRoot.mediaType is \(mediaType.safeForTerminal); versions 0.1 and 0.2 are known")
            }
            for list in ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"] {
                let count = try fields.list(list).count
                guard count <= Self.greatestInstanceCount else {
                    throw AttestError(.limit, "trustedRoot.\(list) has \(count) elements")
                }
            }
            return TrustedRoot(
                logs: try fields.objects("tlogs") { fields throws(AttestError) in try Log(fields) }.compactMap(\.self),
                certificateLogs: try fields.objects("ctlogs") { fields throws(AttestError) in try Log(fields) }
                    .compactMap(\.self),
                certificateAuthorities: try fields.objects("certificateAuthorities") { fields throws(AttestError) in
                    try Authority(fields)
                },
                timestampAuthorities: try fields.objects("timestampAuthorities") { fields throws(AttestError) in
                    try Authority(fields)
                })
        }
    }

    /// The JSON of a trusted root 0.1, which every client reads; of 0.2 where it says what 0.1 has no words for.
    package var json: JSON {
        let needsSecond =
            (logs + certificateLogs).contains { $0.checkpointKeyID != nil || $0.operator != nil }
            || (certificateAuthorities + timestampAuthorities).contains { $0.operator != nil }
        return [
            "mediaType": .string(needsSecond ? Self.secondMediaType : Self.mediaType),
            "tlogs": .array(logs.map(\.json)),
            "certificateAuthorities": .array(certificateAuthorities.map(\.json)),
            "ctlogs": .array(certificateLogs.map(\.json)),
            "timestampAuthorities": .array(timestampAuthorities.map(\.json)),
        ]
    }
}

extension TrustedRoot.Log {
    /// `nil` for a log whose key is of an algorithm that is not supported here: what it signed can't be checked, and
    /// what others signed still can.
    init?(_ fields: Fields) throws(AttestError) {
        let hash = try fields.optionalText("hashAlgorithm") ?? "SHA2_256"
        let material = try fields.fields("publicKey")
        let name = try material.text("keyDetails")
        guard let details = KeyDetails(rawValue: name), hash.hasSameBytes(as: "SHA2_256") else { return nil }
        keyBytes = try material.bytes("rawBytes")
        keyDetails = details
        do {
            key = try details.key(keyBytes)
        } catch {
            guard error.code == .malformed else { return nil }
            throw AttestError(.malformed, "\(material.path): \(error)")
        }
        baseURL = try fields.optionalText("baseUrl") ?? ""
        period = try ValidityPeriod(material.optionalFields("validFor"))
        logID = try fields.fields("logId").bytes("keyId")
        checkpointKeyID = try fields.optionalFields("checkpointKeyId")?.optionalBytes("keyId")
        `operator` = try fields.optionalText("operator")
    }

    package var json: JSON {
        var object: JSONObject = [
            "baseUrl": .string(baseURL), "hashAlgorithm": "SHA2_256",
            "publicKey": [
                "rawBytes": .string(Base64.encode(keyBytes)), "keyDetails": .string(keyDetails.rawValue),
                "validFor": period.json,
            ],
            "logId": ["keyId": .string(Base64.encode(logID))],
        ]
        if let checkpointKeyID { object["checkpointKeyId"] = ["keyId": .string(Base64.encode(checkpointKeyID))] }
        object["operator"] = `operator`.map { .string($0) }
        return .object(object)
    }

    /// Whom a threshold counts: the operator, or the log itself where none is named.
    var operatorName: String { `operator` ?? Hex.encode(logID) }
}

extension TrustedRoot.Authority {
    init(_ fields: Fields) throws(AttestError) {
        subject = try fields.texts("subject")
        uri = try fields.optionalText("uri") ?? ""
        period = try ValidityPeriod(fields.optionalFields("validFor"))
        `operator` = try fields.optionalText("operator")
        let chain = try fields.fields("certChain")
        var certificates: [Certificate] = []
        for certificate in try chain.objects(
            "certificates", { fields throws(AttestError) in try fields.bytes("rawBytes") })
        {
            do {
                certificates.append(try Certificate(der: certificate))
            } catch {
                throw AttestError(.malformed, "\(chain.path).certificates[\(certificates.count)]: \(error)")
            }
        }
        guard !certificates.isEmpty, certificates.count <= UnverifiedBundle.Limits.certificateCount else {
            throw AttestError(.malformed, "\(chain.path).certificates has \(certificates.count) elements")
        }
        self.chain = certificates
        // Of a log's key nobody else says when it was in use; certificates say so themselves.
        if period.start == nil { period.start = certificates.map(\.notBefore).max() }
    }

    package var json: JSON {
        var object: JSONObject = [
            "subject": .texts(subject), "uri": .string(uri),
            "certChain": [
                "certificates": .array(chain.map { ["rawBytes": .string(Base64.encode($0.der))] })
            ],
            "validFor": period.json,
        ]
        object["operator"] = `operator`.map { .string($0) }
        return .object(object)
    }

    /// Whom a threshold counts: the operator, or the authority itself where none is named.
    var operatorName: String { `operator` ?? uri + (chain.first.map { $0.fingerprint.hex } ?? "") }
}
