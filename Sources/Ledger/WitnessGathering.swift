internal import Bytes

/// Gathers cosignatures under a checkpoint until a policy's quorum is met: what to do next, without doing it.
///
/// Whoever drives it sends each request, gives each answer back, and stops when there is an outcome; time is theirs to
/// limit. It fails closed: without a quorum there is no note.
package struct WitnessGathering: Sendable {
    /// A request to one witness, by its place in the policy.
    package struct Call: Hashable, Sendable {
        package let witness: Int
        /// The size of the witness's latest checkpoint, as far as is known: the proof must begin there.
        package let oldSize: UInt64
    }

    /// What came of it.
    package enum Outcome: Sendable {
        /// The note with the cosignatures that were gathered.
        case met(Note)
        /// The quorum can't be met any more; what each witness did instead of signing.
        case failed([String])
    }

    /// An answer of a witness.
    package enum Answer: Sendable {
        case reply(status: Int, body: [UInt8])
        /// None: refused, timed out, or of no use.
        case none(String)
    }

    private let policy: LogPolicy
    private let checkpoint: Checkpoint
    private var note: Note
    private var signed: Set<Int> = []
    private var lost: [Int: String] = [:]
    /// The witnesses that told their size once; one that does so again is given up, or a liar could keep us going.
    private var resynchronized: Set<Int> = []

    package init(_ note: Note, policy: LogPolicy) throws(LedgerError) {
        self.policy = policy
        self.note = note
        checkpoint = try Checkpoint(parsing: note.text)
        signed = try policy.witnesses(of: note)
    }

    /// The requests to begin with; `sizes` is what is remembered of the witnesses' latest checkpoints.
    package mutating func begin(sizes: [Int: UInt64]) -> [Call] {
        var calls: [Call] = []
        for (index, witness) in policy.witnesses.enumerated() where !signed.contains(index) {
            if witness.url == nil {
                lost[index] = "\(witness.name.safeForTerminal) has no address in the policy"
            } else {
                calls.append(Call(witness: index, oldSize: min(sizes[index] ?? 0, checkpoint.size)))
            }
        }
        return calls
    }

    /// Takes an answer, and gives a request to follow where there is one.
    package mutating func take(_ answer: Answer, to call: Call) -> Call? {
        let name = policy.witnesses[call.witness].name.safeForTerminal
        switch answer {
        case .none(let reason): lost[call.witness] = "\(name): \(reason)"
        case .reply(200, let body):
            do {
                try add(body, by: call.witness)
            } catch {
                lost[call.witness] = "\(name): \(error)"
            }
        case .reply(409, let body):
            guard let size = Self.size(body), resynchronized.insert(call.witness).inserted else {
                lost[call.witness] = "\(name) does not say which checkpoint it has"
                return nil
            }
            guard size <= checkpoint.size else {
                lost[call.witness] =
                    "\(name) has seen a tree of \(size) leaves, and this log has \(checkpoint.size): was it rolled back?"
                return nil
            }
            return Call(witness: call.witness, oldSize: size)
        case .reply(let status, let body):
            let text = String(decoding: body.prefix(200), as: UTF8.self).safeForTerminal
            lost[call.witness] = "\(name) answered \(status) \(text)"
        }
        return nil
    }

    /// What came of it; `nil` while answers may still come.
    package var outcome: Outcome? {
        if policy.isMet(by: signed) { return .met(note) }
        if !policy.canBeMet(without: Set(lost.keys)) { return .failed(lost.sorted { $0.key < $1.key }.map(\.value)) }
        return nil
    }

    /// What came of it when nobody waits any longer.
    package var last: Outcome {
        outcome
            ?? .failed(
                policy.witnesses.indices.filter { !signed.contains($0) }.map {
                    lost[$0] ?? "\(policy.witnesses[$0].name.safeForTerminal) did not answer in time"
                })
    }

    /// Whether somebody has seen more of this log than it has itself: the sign of a restored backup.
    package static func size(_ body: [UInt8]) -> UInt64? {
        guard body.count <= 21, body.last == 0x0A, let text = String(validating: body.dropLast(), as: UTF8.self),
            let size = UInt64(text), String(size) == text
        else { return nil }
        return size
    }

    /// Takes the lines of a known witness; those of others are passed over.
    private mutating func add(_ body: [UInt8], by index: Int) throws(LedgerError) {
        let key = policy.witnesses[index].key
        guard body.count <= Note.greatestByteCount, let text = String(validating: body, as: UTF8.self) else {
            throw LedgerError(.malformed, "the answer is no list of signatures")
        }
        let answer = try Note(parsing: note.text + "\n" + text)
        let verified = try answer.verified(by: [key])
        guard let line = verified.signatures.first, Note.time(of: line.signature).map({ $0 > 0 }) == true else {
            throw LedgerError(.malformed, "the cosignature has no time")
        }
        note.append(line)
        signed.insert(index)
    }
}
