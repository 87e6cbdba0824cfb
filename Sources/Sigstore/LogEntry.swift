internal import Attest
package import Bytes

/// What a bundle carries of an entry in a transparency log (protobuf-specs, `TransparencyLogEntry`).
package struct LogEntry: Hashable, Sendable {
    /// The kind and version of the body, such as `hashedrekord` `0.0.1`.
    package struct KindVersion: Hashable, Sendable, CustomStringConvertible {
        package var kind: String
        package var version: String

        package init(_ kind: String, _ version: String) {
            self.kind = kind
            self.version = version
        }

        package var description: String { "\(kind)/\(version)" }
    }

    /// Where the entry stands in the tree, and what proves it.
    package struct InclusionProof: Hashable, Sendable {
        /// The index in the tree of the proof; in Rekor v1 another number than the global one.
        package var logIndex: Int64
        package var rootHash: [UInt8]
        package var treeSize: Int64
        package var hashes: [[UInt8]]
        /// The signed note; `nil` where it is absent.
        package var checkpoint: String?

        package init(logIndex: Int64, rootHash: [UInt8], treeSize: Int64, hashes: [[UInt8]], checkpoint: String?) {
            self.logIndex = logIndex
            self.rootHash = rootHash
            self.treeSize = treeSize
            self.hashes = hashes
            self.checkpoint = checkpoint
        }
    }

    package var logIndex: Int64
    /// The id of the log: for Rekor the SHA-256 digest of its key.
    package var logID: [UInt8]
    package var kindVersion: KindVersion
    /// Seconds since 1970; 0 where the log gives no time. Worth nothing unless `signedEntryTimestamp` covers it.
    package var integratedTime: Int64
    /// The log's promise to include the entry (SET), over the body, the time, the log and the index.
    package var signedEntryTimestamp: [UInt8]?
    package var inclusionProof: InclusionProof?
    /// The bytes whose hash is the leaf. They are never decoded and written again.
    package var canonicalizedBody: [UInt8]

    package init(
        logIndex: Int64, logID: [UInt8], kindVersion: KindVersion, integratedTime: Int64,
        signedEntryTimestamp: [UInt8]?, inclusionProof: InclusionProof?, canonicalizedBody: [UInt8]
    ) {
        self.logIndex = logIndex
        self.logID = logID
        self.kindVersion = kindVersion
        self.integratedTime = integratedTime
        self.signedEntryTimestamp = signedEntryTimestamp
        self.inclusionProof = inclusionProof
        self.canonicalizedBody = canonicalizedBody
    }

    /// No tree has more levels than its size has bits.
    static let greatestHashCount = 64

    init(_ fields: Fields) throws(AttestError) {
        logIndex = try fields.count("logIndex")
        logID = try fields.optionalFields("logId")?.optionalBytes("keyId") ?? []
        let kind = try fields.fields("kindVersion")
        kindVersion = KindVersion(try kind.text("kind"), try kind.text("version"))
        integratedTime = try fields.count("integratedTime")
        signedEntryTimestamp = try fields.optionalFields("inclusionPromise")?.bytes("signedEntryTimestamp")
        canonicalizedBody = try fields.bytes("canonicalizedBody")
        if let proof = try fields.optionalFields("inclusionProof") {
            var hashes: [[UInt8]] = []
            for hash in try proof.list("hashes") {
                guard let text = hash.stringValue, let bytes = try? Base64.decode(text) else {
                    throw AttestError(.malformed, "\(proof.path).hashes has an element that is not base64")
                }
                hashes.append(bytes)
            }
            guard hashes.count <= Self.greatestHashCount else {
                throw AttestError(.limit, "\(proof.path).hashes has \(hashes.count) elements")
            }
            inclusionProof = InclusionProof(
                logIndex: try proof.count("logIndex"), rootHash: try proof.optionalBytes("rootHash") ?? [],
                treeSize: try proof.count("treeSize"), hashes: hashes,
                checkpoint: try proof.optionalFields("checkpoint")?.text("envelope"))
        }
    }

    /// The JSON of protocol buffers.
    package var json: JSON {
        var object: JSONObject = [
            "logIndex": .string(String(logIndex)), "logId": ["keyId": .string(Base64.encode(logID))],
            "kindVersion": ["kind": .string(kindVersion.kind), "version": .string(kindVersion.version)],
        ]
        // Zero is the default, which protocol buffers leave out.
        if integratedTime != 0 { object["integratedTime"] = .string(String(integratedTime)) }
        if let signedEntryTimestamp {
            object["inclusionPromise"] = ["signedEntryTimestamp": .string(Base64.encode(signedEntryTimestamp))]
        }
        if let proof = inclusionProof {
            var member: JSONObject = [
                "logIndex": .string(String(proof.logIndex)), "rootHash": .string(Base64.encode(proof.rootHash)),
                "treeSize": .string(String(proof.treeSize)),
                "hashes": .array(proof.hashes.map { .string(Base64.encode($0)) }),
            ]
            if let checkpoint = proof.checkpoint { member["checkpoint"] = ["envelope": .string(checkpoint)] }
            object["inclusionProof"] = .object(member)
        }
        object["canonicalizedBody"] = .string(Base64.encode(canonicalizedBody))
        return .object(object)
    }
}
