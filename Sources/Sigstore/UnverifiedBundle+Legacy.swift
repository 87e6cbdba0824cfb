internal import Attest
internal import Bytes

/// Shapes that came before the bundle, read as what they would be today.
extension UnverifiedBundle {
    /// What cosign wrote with `sign-blob --bundle` up to version 2: a signature, a certificate or nothing, and Rekor's
    /// answer.
    init(cosign json: JSON) throws(SigstoreError) {
        self = try SigstoreError.mapping { () throws(AttestError) in
            let fields = try Fields(json, at: "bundle")
            var entries: [LogEntry] = []
            if let rekor = try fields.optionalFields("rekorBundle") { entries = [try LogEntry(cosign: rekor)] }
            let bundle = UnverifiedBundle(
                version: .v0_1, identity: try Self.identity(cosign: fields.optionalText("cert") ?? ""),
                entries: entries, timestamps: [],
                content: .message(digest: nil, signature: try fields.bytes("base64Signature")))
            return bundle
        }
    }

    /// What cosign writes beside a signature in annotations of an image: the certificate and Rekor's answer as texts.
    package init(
        cosignSignature signature: [UInt8], certificate: String, rekorBundle: String?, timestamps: [[UInt8]] = []
    ) throws(SigstoreError) {
        self = try SigstoreError.mapping { () throws(AttestError) in
            var entries: [LogEntry] = []
            if let rekorBundle {
                let json: JSON
                do {
                    json = try JSON(parsing: rekorBundle)
                } catch {
                    throw AttestError(.malformed, "Rekor's answer in the annotation is not JSON: \(error)")
                }
                entries = [try LogEntry(cosign: Fields(json, at: "rekorBundle"))]
            }
            return UnverifiedBundle(
                version: .v0_1, identity: try Self.identity(cosign: certificate), entries: entries,
                timestamps: timestamps, content: .message(digest: nil, signature: signature))
        }
    }

    /// A certificate in PEM or in the base64 of PEM; nothing, or a key, where a key signed.
    private static func identity(cosign text: String) throws(AttestError) -> Identity {
        guard !text.isEmpty else { return .publicKey(hint: "") }
        let decoded = (try? Base64.decode(text)) ?? Array(text.utf8)
        do {
            let blocks = try PEM.blocks(in: decoded)
            let certificates = blocks.filter { $0.label == "CERTIFICATE" }.map(\.bytes)
            if let leaf = certificates.first { return .certificates([leaf]) }
            if blocks.contains(where: { $0.label == "PUBLIC KEY" }) { return .publicKey(hint: "") }
            throw ParseError("no block is a certificate or a public key", at: 0)
        } catch {
            throw AttestError(.malformed, "bundle.cert is no PEM: \(error)")
        }
    }

    /// An attestation of the Python Package Index (PEP 740), which is a bundle by other names.
    init(pep740 json: JSON) throws(SigstoreError) {
        self = try SigstoreError.mapping { () throws(AttestError) in
            let fields = try Fields(json, at: "attestation")
            guard try fields.optionalInt64("version") == 1 else {
                throw AttestError(.unsupported, "attestation.version is not 1")
            }
            let material = try fields.fields("verification_material")
            let envelope = try fields.fields("envelope")
            return UnverifiedBundle(
                version: .v0_3, identity: .certificates([try material.bytes("certificate")]),
                entries: try material.objects("transparency_entries") { fields throws(AttestError) in
                    try LogEntry(fields)
                }, timestamps: [],
                content: .envelope(
                    Envelope(
                        payloadType: Statement.payloadType, payload: try envelope.bytes("statement"),
                        signatures: [.init(signature: try envelope.bytes("signature"))])))
        }
    }

    /// A DSSE envelope by itself. Some put the signer's certificate into the signature; martlet puts all that is needed
    /// beside it.
    init(envelope json: JSON) throws(SigstoreError) {
        if let material = json["verificationMaterial"] {
            var envelope = json.objectValue ?? JSONObject()
            envelope["verificationMaterial"] = nil
            self = try UnverifiedBundle([
                "mediaType": .string(Self.mediaType), "verificationMaterial": material,
                "dsseEnvelope": .object(envelope),
            ])
            return
        }
        self = try SigstoreError.mapping { () throws(AttestError) in
            let envelope = try Envelope(json, at: "envelope")
            guard envelope.signatures.count == 1 else {
                throw AttestError(
                    .malformed, "the envelope has \(envelope.signatures.count) signatures; exactly one is verified")
            }
            let certificate = json["signatures"]?[0]?["cert"]?.stringValue ?? ""
            var identity = try Self.identity(cosign: certificate)
            if certificate.isEmpty { identity = .publicKey(hint: envelope.signatures[0].keyID ?? "") }
            return UnverifiedBundle(
                version: .v0_3, identity: identity, entries: [], timestamps: [], content: .envelope(envelope))
        }
    }
}

extension LogEntry {
    /// `{SignedEntryTimestamp, Payload{body, integratedTime, logIndex, logID}}`, as cosign keeps Rekor's answer.
    init(cosign fields: Fields) throws(AttestError) {
        let payload = try fields.fields("Payload")
        let body = try payload.bytes("body")
        guard let logID = Hex.decode(try payload.text("logID")),
            let json = try? JSON(parsing: body, limits: JSONLimits(byteCount: 32 << 20, depth: 32)),
            let kind = json["kind"]?.stringValue, let version = json["apiVersion"]?.stringValue
        else { throw AttestError(.malformed, "\(payload.path) holds no log entry") }
        self.init(
            logIndex: try payload.count("logIndex"), logID: logID, kindVersion: KindVersion(kind, version),
            integratedTime: try payload.count("integratedTime"),
            signedEntryTimestamp: try fields.bytes("SignedEntryTimestamp"), inclusionProof: nil, canonicalizedBody: body
        )
    }
}
