internal import Bytes
internal import Keys

/// The role of a witness: to say of each log that what it shows only grows (C2SP tlog-witness).
///
/// Everything here decides and nothing remembers: whoever calls gives the latest state of the log, keeps the new one
/// durably, and answers after that. Between the two no other request for the same log may be decided.
package struct Witness: Sendable {
    /// A log that is witnessed.
    package struct Log: Hashable, Sendable {
        package let origin: String
        /// The keys that may sign its checkpoints.
        package let keys: [NoteKey]

        package init(origin: String, keys: [NoteKey]) {
            self.origin = origin
            self.keys = keys
        }
    }

    /// The latest checkpoint of a log that was cosigned.
    package struct State: Hashable, Sendable {
        package var checkpoint: Checkpoint
        /// The note with the log's signatures that were verified, and the witness's.
        package var note: Note
        /// When it was cosigned, in seconds since 1970.
        package var time: UInt64

        package init(checkpoint: Checkpoint, note: Note, time: UInt64) {
            self.checkpoint = checkpoint
            self.note = note
            self.time = time
        }
    }

    /// Why a witness does not sign.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// By the status that says so in HTTP.
        package enum Reason: Hashable, Sendable {
            /// 400
            case malformed
            /// 403
            case forbidden
            /// 404
            case unknownOrigin
            /// 409, with the size of the latest checkpoint that was cosigned.
            case conflict(size: UInt64)
            /// 422
            case inconsistent
        }

        package let reason: Reason
        package let message: String
        /// Two notes by one log that can't both be true: proof to show to everybody.
        package let evidence: [Note]

        init(_ reason: Reason, _ message: String, evidence: [Note] = []) {
            self.reason = reason
            self.message = message
            self.evidence = evidence
        }

        package init(_ error: LedgerError) { self.init(.malformed, error.message) }

        package var status: Int {
            switch reason {
            case .malformed: 400
            case .forbidden: 403
            case .unknownOrigin: 404
            case .conflict: 409
            case .inconsistent: 422
            }
        }

        package var description: String { message }
    }

    /// The keys with which this witness signs, and that it knows its own signatures by.
    package let keys: [WitnessKey]

    package init(keys: [WitnessKey]) { self.keys = keys }

    /// Decides about a checkpoint. `log` is what is known of its origin; `latest` the state of the log.
    ///
    /// Gives the note with those signatures of the log that were verified: what is to be cosigned.
    package static func decide(
        _ request: WitnessRequest.AddCheckpoint, log: Log?, latest: State?
    ) throws(Refusal) -> Note {
        guard let log else {
            throw Refusal(
                .unknownOrigin, "the origin \(request.checkpoint.origin.safeForTerminal) is not witnessed here")
        }
        let note: Note
        do {
            note = try request.note.verified(by: log.keys)
        } catch {
            throw Refusal(.forbidden, error.message)
        }
        let new = request.checkpoint
        guard request.oldSize <= new.size else {
            throw Refusal(.malformed, "the old size \(request.oldSize) is above the checkpoint's, \(new.size)")
        }
        // A fork is told whatever old size comes with it.
        var fork: [Note] = []
        if let latest, latest.checkpoint.size == new.size, latest.checkpoint.root != new.root {
            fork = [latest.note, note]
        }
        let known = latest?.checkpoint.size ?? 0
        guard request.oldSize == known else {
            throw Refusal(.conflict(size: known), "the latest checkpoint here is of \(known) leaves", evidence: fork)
        }
        guard fork.isEmpty else {
            throw Refusal(.inconsistent, "the log has signed two trees of \(new.size) leaves", evidence: fork)
        }
        if new.size == 0, new.root != MerkleTree.emptyRoot {
            throw Refusal(.inconsistent, "a tree without leaves has the root \(MerkleTree.emptyRoot.hex)")
        }
        do throws(LedgerError) {
            if known == 0 {
                guard request.proof.isEmpty else {
                    throw LedgerError(.malformed, "every tree begins with the empty one; the proof must be empty")
                }
            } else {
                try MerkleProof.verifyConsistency(
                    oldSize: known, oldRoot: latest?.checkpoint.root ?? MerkleTree.emptyRoot, newSize: new.size,
                    newRoot: new.root, proof: request.proof)
            }
        } catch {
            throw Refusal(.inconsistent, error.message)
        }
        return note
    }

    /// Signs what `decide` gave. A clock that went back does not take a witness's word back.
    package func cosign(_ note: Note, at now: UInt64, latest: State?) throws(LedgerError) -> State {
        let time = max(now, latest?.time ?? 1, 1)
        let checkpoint = try Checkpoint(parsing: note.text)
        var cosigned = note
        for key in keys { cosigned.append(try key.cosign(note, at: time)) }
        return State(checkpoint: checkpoint, note: cosigned, time: time)
    }

    /// The signature lines of this witness on a note, as the answer to a request.
    package func lines(of note: Note) -> String {
        note.signatures.filter { line in keys.contains { $0.noteKey.signs(line) } }.map { $0.line + "\n" }.joined()
    }

    /// Decides about a part of a tree: whether this witness has signed the tree, and the part belongs to it.
    package func decide(_ request: WitnessRequest.SignSubtree, log: Log?) throws(Refusal) {
        guard log != nil else {
            throw Refusal(
                .unknownOrigin, "the origin \(request.checkpoint.origin.safeForTerminal) is not witnessed here")
        }
        do {
            _ = try request.note.verified(by: keys.map(\.noteKey))
        } catch {
            throw Refusal(.forbidden, "this witness has not signed the checkpoint: \(error)")
        }
        do {
            try MerkleProof.verifySubtreeConsistency(
                start: request.start, end: request.end, subtreeRoot: request.hash, size: request.checkpoint.size,
                root: request.checkpoint.root, proof: request.proof)
        } catch {
            throw Refusal(.inconsistent, error.message)
        }
    }
}
