internal import Attest
internal import Bytes
internal import Keys
internal import Wire

/// Writes entries to a Rekor, version 1 (rekor, `openapi.yaml`) or 2 (rekor-tiles, `rekor_service.proto`).
struct LogClient: Sendable {
    let url: String
    let majorVersion: Int
    let transport: any HTTPTransport

    /// The most bytes of an answer. It holds what was sent, once more.
    static let answerLimit = UnverifiedBundle.Limits.byteCount

    /// What is to be logged.
    struct Submission: Sendable {
        let content: UnverifiedBundle.Content
        /// The digest that the signature is over: the artifact's, or that of the envelope's signed bytes.
        let digest: MessageDigest
        let verifier: LogEntryBody.Verifier
        let keyDetails: KeyDetails

        var pem: String {
            switch verifier {
            case .certificate(let der): PEM(label: "CERTIFICATE", bytes: der).text
            case .publicKey(let der): PEM(label: "PUBLIC KEY", bytes: der).text
            }
        }

        var signature: [UInt8] {
            switch content {
            case .message(_, let signature): signature
            case .envelope(let envelope): envelope.signatures.first?.signature ?? []
            }
        }
    }

    func append(_ submission: Submission) async throws(SigstoreError) -> LogEntry {
        do {
            let base = try HTTPURL(url)
            return majorVersion >= 2 ? try await appendV2(submission, base) : try await appendV1(submission, base)
        } catch let error as SigstoreError {
            throw error
        } catch let error as WireError {
            throw SigstoreError(error, asking: "the transparency log to record the signature")
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }

    private func post(_ url: HTTPURL, _ body: JSON, deadline: Duration?) async throws(WireError) -> HTTPAnswer {
        let request = HTTPRequest(
            .post, url, fields: ["Content-Type": "application/json", "Accept": "application/json"],
            body: .bytes(body.bytes()), isRepeatable: true)
        return try await transport.fetch(request, limit: Self.answerLimit, deadline: deadline)
    }

    // MARK: Version 1

    private func appendV1(_ submission: Submission, _ base: HTTPURL) async throws -> LogEntry {
        var answer = try await post(
            try base.appending("api/v1/log/entries"), Self.proposal(submission), deadline: nil)
        // The same entry twice: the log says where the first one is.
        if answer.status == 409, let location = answer.fields["Location"] {
            answer = try await transport.fetch(
                HTTPRequest(.get, try base.resolving(location), fields: ["Accept": "application/json"]),
                limit: Self.answerLimit)
        }
        return try Self.entryV1(try answer.success())
    }

    static func proposal(_ submission: Submission) -> JSON {
        let pem = JSON.string(Base64.encode(Array(submission.pem.utf8)))
        switch submission.content {
        case .message:
            return [
                "apiVersion": "0.0.1", "kind": "hashedrekord",
                "spec": [
                    "data": [
                        "hash": [
                            "algorithm": .string(submission.digest.algorithm.rawValue),
                            "value": .string(submission.digest.hex),
                        ]
                    ],
                    "signature": [
                        "content": .string(Base64.encode(submission.signature)), "publicKey": ["content": pem],
                    ],
                ],
            ]
        case .envelope(let envelope):
            return [
                "apiVersion": "0.0.1", "kind": "dsse",
                "spec": [
                    "proposedContent": [
                        "envelope": .string(String(decoding: envelope.line, as: UTF8.self)), "verifiers": [pem],
                    ]
                ],
            ]
        }
    }

    /// The entry in an answer of version 1, `{UUID: {…}}`.
    static func entryV1(_ answer: [UInt8]) throws(SigstoreError) -> LogEntry {
        guard let json = try? JSON(parsing: answer), let members = json.objectValue, members.count == 1,
            let value = members.members.first?.value
        else { throw SigstoreError(.refused, "the log's answer is no entry") }
        return try SigstoreError.mapping { () throws(AttestError) in
            let fields = try Fields(value, at: "entry")
            let verification = try fields.fields("verification")
            let proof = try verification.fields("inclusionProof")
            var hashes: [[UInt8]] = []
            for hash in try proof.list("hashes") { hashes.append(try hex(hash.stringValue, "hashes")) }
            guard hashes.count <= 64 else { throw AttestError(.limit, "entry has \(hashes.count) hashes") }
            let body = try fields.bytes("body")
            let kind = try? Fields(try? JSON(parsing: body), at: "body")
            return LogEntry(
                logIndex: try fields.count("logIndex"), logID: try hex(try fields.text("logID"), "logID"),
                kindVersion: LogEntry.KindVersion(
                    try kind?.text("kind") ?? "", try kind?.text("apiVersion") ?? ""),
                integratedTime: try fields.count("integratedTime"),
                signedEntryTimestamp: try verification.optionalBytes("signedEntryTimestamp"),
                inclusionProof: LogEntry.InclusionProof(
                    logIndex: try proof.count("logIndex"), rootHash: try hex(try proof.text("rootHash"), "rootHash"),
                    treeSize: try proof.count("treeSize"), hashes: hashes,
                    checkpoint: try proof.optionalText("checkpoint")),
                canonicalizedBody: body)
        }
    }

    private static func hex(_ text: String?, _ what: String) throws(AttestError) -> [UInt8] {
        guard let bytes = text.flatMap({ Hex.decode($0) }) else {
            throw AttestError(.malformed, "entry.\(what) is not hexadecimal")
        }
        return bytes
    }

    // MARK: Version 2

    private func appendV2(_ submission: Submission, _ base: HTTPURL) async throws -> LogEntry {
        // The log answers when a checkpoint covers the entry, which takes seconds.
        let answer = try await post(
            try base.appending("api/v2/log/entries"), Self.request(submission), deadline: .seconds(90))
        return try Self.entryV2(try answer.success())
    }

    static func request(_ submission: Submission) -> JSON {
        var verifier: JSONObject
        switch submission.verifier {
        case .certificate(let der): verifier = ["x509Certificate": ["rawBytes": .string(Base64.encode(der))]]
        case .publicKey(let der): verifier = ["publicKey": ["rawBytes": .string(Base64.encode(der))]]
        }
        verifier["keyDetails"] = .string(submission.keyDetails.rawValue)
        return [
            "hashedRekordRequestV002": [
                "digest": .string(Base64.encode(submission.digest.bytes)),
                "signature": [
                    "content": .string(Base64.encode(submission.signature)), "verifier": .object(verifier),
                ],
            ]
        ]
    }

    /// The entry in an answer of version 2, which is what a bundle holds.
    static func entryV2(_ answer: [UInt8]) throws(SigstoreError) -> LogEntry {
        guard let json = try? JSON(parsing: answer) else {
            throw SigstoreError(.refused, "the log's answer is no entry")
        }
        return try SigstoreError.mapping { () throws(AttestError) in try LogEntry(try Fields(json, at: "entry")) }
    }
}

extension LogEntry {
    /// Reads what a log of version 1 answers about one entry, as its users keep it.
    package init(answerV1 bytes: [UInt8]) throws(SigstoreError) { self = try LogClient.entryV1(bytes) }
}
