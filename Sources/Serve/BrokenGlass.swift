internal import Attest
internal import Bytes
internal import Keys
internal import Policy
internal import Sigstore

/// Logs who broke the glass, so that nobody can take the record back.
struct BrokenGlassLog: Sendable {
    let log: LogService
    /// The admission service's own.
    let key: PrivateKey

    static let predicateType = "https://martlet.dev/broken-glass/v1"

    /// Returns when the entry is durable and proven.
    func record(_ event: AdmissionEvent) async throws {
        let subjects = event.decisions.map(\.subject).flatMap { subject in
            subject.digests.compactMap { digest in
                MessageDigest(description: digest).map {
                    Subject(name: subject.name, digest: [$0.algorithm.rawValue: $0.hex])
                }
            }
        }
        let statement = Statement(
            subjects: subjects.isEmpty ? [Subject(name: event.title, digest: [:])] : subjects,
            predicateType: Self.predicateType, predicate: event.json)
        var envelope = Envelope(statement)
        envelope.signatures = [.init(signature: try key.signature(of: .bytes(envelope.signedBytes)))]
        let record = try LogRecord(proposedV1: [
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": [
                "proposedContent": [
                    "envelope": .string(String(decoding: envelope.line, as: UTF8.self)),
                    "verifiers": [.string(Base64.encode(Array(key.publicKey.pem.utf8)))],
                ]
            ],
        ])
        _ = try await log.create(record, awaiting: .log)
    }
}
