internal import Attest
package import Bytes
internal import Keys

/// What the log recorded: the body of an entry, by its kind (rekor, `pkg/types`; rekor-tiles, `api/proto`).
package struct LogEntryBody: Sendable {
    /// A key as an entry names it.
    package enum Verifier: Hashable, Sendable {
        /// The DER of the signer's certificate.
        case certificate([UInt8])
        /// The DER of the SubjectPublicKeyInfo.
        case publicKey([UInt8])
    }

    /// A signature with the key that checks it.
    package struct Signature: Hashable, Sendable {
        package let signature: [UInt8]
        package let verifier: Verifier
    }

    /// What an entry says, in the three ways in which entries say it.
    package enum Content: Sendable {
        /// hashedrekord 0.0.1 and 0.0.2: the digest of an artifact, or of an envelope's signed bytes, and a signature.
        case artifact(MessageDigest, Signature)
        /// dsse 0.0.1 and 0.0.2, intoto 0.0.2: the digest of an envelope's payload, and its signatures.
        case envelope(payload: MessageDigest, [Signature])
        /// intoto 0.0.1: the digest of the payload and a key, without a signature.
        case payload(MessageDigest, Verifier)
    }

    package let kindVersion: LogEntry.KindVersion
    package let content: Content

    /// Reads a body, whose kind must be `expected` where that is given; the kinds that no bundle is verified with are `.unsupported`.
    package init(parsing bytes: [UInt8], expected: LogEntry.KindVersion? = nil) throws(SigstoreError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: UnverifiedBundle.Limits.byteCount, depth: 32))
        } catch {
            throw SigstoreError(.malformed, "the body is not JSON: \(error)")
        }
        self = try SigstoreError.mapping { () throws(AttestError) in
            let fields = try Fields(json, at: "body")
            let kindVersion = LogEntry.KindVersion(try fields.text("kind"), try fields.text("apiVersion"))
            if let expected, kindVersion != expected {
                throw AttestError(
                    .malformed,
                    "the body is a \(kindVersion.description.safeForTerminal) and the entry says \(expected.description.safeForTerminal)"
                )
            }
            let spec = try fields.fields("spec")
            let content =
                switch (kindVersion.kind, kindVersion.version) {
                case ("hashedrekord", "0.0.1"): try Self.hashedRekordV001(spec)
                case ("hashedrekord", "0.0.2"): try Self.hashedRekordV002(spec)
                case ("dsse", "0.0.1"): try Self.dsseV001(spec)
                case ("dsse", "0.0.2"): try Self.dsseV002(spec)
                case ("intoto", "0.0.1"): try Self.inTotoV001(spec)
                case ("intoto", "0.0.2"): try Self.inTotoV002(spec)
                default:
                    throw AttestError(
                        .unsupported, "entries of the kind \(kindVersion.description.safeForTerminal) verify no bundle")
                }
            return LogEntryBody(kindVersion: kindVersion, content: content)
        }
    }

    private init(kindVersion: LogEntry.KindVersion, content: Content) {
        self.kindVersion = kindVersion
        self.content = content
    }

    private static func hashedRekordV001(_ spec: Fields) throws(AttestError) -> Content {
        let signature = try spec.fields("signature")
        return .artifact(
            try hexDigest(spec.fields("data").fields("hash")),
            Signature(
                signature: try signature.bytes("content"),
                verifier: try pemVerifier(signature.fields("publicKey"), "content")))
    }

    private static func hashedRekordV002(_ spec: Fields) throws(AttestError) -> Content {
        let record = try spec.fields("hashedRekordV002")
        return .artifact(try digest(record.fields("data")), try signatureV002(record.fields("signature")))
    }

    private static func dsseV001(_ spec: Fields) throws(AttestError) -> Content {
        let signatures = try spec.objects("signatures") { fields throws(AttestError) in
            Signature(signature: try fields.bytes("signature"), verifier: try pemVerifier(fields, "verifier"))
        }
        return .envelope(payload: try hexDigest(spec.fields("payloadHash")), signatures)
    }

    private static func dsseV002(_ spec: Fields) throws(AttestError) -> Content {
        let record = try spec.fields("dsseV002")
        return .envelope(
            payload: try digest(record.fields("payloadHash")),
            try record.objects("signatures") { fields throws(AttestError) in try signatureV002(fields) })
    }

    private static func inTotoV001(_ spec: Fields) throws(AttestError) -> Content {
        .payload(try hexDigest(spec.fields("content").fields("payloadHash")), try pemVerifier(spec, "publicKey"))
    }

    private static func inTotoV002(_ spec: Fields) throws(AttestError) -> Content {
        let content = try spec.fields("content")
        let signatures = try content.fields("envelope").objects("signatures") { fields throws(AttestError) in
            // The signature of the envelope is base64 already, and here it is encoded once more.
            guard let inner = String(validating: try fields.bytes("sig"), as: UTF8.self),
                let signature = try? Base64.decode(inner)
            else { throw AttestError(.malformed, "\(fields.path).sig is not base64 of base64") }
            return Signature(signature: signature, verifier: try pemVerifier(fields, "publicKey"))
        }
        return .envelope(payload: try hexDigest(content.fields("payloadHash")), signatures)
    }

    private static func hexDigest(_ fields: Fields) throws(AttestError) -> MessageDigest {
        let name = try fields.text("algorithm")
        guard let algorithm = HashAlgorithm(rawValue: name), let bytes = Hex.decode(try fields.text("value")),
            let digest = MessageDigest(algorithm, bytes: bytes)
        else { throw AttestError(.malformed, "\(fields.path) is no digest by SHA-256, SHA-384 or SHA-512") }
        return digest
    }

    private static func digest(_ fields: Fields) throws(AttestError) -> MessageDigest {
        guard let algorithm = HashAlgorithm(protobufName: try fields.text("algorithm")),
            let digest = MessageDigest(algorithm, bytes: try fields.bytes("digest"))
        else { throw AttestError(.malformed, "\(fields.path) is no digest by SHA-256, SHA-384 or SHA-512") }
        return digest
    }

    private static func signatureV002(_ fields: Fields) throws(AttestError) -> Signature {
        let verifier = try fields.fields("verifier")
        let key: Verifier
        if let certificate = try verifier.optionalFields("x509Certificate") {
            key = .certificate(try certificate.bytes("rawBytes"))
        } else {
            key = .publicKey(try verifier.fields("publicKey").bytes("rawBytes"))
        }
        return Signature(signature: try fields.bytes("content"), verifier: key)
    }

    /// A certificate or a public key as PEM in base64.
    private static func pemVerifier(_ fields: Fields, _ key: String) throws(AttestError) -> Verifier {
        let blocks = try? PEM.blocks(in: try fields.bytes(key))
        guard let block = blocks?.first else { throw AttestError(.malformed, "\(fields.path).\(key) is no PEM") }
        switch block.label {
        case "CERTIFICATE": return .certificate(block.bytes)
        case "PUBLIC KEY": return .publicKey(block.bytes)
        default:
            throw AttestError(
                .unsupported, "\(fields.path).\(key) is a block \(block.label.debugDescription), no certificate or key")
        }
    }
}
