package import Bytes
internal import Keys
package import Ledger

extension LogEntry {
    /// Checks everything that a log says of an entry: its promise, its proof, and its signature on the tree. Each must be
    /// there and be right; `.refused` tells the first that is not.
    package func verify(by log: TrustedRoot.Log) throws(SigstoreError) -> VerifiedTree {
        func refused(_ message: String) -> SigstoreError {
            SigstoreError(.refused, "the log's answer is not to be believed: \(message)")
        }
        guard log.logID == logID else { throw refused("it is of the log \(Hex.encode(logID))") }
        guard let promise = signedEntryTimestamp else { throw refused("the signed entry timestamp is missing") }
        do {
            try log.keyDetails.verify(promise, of: .bytes(promisedBytes), by: log.key)
        } catch {
            throw refused("the signed entry timestamp: \(error)")
        }
        guard let proof = inclusionProof, let text = proof.checkpoint else {
            throw refused("the inclusion proof or its checkpoint is missing")
        }
        do {
            let tree = try VerifiedTree(text, by: log)
            guard tree.checkpoint.size == UInt64(clamping: proof.treeSize) else {
                throw refused("the checkpoint is of another tree than the proof")
            }
            guard try root(proof) == tree.checkpoint.root, proof.rootHash == tree.checkpoint.root.bytes else {
                throw refused("the inclusion proof leads to another root than the log's")
            }
            return tree
        } catch let error as SigstoreError {
            throw error
        } catch {
            throw refused("\(error)")
        }
    }
}

/// A tree that a trusted log has signed.
package struct VerifiedTree: Sendable {
    package let checkpoint: Checkpoint
    package let note: Note

    /// Reads a checkpoint that `log` must have signed.
    package init(_ text: String, by log: TrustedRoot.Log) throws(SigstoreError) {
        do {
            note = try Note(parsing: text)
            checkpoint = try Checkpoint(parsing: note.text)
            try note.verify(log.noteKey(for: checkpoint))
        } catch {
            throw SigstoreError(.refused, "the log's checkpoint is not to be believed: \(error)")
        }
    }

    /// Checks that this tree begins with `old`.
    package func check(extends old: Checkpoint, proof: [Digest]) throws(SigstoreError) {
        do {
            guard checkpoint.origin.hasSameBytes(as: old.origin) else {
                throw LedgerError(.malformed, "the log calls itself \(checkpoint.origin.safeForTerminal) now")
            }
            if old.size == 0, checkpoint.size > 0 { return }
            try MerkleProof.verifyConsistency(
                oldSize: old.size, oldRoot: old.root, newSize: checkpoint.size, newRoot: checkpoint.root, proof: proof)
        } catch {
            throw SigstoreError(
                .refused,
                "the log's tree of \(checkpoint.size) entries does not begin with that of \(old.size) seen before: \(error)"
            )
        }
    }
}
