internal import Bytes

/// What a log stores of a submission whose signatures were checked.
///
/// Only the two functions that check make one, `init(proposedV1:)` and `init(requestV2:)`. The body is built anew from
/// what was verified, so nothing that nobody checked gets into the log by the way.
package struct LogRecord: Hashable, Sendable {
    package let kindVersion: LogEntry.KindVersion
    /// The canonical JSON (RFC 8785) whose hash is the leaf.
    package let body: [UInt8]
    /// What the entry is found by, each in lower case: digests as `ALGORITHM:HEX`, keys by the digest of their PEM,
    /// e-mail addresses, URIs and other names of certificates. Sorted, each once.
    package let searchKeys: [String]
    /// The payload of an envelope, which Rekor keeps beside the log; `nil` where there is none.
    package let attestation: [UInt8]?

    /// The most bytes of a submission.
    package static let greatestRequestByteCount = 4 << 20
    /// The most bytes of a body: what an entry bundle holds (C2SP tlog-tiles).
    package static let greatestBodyByteCount = 65_535
    /// The most search keys of one entry.
    package static let greatestSearchKeyCount = 4096

    init(
        _ kindVersion: LogEntry.KindVersion, spec: JSON, searchKeys: [String], attestation: [UInt8]? = nil
    ) throws(SigstoreError) {
        let json: JSON = [
            "apiVersion": .string(kindVersion.version), "kind": .string(kindVersion.kind), "spec": spec,
        ]
        let body = json.canonical()
        guard body.count <= Self.greatestBodyByteCount else {
            throw SigstoreError(
                .limit, "the entry has \(body.count) bytes; the log holds \(Self.greatestBodyByteCount) at most")
        }
        let keys = Set(searchKeys.map { $0.lowercased() })
        guard keys.count <= Self.greatestSearchKeyCount else {
            throw SigstoreError(
                .limit, "the entry would be found by \(keys.count) keys; the limit is \(Self.greatestSearchKeyCount)")
        }
        self.kindVersion = kindVersion
        self.body = body
        self.searchKeys = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.attestation = attestation
    }

    static func json(_ bytes: [UInt8], depth: Int = 64) throws(SigstoreError) -> JSON {
        guard bytes.count <= greatestRequestByteCount else {
            throw SigstoreError(
                .limit, "the submission has \(bytes.count) bytes; the limit is \(greatestRequestByteCount)")
        }
        do {
            return try JSON(parsing: bytes, limits: JSONLimits(byteCount: greatestRequestByteCount, depth: depth))
        } catch {
            throw SigstoreError(.malformed, "the submission is not JSON: \(error)")
        }
    }
}
