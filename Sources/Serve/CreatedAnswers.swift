internal import Bytes
internal import Ledger
internal import Sigstore
internal import Synchronization

/// Writes what Rekor v2 answers to who has created an entry, byte for byte as `LogEntry.rekorV2` has it.
///
/// The entries of one batch are under one checkpoint, so what it says is written once for all of them.
final class CreatedAnswers: Sendable {
    /// What an answer says of its checkpoint.
    private struct Parts {
        let head: LogHead
        /// From the index in the proof to its hashes.
        let tree: [UInt8]
        /// From the hashes to the body.
        let note: [UInt8]
    }

    /// From the index of the entry to the index in the proof.
    private let log: [UInt8]
    /// Guards the parts of the checkpoint that was last asked for.
    private let latest = Mutex<Parts?>(nil)

    init(logID: [UInt8]) {
        log = Array(
            #"","logId":{"keyId":"\#(Base64.encode(logID))"},"kindVersion":{"kind":"hashedrekord","version":"0.0.2"},"inclusionProof":{"logIndex":""#
                .utf8)
    }

    func content(_ record: LogRecord, index: UInt64, path: [Digest], head: LogHead) -> [UInt8] {
        let parts = parts(head)
        let index = Array(String(index).utf8)
        var out: [UInt8] = []
        out.reserveCapacity(
            256 + log.count + parts.tree.count + parts.note.count + path.count * 47 + record.body.count * 4 / 3)
        out += #"{"logIndex":""#.utf8
        out += index
        out += log
        out += index
        out += parts.tree
        for (place, hash) in path.enumerated() {
            if place > 0 { out.append(UInt8(ascii: ",")) }
            out.append(UInt8(ascii: "\""))
            Base64.append(hash.bytes, to: &out)
            out.append(UInt8(ascii: "\""))
        }
        out += parts.note
        Base64.append(record.body, to: &out)
        out += #"","inclusionPromise":null,"integratedTime":"0"}"#.utf8
        return out
    }

    private func parts(_ head: LogHead) -> Parts {
        latest.withLock { latest in
            if let latest, latest.head == head { return latest }
            let tree = #"","rootHash":"\#(Base64.encode(head.root.bytes))","treeSize":"\#(head.size)","hashes":["#
            let note = #"],"checkpoint":{"envelope":\#(JSON.string(head.checkpoint).text())}},"canonicalizedBody":""#
            let parts = Parts(head: head, tree: Array(tree.utf8), note: Array(note.utf8))
            latest = parts
            return parts
        }
    }
}
