internal import Attest
internal import Bytes
internal import Keys
internal import Sigstore

/// What the body of a log entry says, for people. Bodies of any kind are read as far as they are known.
struct EntryReading {
    /// Who signed, and what with.
    struct Signer {
        let signature: [UInt8]
        /// `nil` where the entry has a bare key.
        let certificate: Certificate?
        let key: PublicKey?
        /// How the signature was made, where the entry says so.
        let details: KeyDetails?

        /// The name for a line.
        var title: String {
            if let certificate { return certificate.title }
            return key.map { "key \($0.id.hex.prefix(12))" } ?? "an unknown key"
        }
    }

    /// Such as `dsse 0.0.1`; empty for bytes that are no entry.
    let kind: String
    let signers: [Signer]
    /// What was signed, where that is a digest.
    let artifact: MessageDigest?
    /// The payload of what was signed, where that is an envelope.
    let payload: Digest?
    /// The type of the payload, where it is known.
    let payloadType: String
    let json: JSON?

    /// In a few words.
    var title: String {
        if payload != nil { return "Signed statement" }
        if artifact != nil { return "Signed artifact" }
        return kind.isEmpty ? "Bytes" : "Entry of kind \(kind)"
    }

    init(body: [UInt8]) {
        guard let json = try? JSON(parsing: body, limits: JSONLimits(byteCount: 65_536, depth: 64)),
            let kind = json["kind"]?.stringValue, let version = json["apiVersion"]?.stringValue,
            let spec = json["spec"]
        else {
            (kind, signers, artifact, payload, payloadType, json) = ("", [], nil, nil, "", nil)
            return
        }
        self.kind = "\(kind) \(version)"
        self.json = json
        switch (kind, version) {
        case ("hashedrekord", "0.0.1"):
            artifact = Self.digest(spec["data"]?["hash"])
            signers = [Self.signer(spec["signature"]?["content"], spec["signature"]?["publicKey"]?["content"])]
                .compactMap { $0 }
            (payload, payloadType) = (nil, "")
        case ("hashedrekord", "0.0.2"):
            let record = spec["hashedRekordV002"]
            artifact = Self.digestV2(record?["data"])
            signers = [Self.signerV2(record?["signature"])].compactMap { $0 }
            (payload, payloadType) = (nil, "")
        case ("dsse", _):
            artifact = nil
            payload = Self.digest(spec["payloadHash"]).flatMap { Digest(bytes: $0.bytes) }
            signers = (spec["signatures"]?.arrayValue ?? []).prefix(64).compactMap {
                Self.signer($0["signature"], $0["verifier"])
            }
            payloadType = Statement.payloadType
        case ("intoto", _):
            artifact = nil
            let content = spec["content"]
            payload = Self.digest(content?["payloadHash"]).flatMap { Digest(bytes: $0.bytes) }
            signers = (content?["envelope"]?["signatures"]?.arrayValue ?? []).prefix(64).compactMap {
                Self.signer(Self.inner($0["sig"]), $0["publicKey"])
            }
            payloadType = content?["envelope"]?["payloadType"]?.stringValue ?? Statement.payloadType
        default: (signers, artifact, payload, payloadType) = ([], nil, nil, "")
        }
    }

    private static func bytes(_ value: JSON?) -> [UInt8]? {
        value?.stringValue.flatMap { try? Base64.decode($0, alphabet: .either) }
    }

    /// The base64 within base64 that intoto entries have.
    private static func inner(_ value: JSON?) -> JSON? {
        bytes(value).flatMap { String(validating: $0, as: UTF8.self) }.map { .string($0) }
    }

    private static func digest(_ value: JSON?) -> MessageDigest? {
        guard let algorithm = value?["algorithm"]?.stringValue.flatMap({ HashAlgorithm(rawValue: $0) }),
            let bytes = value?["value"]?.stringValue.flatMap({ Hex.decode($0) })
        else { return nil }
        return MessageDigest(algorithm, bytes: bytes)
    }

    private static func digestV2(_ value: JSON?) -> MessageDigest? {
        guard let algorithm = value?["algorithm"]?.stringValue.flatMap({ HashAlgorithm(protobufName: $0) }),
            let bytes = bytes(value?["digest"])
        else { return nil }
        return MessageDigest(algorithm, bytes: bytes)
    }

    private static func signer(_ signature: JSON?, _ pem: JSON?) -> Signer? {
        guard let signature = bytes(signature), let pem = bytes(pem) else { return nil }
        if let certificate = try? Certificate.list(pem: pem).first {
            return Signer(
                signature: signature, certificate: certificate, key: try? certificate.key.get(), details: nil)
        }
        return Signer(signature: signature, certificate: nil, key: try? PublicKey(pem: pem), details: nil)
    }

    private static func signerV2(_ value: JSON?) -> Signer? {
        guard let signature = bytes(value?["content"]), let verifier = value?["verifier"] else { return nil }
        let details = verifier["keyDetails"]?.stringValue.flatMap { KeyDetails(rawValue: $0) }
        if let der = bytes(verifier["x509Certificate"]?["rawBytes"]) {
            let certificate = try? Certificate(der: der)
            return Signer(
                signature: signature, certificate: certificate, key: try? certificate?.key.get(), details: details)
        }
        let key = bytes(verifier["publicKey"]?["rawBytes"]).flatMap { try? PublicKey(der: $0) }
        return Signer(signature: signature, certificate: nil, key: key, details: details)
    }
}

extension Certificate {
    /// Whom it names, in one line.
    var title: String { (try? signerName().text) ?? subject }
}
