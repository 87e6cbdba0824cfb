internal import Attest
package import Bytes

/// Entries as they are proposed to Rekor v1 (rekor, `openapi.yaml` and `pkg/types`).
extension LogRecord {
    /// The kinds that are taken.
    package static let kindsV1 = [
        LogEntry.KindVersion("hashedrekord", "0.0.1"), LogEntry.KindVersion("dsse", "0.0.1"),
        LogEntry.KindVersion("intoto", "0.0.2"),
    ]

    /// Reads a proposed entry, checks its signatures, and gives what is to be stored.
    package init(proposedV1 bytes: [UInt8]) throws(SigstoreError) {
        try self.init(proposedV1: Self.json(bytes))
    }

    package init(proposedV1 json: JSON) throws(SigstoreError) {
        let kind: LogEntry.KindVersion
        let spec: Fields
        do {
            let fields = try Fields(json, at: "entry")
            kind = LogEntry.KindVersion(try fields.text("kind"), try fields.text("apiVersion"))
            spec = try fields.fields("spec")
        } catch {
            throw SigstoreError(error)
        }
        switch (kind.kind, kind.version) {
        case ("hashedrekord", "0.0.1"): self = try Self.hashedRekord(kind, spec)
        case ("dsse", "0.0.1"): self = try Self.dsse(kind, spec)
        case ("intoto", "0.0.2"): self = try Self.inToto(kind, spec)
        default:
            let taken = Self.kindsV1.map(\.description).joined(separator: ", ")
            throw SigstoreError(
                .unsupported,
                "this log takes entries of the kinds \(taken), and not \(kind.description.safeForTerminal)")
        }
    }

    private static func hashedRekord(_ kind: LogEntry.KindVersion, _ spec: Fields) throws(SigstoreError) -> LogRecord {
        let parts = try SigstoreError.mapping { () throws(AttestError) in
            let hash = try spec.fields("data").fields("hash")
            let signature = try spec.fields("signature")
            let name = try hash.text("algorithm")
            let value = try hash.text("value").lowercased()
            guard let algorithm = HashAlgorithm(rawValue: name), let bytes = Hex.decode(value),
                let digest = MessageDigest(algorithm, bytes: bytes)
            else {
                throw AttestError(
                    .malformed, "\(hash.path) is no digest by sha256, sha384 or sha512 in hexadecimal digits")
            }
            return (
                digest: digest, signature: try signature.bytes("content"),
                key: try signature.fields("publicKey").bytes("content")
            )
        }
        let key = try SubmittedKey(pem: parts.key)
        try key.verify(parts.signature, of: parts.digest)
        return try LogRecord(
            kind,
            spec: [
                "data": ["hash": hash(parts.digest)],
                "signature": [
                    "content": .string(Base64.encode(parts.signature)),
                    "publicKey": ["content": .string(Base64.encode(key.pem))],
                ],
            ], searchKeys: key.searchKeys(prefix: "") + [parts.digest.description])
    }

    private static func dsse(_ kind: LogEntry.KindVersion, _ spec: Fields) throws(SigstoreError) -> LogRecord {
        let (text, verifiers) = try SigstoreError.mapping { () throws(AttestError) in
            for own in ["envelopeHash", "payloadHash", "signatures"] where spec.value(own) != nil {
                throw AttestError(.malformed, "\(spec.path).\(own) is for the log to say; send proposedContent alone")
            }
            let content = try spec.fields("proposedContent")
            var keys: [[UInt8]] = []
            for element in try content.list("verifiers") {
                guard let text = element.stringValue, let bytes = try? Base64.decode(text) else {
                    throw AttestError(.malformed, "\(content.path).verifiers has an element that is not base64")
                }
                keys.append(bytes)
            }
            return (Array(try content.text("envelope").utf8), keys)
        }
        let envelope: Envelope
        do {
            envelope = try Envelope(
                parsing: text, limits: JSONLimits(byteCount: greatestRequestByteCount, depth: 32))
        } catch {
            throw SigstoreError(error)
        }
        let keys = try keys(verifiers)
        let signed = try Self.signers(of: envelope, among: keys)
        let signatures = signed.map { (text: Base64.encode($0.signature), key: $0.key) }
            .sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
        let payload = MessageDigest(Digest.of(envelope.payload))
        let whole = MessageDigest(Digest.of(text))
        return try LogRecord(
            kind,
            spec: [
                "envelopeHash": hash(whole), "payloadHash": hash(payload),
                "signatures": .array(
                    signatures.map {
                        ["signature": .string($0.text), "verifier": .string(Base64.encode($0.key.pem))]
                    }),
            ],
            searchKeys: signed.flatMap { $0.key.searchKeys(prefix: "sha256:") } + [
                payload.description, whole.description,
            ]
                + StatementDigests.searchKeys(of: envelope), attestation: envelope.payload)
    }

    private static func inToto(_ kind: LogEntry.KindVersion, _ spec: Fields) throws(SigstoreError) -> LogRecord {
        var envelope = Envelope(payloadType: "", payload: [])
        var pems: [[UInt8]] = []
        let whole = try SigstoreError.mapping { () throws(AttestError) in
            let content = try spec.fields("content")
            let fields = try content.fields("envelope")
            envelope.payloadType = try fields.text("payloadType")
            envelope.payload = try twice(fields, "payload")
            for fields in try fields.objects("signatures", { fields throws(AttestError) in fields }) {
                let signature = try twice(fields, "sig")
                envelope.signatures.append(
                    Envelope.Signature(keyID: try fields.optionalText("keyid"), signature: signature))
                pems.append(try fields.bytes("publicKey"))
            }
            let hash = try content.fields("hash")
            guard try hash.text("algorithm") == "sha256", let digest = Digest(hex: try hash.text("value").lowercased())
            else { throw AttestError(.malformed, "\(hash.path) is no sha256 digest in hexadecimal digits") }
            return MessageDigest(digest)
        }
        let keys = try keys(pems)
        guard !envelope.signatures.isEmpty else { throw unsigned }
        let message = envelope.signedBytes
        var signatures: [JSON] = []
        for (signature, key) in zip(envelope.signatures, keys) {
            guard key.signed(signature.signature, over: message) else { throw unverified }
            var object: JSONObject = [
                "publicKey": .string(Base64.encode(key.pem)),
                // The envelope's signature is base64 already, and here it is encoded once more.
                "sig": .string(Base64.encode(Array(Base64.encode(signature.signature).utf8))),
            ]
            if let keyID = signature.keyID, !keyID.isEmpty { object["keyid"] = .string(keyID) }
            signatures.append(.object(object))
        }
        let payload = MessageDigest(Digest.of(envelope.payload))
        return try LogRecord(
            kind,
            spec: [
                "content": [
                    "envelope": [
                        "payloadType": .string(envelope.payloadType), "signatures": .array(signatures),
                    ],
                    "hash": hash(whole), "payloadHash": hash(payload),
                ]
            ],
            searchKeys: keys.flatMap { $0.searchKeys(prefix: "sha256:") } + [payload.description]
                + StatementDigests.searchKeys(of: envelope), attestation: envelope.payload)
    }

    // MARK: Parts

    /// The most signatures, and the most keys, of one envelope.
    static let greatestSignatureCount = 32

    private static func keys(_ pems: [[UInt8]]) throws(SigstoreError) -> [SubmittedKey] {
        guard pems.count <= greatestSignatureCount else {
            throw SigstoreError(.limit, "\(pems.count) keys in one entry; the limit is \(greatestSignatureCount)")
        }
        var keys: [SubmittedKey] = []
        for pem in pems { keys.append(try SubmittedKey(pem: pem)) }
        return keys
    }

    /// Each signature, once, with the key that made it. Every signature must have a key and every key a signature, or
    /// the log would vouch for something that nobody checked.
    private static func signers(
        of envelope: Envelope, among keys: [SubmittedKey]
    ) throws(SigstoreError) -> [(signature: [UInt8], key: SubmittedKey)] {
        guard !envelope.signatures.isEmpty else { throw unsigned }
        guard envelope.signatures.count <= greatestSignatureCount else {
            throw SigstoreError(
                .limit,
                "the envelope has \(envelope.signatures.count) signatures; the limit is \(greatestSignatureCount)")
        }
        let message = envelope.signedBytes
        var found: [(signature: [UInt8], key: SubmittedKey)] = []
        var used = Set<Int>()
        for signature in envelope.signatures where !found.contains(where: { $0.signature == signature.signature }) {
            guard let index = keys.indices.first(where: { keys[$0].signed(signature.signature, over: message) }) else {
                throw unverified
            }
            used.insert(index)
            found.append((signature.signature, keys[index]))
        }
        let signers = Set(used.map { keys[$0].pem })
        guard keys.allSatisfy({ signers.contains($0.pem) }) else {
            throw SigstoreError(.malformed, "a verifier was sent that made none of the envelope's signatures")
        }
        return found
    }

    private static let unsigned = SigstoreError(.malformed, "the envelope has no signature")
    private static let unverified = SigstoreError(
        .malformed, "a signature of the envelope does not verify: every signature must have a key that verifies it")

    /// Base64 of base64, as intoto 0.0.2 has payload and signatures.
    private static func twice(_ fields: Fields, _ key: String) throws(AttestError) -> [UInt8] {
        guard let inner = String(validating: try fields.bytes(key), as: UTF8.self),
            let bytes = try? Base64.decode(inner, alphabet: .either)
        else { throw AttestError(.malformed, "\(fields.path).\(key) is not base64 of base64") }
        return bytes
    }

    private static func hash(_ digest: MessageDigest) -> JSON {
        ["algorithm": .string(digest.algorithm.rawValue), "value": .string(digest.hex)]
    }
}
