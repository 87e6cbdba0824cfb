package import Bytes
internal import Keys

/// Requests to Rekor v2 (rekor-tiles, `api/proto/rekor/v2`), in the JSON of protocol buffers.
extension LogRecord {
    /// The algorithms that Rekor v2 takes by default, but for Ed25519ph, which is not implemented here.
    package static let algorithmsV2: Set<KeyDetails> = [
        .rsa2048PKCS1SHA256, .rsa3072PKCS1SHA256, .rsa4096PKCS1SHA256, .ecdsaP256SHA256, .ecdsaP384SHA384,
        .ecdsaP521SHA512,
    ]

    /// Reads a request to create an entry, checks its signature, and gives what is to be stored.
    package init(
        requestV2 bytes: [UInt8], algorithms: Set<KeyDetails> = Self.algorithmsV2
    ) throws(SigstoreError) {
        try self.init(requestV2: Self.json(bytes), algorithms: algorithms)
    }

    package init(
        requestV2 json: JSON, algorithms: Set<KeyDetails> = Self.algorithmsV2
    ) throws(SigstoreError) {
        let root = try ProtobufFields(json, at: "request", ["hashedRekordRequestV002"])
        guard let request = try root.message("hashedRekordRequestV002", ["signature", "digest"]) else {
            throw SigstoreError(.unsupported, "this log takes hashedRekordRequestV002 alone, and there is none")
        }
        guard let signature = try request.message("signature", ["content", "verifier"]) else {
            throw SigstoreError(.malformed, "request.signature is missing")
        }
        guard let verifier = try signature.message("verifier", ["publicKey", "x509Certificate", "keyDetails"]) else {
            throw SigstoreError(.malformed, "request.signature.verifier is missing")
        }
        let content = try signature.bytes("content")
        let details = try Self.details(verifier, algorithms)
        let publicKey = try verifier.message("publicKey", ["rawBytes"])
        let certificate = try verifier.message("x509Certificate", ["rawBytes"])
        let key: SubmittedKey
        let member: JSONObject
        switch (publicKey, certificate) {
        case (let publicKey?, nil):
            let der = try publicKey.bytes("rawBytes")
            key = try KnownKeys.key(der)
            member = ["publicKey": ["rawBytes": .string(Base64.encode(der))]]
        case (nil, let certificate?):
            let der = try certificate.bytes("rawBytes")
            key = try SubmittedKey(chain: [Certificate(der: der)])
            member = ["x509Certificate": ["rawBytes": .string(Base64.encode(der))]]
        default:
            throw SigstoreError(.malformed, "\(verifier.path) needs publicKey or x509Certificate, one of the two")
        }
        guard let algorithm = details.hash, let digest = MessageDigest(algorithm, bytes: try request.bytes("digest"))
        else {
            throw SigstoreError(.malformed, "\(request.path).digest has not the length that \(details.rawValue) needs")
        }
        do {
            try details.check(key.key.algorithm)
            try details.verify(content, of: .digest(digest), by: key.key)
        } catch {
            throw SigstoreError(.malformed, "the signature does not verify: \(error)")
        }
        var stored = member
        stored["keyDetails"] = .string(details.rawValue)
        try self.init(
            LogEntry.KindVersion("hashedrekord", "0.0.2"),
            spec: [
                "hashedRekordV002": [
                    "data": [
                        "algorithm": .string(algorithm.protobufName), "digest": .string(Base64.encode(digest.bytes)),
                    ],
                    "signature": ["content": .string(Base64.encode(content)), "verifier": .object(stored)],
                ]
            ], searchKeys: key.searchKeys(prefix: "") + [digest.description])
    }

    private static func details(
        _ verifier: ProtobufFields, _ algorithms: Set<KeyDetails>
    ) throws(SigstoreError) -> KeyDetails {
        let name: String
        switch verifier.value("keyDetails") {
        case .string(let text)?: name = text
        case .number(let number)?:
            // Readers of protocol buffers take an enumeration's number in place of its name.
            guard let known = number.intValue.flatMap({ numbers[$0] }) else {
                throw SigstoreError(.malformed, "\(verifier.path).keyDetails is \(number.text.safeForTerminal)")
            }
            name = known.rawValue
        default: throw SigstoreError(.malformed, "\(verifier.path).keyDetails is missing")
        }
        guard let details = KeyDetails(rawValue: name), algorithms.contains(details) else {
            let taken = algorithms.map(\.rawValue).sorted().joined(separator: ", ")
            throw SigstoreError(
                .unsupported, "the algorithm \(name.safeForTerminal) is not taken by this log; \(taken) are")
        }
        return details
    }

    /// The numbers of protobuf-specs' `PublicKeyDetails`.
    private static let numbers: [Int: KeyDetails] = [
        5: .ecdsaP256SHA256, 7: .ed25519, 9: .rsa2048PKCS1SHA256, 10: .rsa3072PKCS1SHA256, 11: .rsa4096PKCS1SHA256,
        12: .ecdsaP384SHA384, 13: .ecdsaP521SHA512, 16: .rsa2048PSSSHA256, 17: .rsa3072PSSSHA256,
        18: .rsa4096PSSSHA256, 19: .ecdsaP384SHA256, 20: .ecdsaP521SHA256, 21: .mlDSA65, 22: .mlDSA87,
    ]
}

/// One message in the JSON of protocol buffers, read as strictly as Go's `protojson` does.
///
/// Names are in lowerCamelCase or as in the definition, with underscores. Unknown members are refused, and so is a
/// member by both of its names; `null` counts as absent.
struct ProtobufFields {
    let path: String
    private var members: [(name: String, value: JSON)] = []

    init(_ json: JSON, at path: String, _ names: [String]) throws(SigstoreError) {
        guard let object = json.objectValue else {
            throw SigstoreError(.malformed, "\(path) is \(json.kind); it should be an object")
        }
        self.path = path
        for member in object {
            let name = Self.camel(member.key)
            guard names.contains(where: { $0.hasSameBytes(as: name) }) else {
                throw SigstoreError(.malformed, "\(path) has the unknown field \(member.key.safeForTerminal)")
            }
            guard !members.contains(where: { $0.name == name }) else {
                throw SigstoreError(.malformed, "\(path) has the field \(name) twice")
            }
            members.append((name, member.value))
        }
    }

    /// The name in lowerCamelCase: `x509_certificate` is `x509Certificate`.
    private static func camel(_ name: String) -> String {
        guard name.utf8.contains(UInt8(ascii: "_")) else { return name }
        var out: [UInt8] = []
        var isUpper = false
        for byte in name.utf8 {
            if byte == UInt8(ascii: "_") {
                isUpper = true
            } else {
                out.append(isUpper && 0x61...0x7A ~= byte ? byte - 0x20 : byte)
                isUpper = false
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    func value(_ name: String) -> JSON? {
        members.first { $0.name == name }.flatMap { $0.value.isNull ? nil : $0.value }
    }

    func message(_ name: String, _ names: [String]) throws(SigstoreError) -> ProtobufFields? {
        guard let value = value(name) else { return nil }
        return try ProtobufFields(value, at: "\(path).\(name)", names)
    }

    /// Bytes that must be there and not be empty. Readers of protocol buffers take either alphabet, padded or not.
    func bytes(_ name: String) throws(SigstoreError) -> [UInt8] {
        guard let value = value(name) else { throw SigstoreError(.malformed, "\(path).\(name) is missing") }
        guard let text = value.stringValue,
            let bytes = try? Base64.decode(text, alphabet: .either, requiresPadding: false), !bytes.isEmpty
        else { throw SigstoreError(.malformed, "\(path).\(name) is not base64 of at least one byte") }
        return bytes
    }
}
