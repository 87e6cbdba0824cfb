package import Bytes
internal import Host
package import Ledger
internal import Synchronization
package import Wire

/// Asks witnesses to cosign a log's checkpoints (C2SP tlog-witness), all at once and within a time.
package final class WitnessClient: Sendable {
    package let policy: LogPolicy
    /// The keys of the log itself.
    private let log: [NoteKey]
    private let transport: any HTTPTransport
    private let timeLimit: Duration
    /// The size of each witness's latest checkpoint, as far as it is known. The lock guards the table only.
    private let sizes = Mutex<[Int: UInt64]>([:])

    package init(
        policy: LogPolicy, log: [NoteKey], transport: any HTTPTransport, timeLimit: Duration = .seconds(5)
    ) {
        self.policy = policy
        self.log = log
        self.transport = transport
        self.timeLimit = timeLimit
    }

    /// Gives the consistency proof from a size to another.
    package typealias Proof = @Sendable (_ old: UInt64, _ new: UInt64) async throws -> [Digest]

    /// The note with cosignatures that meet the policy; `.unreachable` where they can't be had in time.
    package func cosign(_ note: Note, proof: @escaping Proof) async throws -> Note {
        var gathering = try WitnessGathering(note, policy: policy)
        if case .met(let note)? = gathering.outcome { return note }
        let size = try Checkpoint(parsing: note.text).size
        let calls = gathering.begin(sizes: sizes.withLock { $0 })
        let outcome = try await withThrowingTaskGroup(of: Event.self) { group in
            for call in calls { group.addTask { await self.ask(call, note, size, proof) } }
            group.addTask { [timeLimit] in
                try await Task.sleep(for: timeLimit)
                return .timeIsUp
            }
            while gathering.outcome == nil, case .answered(let call, let answer)? = try await group.next() {
                if let next = gathering.take(answer, to: call) {
                    group.addTask { await self.ask(next, note, size, proof) }
                } else {
                    remember(call, answer, size)
                }
            }
            group.cancelAll()
            return gathering.last
        }
        switch outcome {
        case .met(let note): return note
        case .failed(let reasons): throw SigstoreError(.unreachable, reasons.joined(separator: "; "))
        }
    }

    /// The latest checkpoints of this log that witnesses tell: what a copy of the log must not be behind of, or its next
    /// signature would fork it. `.unreachable` where a quorum of witnesses can't be asked.
    package func knownCheckpoints(origin: String) async throws(SigstoreError) -> [Checkpoint] {
        var asked = Set<Int>()
        var known: [Checkpoint] = []
        for (index, witness) in policy.witnesses.enumerated() {
            guard let url = witness.url,
                let address = try? HTTPURL(url).appending("\(Digest.of(origin).hex)/checkpoint"),
                let answer = try? await transport.fetch(
                    HTTPRequest(.get, address), limit: Note.greatestByteCount, deadline: timeLimit)
            else { continue }
            // A witness that has never seen the log has nothing to tell, and that is an answer.
            if answer.status == 404 { asked.insert(index) }
            guard answer.status == 200, let text = String(validating: answer.bytes, as: UTF8.self),
                let note = try? Note(parsing: text).verified(by: log),
                let checkpoint = try? Checkpoint(parsing: note.text),
                checkpoint.origin.hasSameBytes(as: origin)
            else { continue }
            asked.insert(index)
            known.append(checkpoint)
            sizes.withLock { $0[index] = checkpoint.size }
        }
        guard policy.isMet(by: asked) else {
            throw SigstoreError(
                .unreachable,
                "not enough witnesses say which of the log's checkpoints they have; is this copy the newest?")
        }
        return known
    }

    private enum Event: Sendable {
        case answered(WitnessGathering.Call, WitnessGathering.Answer)
        case timeIsUp
    }

    private func ask(
        _ call: WitnessGathering.Call, _ note: Note, _ size: UInt64, _ proof: Proof
    ) async -> Event {
        guard let url = policy.witnesses[call.witness].url else { return .answered(call, .none("has no address")) }
        do {
            let request = try WitnessRequest.AddCheckpoint(
                oldSize: call.oldSize, proof: try await proof(call.oldSize, size), note: note)
            let answer = try await transport.fetch(
                HTTPRequest(
                    .post, HTTPURL(url).appending("add-checkpoint"), fields: ["Content-Type": "text/plain"],
                    body: .bytes(request.body)), limit: Note.greatestByteCount, deadline: timeLimit)
            return .answered(call, .reply(status: answer.status, body: answer.bytes))
        } catch {
            return .answered(call, .none("\(error)"))
        }
    }

    private func remember(_ call: WitnessGathering.Call, _ answer: WitnessGathering.Answer, _ size: UInt64) {
        guard case .reply(200, _) = answer else { return }
        sizes.withLock { $0[call.witness] = size }
    }
}
