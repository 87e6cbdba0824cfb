package import Attest
package import Bytes

/// A Sigstore bundle as somebody sent it: nothing in it counts before `Verifier` has been through it.
///
/// protobuf-specs, `sigstore_bundle.proto`, in the JSON of protocol buffers. All versions are read; only 0.3 is written.
package struct UnverifiedBundle: Sendable {
    /// What the media type says.
    package enum Version: String, Hashable, Sendable {
        case v0_1 = "0.1", v0_2 = "0.2", v0_3 = "0.3"
    }

    /// Whose key the signature is to be checked with.
    package enum Identity: Hashable, Sendable {
        /// A key that the verifier must have; `hint` says which and is not to be trusted.
        case publicKey(hint: String)
        /// The DER of certificates, the signer's own first.
        case certificates([[UInt8]])
    }

    /// What was signed.
    package enum Content: Hashable, Sendable {
        /// An artifact that is elsewhere. The digest is a hint, but must be the artifact's where it is there.
        case message(digest: MessageDigest?, signature: [UInt8])
        /// A statement with exactly one signature.
        case envelope(Envelope)
    }

    package var version: Version
    package var identity: Identity
    package var entries: [LogEntry]
    /// RFC 3161 responses, over the bytes of the signature.
    package var timestamps: [[UInt8]]
    package var content: Content

    package init(
        version: Version = .v0_3, identity: Identity, entries: [LogEntry], timestamps: [[UInt8]], content: Content
    ) {
        self.version = version
        self.identity = identity
        self.entries = entries
        self.timestamps = timestamps
        self.content = content
    }

    /// The media type of what is written.
    package static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
    /// What the name of a file is given for its bundle.
    package static let fileSuffix = ".sigstore.json"

    /// The most that is read.
    package enum Limits {
        package static let byteCount = 32 << 20
        package static let entryCount = 32
        package static let timestampCount = 32
        package static let certificateCount = 10
    }

    /// The bytes of the signature, which timestamps are over.
    package var signature: [UInt8] {
        switch content {
        case .message(_, let signature): signature
        case .envelope(let envelope): envelope.signatures.first?.signature ?? []
        }
    }
}

extension UnverifiedBundle {
    /// The artifact that the bundle itself speaks of, for those who want to know what it is about: what they learn is
    /// about that digest and no file.
    package var claimedArtifact: (any Artifact)? {
        guard case .message(let digest?, _) = content else { return nil }
        return DigestArtifact(digest)
    }

    /// What the bundle's statement says it is about, before anybody has verified it; `nil` where it holds no statement.
    package var claimedPredicateType: String? {
        guard case .envelope(let envelope) = content else { return nil }
        return (try? Statement(parsing: envelope.payload))?.predicateType
    }

    /// Reads a bundle. What breaks the format, is beyond the limits or is in the bundle twice is refused.
    package init(parsing bytes: [UInt8]) throws(SigstoreError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: Limits.byteCount, depth: 32))
        } catch {
            throw SigstoreError(.malformed, "the bundle is not JSON: \(error)")
        }
        try self.init(json)
    }

    package init(_ json: JSON) throws(SigstoreError) {
        self = try SigstoreError.mapping { () throws(AttestError) in
            let fields = try Fields(json, at: "bundle")
            let version = try Self.version(fields.text("mediaType"))
            let material = try fields.fields("verificationMaterial")
            let entries = try material.objects("tlogEntries") { fields throws(AttestError) in try LogEntry(fields) }
            let timestamps = try Self.timestamps(material)
            let bundle = UnverifiedBundle(
                version: version, identity: try Self.identity(material, version), entries: entries,
                timestamps: timestamps,
                content: try Self.content(fields))
            try bundle.checkCounts()
            return bundle
        }
    }

    private static func version(_ mediaType: String) throws(AttestError) -> Version {
        switch mediaType {
        case "application/vnd.dev.sigstore.bundle+json;version=0.1": .v0_1
        case "application/vnd.dev.sigstore.bundle+json;version=0.2": .v0_2
        case "application/vnd.dev.sigstore.bundle+json;version=0.3", Self.mediaType: .v0_3
        default:
            throw AttestError(
                .unsupported, "bundle.mediaType is \(mediaType.safeForTerminal); bundles 0.1, 0.2 and 0.3 are known")
        }
    }

    private static func identity(_ material: Fields, _ version: Version) throws(AttestError) -> Identity {
        var found: [Identity] = []
        if let key = try material.optionalFields("publicKey") {
            found.append(.publicKey(hint: try key.optionalText("hint") ?? ""))
        }
        if let certificate = try material.optionalFields("certificate") {
            found.append(.certificates([try certificate.bytes("rawBytes")]))
        }
        if let chain = try material.optionalFields("x509CertificateChain") {
            let certificates = try chain.objects("certificates") { fields throws(AttestError) in
                try fields.bytes("rawBytes")
            }
            guard !certificates.isEmpty else {
                throw AttestError(.malformed, "\(chain.path).certificates is empty")
            }
            guard version != .v0_3 else {
                throw AttestError(.malformed, "\(chain.path) is there; a bundle 0.3 has the signer's certificate alone")
            }
            found.append(.certificates(certificates))
        }
        guard found.count == 1 else {
            throw AttestError(
                .malformed,
                "\(material.path) has \(found.count) of publicKey, certificate and x509CertificateChain; one is needed")
        }
        return found[0]
    }

    private static func timestamps(_ material: Fields) throws(AttestError) -> [[UInt8]] {
        guard let data = try material.optionalFields("timestampVerificationData") else { return [] }
        return try data.objects("rfc3161Timestamps") { fields throws(AttestError) in
            try fields.bytes("signedTimestamp")
        }
    }

    private static func content(_ fields: Fields) throws(AttestError) -> Content {
        let message = try fields.optionalFields("messageSignature")
        guard let envelope = fields.value("dsseEnvelope") else {
            guard let message else {
                throw AttestError(.malformed, "the bundle has neither messageSignature nor dsseEnvelope")
            }
            var digest: MessageDigest?
            if let claimed = try message.optionalFields("messageDigest") {
                digest = try Self.digest(claimed)
            }
            return .message(digest: digest, signature: try message.bytes("signature"))
        }
        guard message == nil else {
            throw AttestError(.malformed, "the bundle has both messageSignature and dsseEnvelope")
        }
        let read = try Envelope(envelope, at: "bundle.dsseEnvelope", alphabet: .standard)
        guard read.signatures.count == 1, read.signatures.allSatisfy({ !$0.signature.isEmpty }) else {
            throw AttestError(
                .malformed, "bundle.dsseEnvelope has \(read.signatures.count) signatures; exactly one is allowed")
        }
        return .envelope(read)
    }

    private static func digest(_ fields: Fields) throws(AttestError) -> MessageDigest? {
        let name = try fields.text("algorithm")
        guard let algorithm = HashAlgorithm(protobufName: name) else {
            throw AttestError(.unsupported, "\(fields.path).algorithm is \(name.safeForTerminal), which is not known")
        }
        let bytes = try fields.bytes("digest")
        guard let digest = MessageDigest(algorithm, bytes: bytes) else {
            throw AttestError(.malformed, "\(fields.path).digest has \(bytes.count) bytes, not \(algorithm.byteCount)")
        }
        return digest
    }

    private func checkCounts() throws(AttestError) {
        func check(_ count: Int, _ limit: Int, _ distinct: Int, _ what: String) throws(AttestError) {
            guard count <= limit else {
                throw AttestError(.limit, "the bundle has \(count) \(what); the limit is \(limit)")
            }
            // One entry repeated must not count for two.
            guard distinct == count else { throw AttestError(.malformed, "two \(what) of the bundle are the same") }
        }
        try check(entries.count, Limits.entryCount, Set(entries).count, "log entries")
        try check(timestamps.count, Limits.timestampCount, Set(timestamps).count, "timestamps")
        if case .certificates(let certificates) = identity {
            try check(certificates.count, Limits.certificateCount, Set(certificates).count, "certificates")
        }
    }

    /// The JSON of a bundle 0.3.
    package var json: JSON {
        var material = JSONObject()
        switch identity {
        case .publicKey(let hint): material["publicKey"] = ["hint": .string(hint)]
        case .certificates(let certificates):
            material["certificate"] = ["rawBytes": .string(Base64.encode(certificates.first ?? []))]
        }
        if !entries.isEmpty { material["tlogEntries"] = .array(entries.map(\.json)) }
        if !timestamps.isEmpty {
            let list = timestamps.map { JSON.object(["signedTimestamp": .string(Base64.encode($0))]) }
            material["timestampVerificationData"] = ["rfc3161Timestamps": .array(list)]
        }
        var object: JSONObject = [
            "mediaType": .string(Self.mediaType), "verificationMaterial": .object(material),
        ]
        switch content {
        case .message(let digest, let signature):
            var message = JSONObject()
            if let digest {
                message["messageDigest"] = [
                    "algorithm": .string(digest.algorithm.protobufName),
                    "digest": .string(Base64.encode(digest.bytes)),
                ]
            }
            message["signature"] = .string(Base64.encode(signature))
            object["messageSignature"] = .object(message)
        case .envelope(let envelope): object["dsseEnvelope"] = envelope.json
        }
        return .object(object)
    }
}

extension HashAlgorithm {
    /// The name in protobuf-specs, `HashAlgorithm`.
    package var protobufName: String {
        switch self {
        case .sha256: "SHA2_256"
        case .sha384: "SHA2_384"
        case .sha512: "SHA2_512"
        }
    }

    package init?(protobufName: String) {
        guard let algorithm = Self.allCases.first(where: { $0.protobufName.hasSameBytes(as: protobufName) }) else {
            return nil
        }
        self = algorithm
    }
}
