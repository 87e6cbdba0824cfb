internal import Bytes
internal import HTTPTypes
package import Keys
internal import Ledger
package import Sigstore

/// A log as Rekor's interfaces show it, without HTTP: records in, entries with their proofs out.
package struct LogService: Sendable {
    /// Who the log is.
    package struct Identity: Sendable {
        /// The name in its checkpoints.
        package let origin: String
        /// The key that promises to clients of version 1.
        package let promiseKey: PrivateKey
        /// The Ed25519 key that clients of version 2 know the log by.
        package let checkpointKey: PublicKey
        /// The id in entries of version 1: the digest of the promise key.
        package let logID: [UInt8]
        /// The id in entries of version 2.
        package let checkpointLogID: [UInt8]
        /// The number of the tree in names of entries. It follows from the key, so that nobody has to remember it.
        package let treeID: UInt64

        package init(origin: String, promiseKey: PrivateKey, checkpointKey: PublicKey) {
            self.origin = origin
            self.promiseKey = promiseKey
            self.checkpointKey = checkpointKey
            logID = LogIdentity.id(of: promiseKey.publicKey, name: origin)
            checkpointLogID = LogIdentity.id(of: checkpointKey, name: origin)
            treeID = logID.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } & 0x7FFF_FFFF_FFFF_FFFF
        }
    }

    /// What is answered to somebody who sends what is logged already.
    package enum Duplicates: Hashable, Sendable {
        /// The entry as it was logged, with a fresh proof: whoever repeats a request gets what the first would have given.
        case entry
        /// 409, as Rekor does.
        case conflict
    }

    package let identity: Identity
    package let store: any LogStore
    /// Where payloads are kept; `nil` to keep none.
    package let attestations: AttestationStore?
    package let duplicates: Duplicates
    /// Who cosigns checkpoints; `nil` where no witness is asked.
    package let witnessing: Witnessing?

    package init(
        identity: Identity, store: any LogStore, attestations: AttestationStore?, duplicates: Duplicates = .entry,
        witnessing: Witnessing? = nil
    ) {
        self.identity = identity
        self.store = store
        self.attestations = attestations
        self.duplicates = duplicates
        self.witnessing = witnessing
    }

    /// What a client waits for before it is answered.
    package enum Await: String, Hashable, Sendable {
        /// The log's own signature.
        case log
        /// Enough witnesses' signatures.
        case witnessed
    }

    /// Logs a record. The payload of an envelope is kept first: no entry is acknowledged whose payload is not there.
    package func create(_ record: LogRecord, awaiting: Await) async throws -> ProvenEntry {
        if awaiting == .witnessed, witnessing == nil {
            throw Refusal(.badRequest, "this log asks no witnesses; leave out await=witnessed")
        }
        if let payload = record.attestation, let attestations {
            do {
                try await attestations.put(payload)
            } catch {
                throw Refusal.unavailable("the payload can't be stored right now")
            }
        }
        let added = try await store.add([LogSubmission(body: record.body, searchKeys: record.searchKeys)])
        guard let entry = added.first else { throw Refusal(.internalServerError, "the log gave no entry") }
        return awaiting == .witnessed ? try await witnessed(entry) : entry
    }

    /// The same entry under a checkpoint that enough witnesses have signed.
    private func witnessed(_ entry: ProvenEntry) async throws -> ProvenEntry {
        guard let witnessing else { return entry }
        let head = try await witnessing.head(covering: entry.index + 1)
        return ProvenEntry(
            index: entry.index, body: entry.body, time: entry.time, isDuplicate: entry.isDuplicate,
            path: try await store.inclusionProof(of: entry.index, size: head.size), head: head)
    }

    /// Where the entry of this name is; `nil` where it is not, or is of another tree.
    package func index(of uuid: EntryUUID) async throws -> UInt64? {
        if let treeID = uuid.treeID, treeID != identity.treeID { return nil }
        return try await store.index(ofLeafHash: uuid.leafHash)
    }

    /// An entry with its promise, as version 1 shows it.
    package func promised(_ stored: ProvenEntry) throws(KeyError) -> LogEntry {
        var entry = entry(stored, logID: identity.logID)
        entry.integratedTime = Int64(clamping: stored.time)
        entry.signedEntryTimestamp = try identity.promiseKey.signature(of: .bytes(entry.promisedBytes))
        return entry
    }

    /// An entry as version 2 shows it: the time is for timestamp authorities to tell.
    package func unpromised(_ stored: ProvenEntry, kind: LogEntry.KindVersion) -> LogEntry {
        entry(stored, logID: identity.checkpointLogID, kind: kind)
    }

    private func entry(_ stored: ProvenEntry, logID: [UInt8], kind: LogEntry.KindVersion? = nil) -> LogEntry {
        let kind =
            kind
            ?? (try? JSON(parsing: stored.body))
            .map { LogEntry.KindVersion($0["kind"]?.stringValue ?? "", $0["apiVersion"]?.stringValue ?? "") }
        return LogEntry(
            logIndex: Int64(clamping: stored.index), logID: logID, kindVersion: kind ?? LogEntry.KindVersion("", ""),
            integratedTime: 0, signedEntryTimestamp: nil,
            inclusionProof: LogEntry.InclusionProof(
                logIndex: Int64(clamping: stored.index), rootHash: stored.head.root.bytes,
                treeSize: Int64(clamping: stored.head.size), hashes: stored.path.map(\.bytes),
                checkpoint: stored.head.checkpoint), canonicalizedBody: stored.body)
    }

    /// The payload that is kept for an entry; `nil` where there is none, or it was removed.
    package func attestation(for body: [UInt8]) async throws -> [UInt8]? {
        guard let attestations, let json = try? JSON(parsing: body), let spec = json["spec"] else { return nil }
        let hash = spec["payloadHash"] ?? spec["content"]?["payloadHash"]
        guard hash?["algorithm"]?.stringValue == "sha256",
            let digest = hash?["value"]?.stringValue.flatMap({ Digest(hex: $0) })
        else { return nil }
        return try await attestations.get(digest)
    }

    /// The last look before an answer leaves: an entry whose proof does not lead to the signed root is a fault of ours,
    /// and the client must not get it.
    package func check(_ stored: ProvenEntry) throws {
        try check(stored.body, at: stored.index, stored.path, stored.head)
    }

    func check(_ body: [UInt8], at index: UInt64, _ path: [Digest], _ head: LogHead) throws {
        do {
            try MerkleProof.verifyInclusion(
                of: MerkleTree.leafHash(body), at: index, inTreeOf: head.size, root: head.root, path: path)
        } catch {
            throw Refusal(.internalServerError, "the log's own proof of the entry is wrong")
        }
    }
}
