import Bytes
import Keys
import Ledger
import Testing

/// Gathering cosignatures, with witnesses that answer, lie and keep silent.
@Suite struct WitnessGatheringTests {
    private let log: TestLog
    private let witnesses: [Witness]
    private let policy: LogPolicy

    init() throws {
        log = try TestLog()
        witnesses = try (0..<3).map {
            Witness(keys: [try WitnessKey(name: "w\($0).example", key: .generate(.ed25519))])
        }
        var text = "log \(log.noteKey.verifierKey ?? "")\n"
        for (index, witness) in witnesses.enumerated() {
            text += "witness W\(index) \(witness.keys[0].noteKey.verifierKey ?? "") http://w\(index).example\n"
        }
        policy = try LogPolicy(parsing: Array((text + "group G 2 W0 W1 W2\nquorum G\n").utf8))
    }

    /// What the witness of this number answers, who has seen `seen` leaves.
    private func answer(_ call: WitnessGathering.Call, seen: Int, size: Int, log: TestLog? = nil) throws
        -> WitnessGathering.Answer
    {
        let log = log ?? self.log
        let witness = witnesses[call.witness]
        var latest: Witness.State?
        if seen > 0 {
            latest = try witness.cosign(
                Witness.decide(log.request(0, seen), log: log.witnessed, latest: nil), at: 7, latest: nil)
        }
        do {
            let request = try self.log.request(Int(call.oldSize), size)
            let note = try Witness.decide(request, log: log.witnessed, latest: latest)
            let state = try witness.cosign(note, at: 9, latest: latest)
            return .reply(status: 200, body: Array(witness.lines(of: state.note).utf8))
        } catch let refusal as Witness.Refusal {
            guard case .conflict(let size) = refusal.reason else {
                return .reply(status: refusal.status, body: Array(refusal.message.utf8))
            }
            return .reply(status: 409, body: Array("\(size)\n".utf8))
        }
    }

    @Test("a quorum is met by those who answer, after those who are behind have said how far they are")
    func meets() throws {
        var gathering = try WitnessGathering(log.note(9), policy: policy)
        var calls = gathering.begin(sizes: [0: 9, 1: 4])
        #expect(calls.map(\.oldSize) == [9, 4, 0])
        while let call = calls.popLast(), gathering.outcome == nil {
            if call.witness == 2 {
                let end = gathering.take(.none("timed out"), to: call)
                #expect(end == nil)
            } else if let next = gathering.take(try answer(call, seen: 3, size: 9), to: call) {
                calls.append(next)
            }
        }
        guard case .met(let note) = gathering.outcome else {
            Issue.record("the quorum is not met")
            return
        }
        #expect(try policy.verify(note).size == 9)
        #expect(note.signatures.count == 3)
    }

    @Test("without a quorum there is no note, and the reasons are told")
    func failsClosed() throws {
        var gathering = try WitnessGathering(log.note(9), policy: policy)
        let calls = gathering.begin(sizes: [:])
        #expect(gathering.outcome == nil)
        _ = gathering.take(.none("connection refused"), to: calls[0])
        #expect(gathering.outcome == nil)
        _ = gathering.take(.reply(status: 403, body: Array("no\u{1B}[2J".utf8)), to: calls[1])
        guard case .failed(let reasons) = gathering.outcome else {
            Issue.record("it goes on without a quorum")
            return
        }
        #expect(reasons.count == 2)
        #expect(reasons.allSatisfy { !$0.contains("\u{1B}") })
        // Time is up before anybody has answered.
        var late = try WitnessGathering(log.note(9), policy: policy)
        _ = late.begin(sizes: [:])
        guard case .failed(let silent) = late.last else {
            Issue.record("silence is taken for consent")
            return
        }
        #expect(silent.count == 3)
    }

    @Test("a witness that lies about signatures or sizes counts as none")
    func liars() throws {
        func reply(_ status: Int, _ text: String) -> WitnessGathering.Answer {
            .reply(status: status, body: Array(text.utf8))
        }
        let other = try log.note(5)
        let stranger = try WitnessKey(name: "w0.example", key: .generate(.ed25519))
        let lines = [
            "", "\n", "nothing\n", try witnesses[0].keys[0].cosign(other, at: 3).line + "\n",
            try stranger.cosign(log.note(9), at: 3).line + "\n",
            try witnesses[0].keys[0].cosign(log.note(9), at: 0).line + "\n",
            try witnesses[1].keys[0].cosign(log.note(9), at: 4).line + "\n",
        ]
        for line in lines {
            var gathering = try WitnessGathering(log.note(9), policy: policy)
            let call = gathering.begin(sizes: [:])[0]
            let end = gathering.take(reply(200, line), to: call)
            #expect(end == nil)
            #expect(gathering.policyIsUnmet)
        }
        for body in ["", "x\n", "3", "03\n", "10\n", "-1\n", "3\n3\n"] {
            var gathering = try WitnessGathering(log.note(9), policy: policy)
            let call = gathering.begin(sizes: [:])[0]
            let end = gathering.take(reply(409, body), to: call)
            #expect(end == nil)
        }
        // Who names one size after the other is asked twice, not for ever.
        var gathering = try WitnessGathering(log.note(9), policy: policy)
        let call = gathering.begin(sizes: [:])[0]
        let following = gathering.take(reply(409, "3\n"), to: call)
        let next = try #require(following)
        #expect(next.oldSize == 3)
        let end = gathering.take(reply(409, "4\n"), to: next)
        #expect(end == nil)
    }

    @Test("a witness of the other side of a fork does not sign")
    func fork() throws {
        let evil = TestLog(forking: log)
        var gathering = try WitnessGathering(log.note(9), policy: policy)
        let call = gathering.begin(sizes: [:])[0]
        let following = gathering.take(try answer(call, seen: 9, size: 9, log: evil), to: call)
        let next = try #require(following)
        let end = gathering.take(try answer(next, seen: 9, size: 9, log: evil), to: next)
        #expect(end == nil)
        #expect(gathering.policyIsUnmet)
    }
}

extension WitnessGathering {
    fileprivate var policyIsUnmet: Bool {
        if case .met = outcome { false } else { true }
    }
}
