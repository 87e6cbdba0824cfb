internal import Bytes
internal import Keys
internal import Ledger
internal import Sigstore
internal import Synchronization

/// A transparency log in memory, with the promises of Rekor v1 and the checkpoints of both versions.
final class VirtualLog: Sendable {
    let key: PrivateKey
    let origin: String
    let isVersion2: Bool
    /// Rekor v1 counts over all shards; this many entries are in those before.
    static let earlierEntries = 1_000

    /// Guards the bodies; nothing else is locked while it is held.
    private let bodies = Mutex<[[UInt8]]>([])

    init(origin: String, isVersion2: Bool) throws {
        key = try PrivateKey.generate(isVersion2 ? .ed25519 : .ecdsaP256)
        self.origin = origin
        self.isVersion2 = isVersion2
        // An entry of a log that is not empty has a proof that is not empty.
        bodies.withLock { $0 = [Array("first".utf8), Array("second".utf8), Array("third".utf8)] }
    }

    var logID: [UInt8] { LogIdentity.id(of: key.publicKey, name: origin) }

    /// Adds an entry and gives it as a bundle carries it.
    func append(
        _ body: [UInt8], _ kind: LogEntry.KindVersion, at moment: Timestamp, faults: Set<VirtualSigstore.Fault>
    ) throws -> LogEntry {
        let (index, leaves) = bodies.withLock { bodies in
            bodies.append(body)
            return (bodies.count - 1, bodies.map { MerkleTree.leafHash($0) })
        }
        let root = MerkleTree.root(leaves[...])
        var path = MerkleTree.path(ofLeaf: index, in: leaves[...])
        if faults.contains(.wrongInclusionProof) { path[0] = Digest.of("another") }
        let globalIndex = isVersion2 ? index : index + Self.earlierEntries
        let time = isVersion2 ? 0 : moment.seconds
        let checkpoint = try checkpoint(
            size: UInt64(leaves.count), root: faults.contains(.checkpointOfOtherTree) ? Digest.of("other") : root,
            isBroken: faults.contains(.wrongCheckpoint))
        var entry = LogEntry(
            logIndex: Int64(globalIndex), logID: logID, kindVersion: kind, integratedTime: time,
            signedEntryTimestamp: nil,
            inclusionProof: LogEntry.InclusionProof(
                logIndex: Int64(index), rootHash: root.bytes, treeSize: Int64(leaves.count), hashes: path.map(\.bytes),
                checkpoint: checkpoint), canonicalizedBody: body)
        if !isVersion2 {
            var promised = entry
            if faults.contains(.wrongPromise) { promised.integratedTime -= 1 }
            entry.signedEntryTimestamp = try key.signature(of: .bytes(promised.promisedBytes))
        }
        return entry
    }

    private func checkpoint(size: UInt64, root: Digest, isBroken: Bool) throws -> String {
        let text = Checkpoint(origin: origin, size: size, root: root).text
        var note = Note(text: text)
        let signature = try key.signature(of: .bytes(Array((isBroken ? text + "x" : text).utf8)))
        // A line of somebody else comes first: verifiers must find the log's own.
        note.append(
            Note.Signature(name: "witness.example", keyID: [1, 2, 3, 4], signature: [UInt8](repeating: 7, count: 72)))
        note.append(Note.Signature(name: origin, keyID: Array(logID.prefix(4)), signature: signature))
        return note.description
    }
}
