import Bytes
import Keys
import Ledger
import Testing

/// The witness's decisions, by the cases of C2SP tlog-witness and of the witnesses that others run.
@Suite struct WitnessTests {
    private static func witness() throws -> Witness {
        Witness(keys: [try WitnessKey(name: "witness.example/w", key: .generate(.ed25519))])
    }

    /// A witness that has cosigned `size` leaves of `log`.
    private static func state(_ log: TestLog, _ size: Int, _ witness: Witness) throws -> Witness.State {
        let note = try Witness.decide(log.request(0, size), log: log.witnessed, latest: nil)
        return try witness.cosign(note, at: 1000, latest: nil)
    }

    private static func refusal(
        _ request: WitnessRequest.AddCheckpoint, _ log: Witness.Log?, _ latest: Witness.State?
    ) -> Witness.Refusal? {
        #expect(throws: Witness.Refusal.self) { try Witness.decide(request, log: log, latest: latest) }
    }

    @Test("checkpoints that grow are cosigned, one after the other, and the cosignatures verify")
    func grows() throws {
        let log = try TestLog()
        let witness = try Self.witness()
        var state: Witness.State?
        var old = 0
        for size in [0, 1, 1, 2, 5, 8, 31, 32] {
            let body = try log.request(old, size).body
            let request = try WitnessRequest.AddCheckpoint(parsing: body)
            let note = try Witness.decide(request, log: log.witnessed, latest: state)
            let next = try witness.cosign(note, at: 1000 + UInt64(size), latest: state)
            let cosignature = try next.note.verifyCosignature(witness.keys[0].noteKey)
            #expect(cosignature.time == next.time && cosignature.time >= 1000)
            #expect(witness.lines(of: next.note).hasPrefix("\u{2014} witness.example/w "))
            state = next
            old = size
        }
    }

    @Test("an unknown origin is 404")
    func unknownOrigin() throws {
        #expect(Self.refusal(try TestLog().request(0, 3), nil, nil)?.status == 404)
    }

    @Test("no signature of a trusted key is 403, and so is a wrong one beside a right one")
    func signatures() throws {
        let log = try TestLog()
        let stranger = try TestLog()
        #expect(Self.refusal(try stranger.request(0, 3), log.witnessed, nil)?.status == 403)
        var note = try log.note(3)
        let right = note.signatures[0]
        note.append(
            Note.Signature(name: right.name, keyID: right.keyID, signature: Array(right.signature.reversed())))
        #expect(Self.refusal(try log.request(0, 3, note: note), log.witnessed, nil)?.status == 403)
        // The same text by the right key, and a line of nobody we know, is fine; the unknown line is not kept.
        var known = try log.note(3)
        known.append(Note.Signature(name: "x.example", keyID: [9, 9, 9, 9], signature: [1, 2, 3]))
        let taken = try Witness.decide(log.request(0, 3, note: known), log: log.witnessed, latest: nil)
        #expect(taken.signatures.count == 1)
    }

    @Test("an old size above the checkpoint's is 400, one that is not the latest is 409 with the latest")
    func oldSizes() throws {
        let log = try TestLog()
        let witness = try Self.witness()
        let state = try Self.state(log, 5, witness)
        #expect(Self.refusal(try log.request(6, 5, proof: []), log.witnessed, state)?.status == 400)
        for (old, new) in [(0, 5), (0, 8), (4, 8), (6, 8), (3, 4)] {
            let refusal = Self.refusal(try log.request(old, new), log.witnessed, state)
            #expect(refusal?.status == 409 && refusal?.reason == .conflict(size: 5))
        }
        #expect(Self.refusal(try log.request(2, 5), log.witnessed, nil)?.reason == .conflict(size: 0))
    }

    @Test("a proof that does not verify, or that is there where nothing is to be proved, is 422")
    func proofs() throws {
        let log = try TestLog()
        let witness = try Self.witness()
        let state = try Self.state(log, 5, witness)
        #expect(Self.refusal(try log.request(5, 8, proof: []), log.witnessed, state)?.status == 422)
        #expect(Self.refusal(try log.request(5, 8, proof: log.consistency(4, 8)), log.witnessed, state)?.status == 422)
        #expect(
            Self.refusal(try log.request(5, 5, proof: [log.leaves[0]]), log.witnessed, state)?.status == 422)
        #expect(Self.refusal(try log.request(0, 5, proof: [log.leaves[0]]), log.witnessed, nil)?.status == 422)
        let empty = try log.note(0, root: log.leaves[0])
        #expect(Self.refusal(try log.request(0, 0, note: empty), log.witnessed, nil)?.status == 422)
    }

    @Test("two trees of one size are 422, with both notes as evidence that anybody can check")
    func fork() throws {
        let log = try TestLog()
        let evil = TestLog(forking: log)
        let state = try Self.state(log, 5, Self.witness())
        let refusal = Self.refusal(try evil.request(5, 5), log.witnessed, state)
        #expect(refusal?.status == 422)
        #expect(refusal?.evidence.count == 2)
        for note in refusal?.evidence ?? [] { try note.verify(log.noteKey) }
        let other = Self.refusal(try evil.request(0, 5), log.witnessed, state)
        #expect(other?.status == 409 && other?.evidence.count == 2)
        #expect(Self.refusal(try evil.request(5, 9), log.witnessed, state)?.status == 422)
    }

    @Test("a clock that goes back does not make a cosignature older, and no cosignature has the time 0")
    func clock() throws {
        let log = try TestLog()
        let witness = try Self.witness()
        let state = try Self.state(log, 5, witness)
        let note = try Witness.decide(log.request(5, 6), log: log.witnessed, latest: state)
        #expect(try witness.cosign(note, at: 3, latest: state).time == 1000)
        #expect(try witness.cosign(note, at: 0, latest: nil).time == 1)
    }

    @Test(
        "a request that is not as the protocol has it is refused when it is read",
        arguments: [
            "", "old 0\n", "old 00\n\n", "old -1\n\n", "old  1\n\n", "old 1 \n\n", "new 1\n\n", "old 0\nAAAA\n\n",
            "old 0\n\n\n", "old 18446744073709551616\n\n",
        ])
    func malformed(head: String) throws {
        let note = try TestLog().note(3).description
        #expect(throws: LedgerError.self) {
            try WitnessRequest.AddCheckpoint(parsing: Array((head + note).utf8))
        }
    }

    @Test("at most 63 hashes are read")
    func hashCount() throws {
        let log = try TestLog()
        let hash = log.leaves[0]
        _ = try WitnessRequest.AddCheckpoint(
            parsing: log.request(0, 3, proof: Array(repeating: hash, count: 63)).body)
        #expect(throws: LedgerError.self) {
            try WitnessRequest.AddCheckpoint(
                parsing: log.request(0, 3, proof: Array(repeating: hash, count: 64)).body)
        }
    }

    @Test("a part of a tree is signed when the witness has signed the tree and the part belongs to it")
    func subtree() throws {
        let log = try TestLog(size: 14)
        let witness = try Self.witness()
        let state = try Self.state(log, 14, witness)
        let part = MerkleTree.root(log.leaves[8..<12])
        let proof = [MerkleTree.root(log.leaves[12..<14]), MerkleTree.root(log.leaves[0..<8])]
        func request(_ range: String, _ hash: Digest, _ proof: [Digest], _ note: Note) throws
            -> WitnessRequest.SignSubtree
        {
            let hashes = ([hash] + proof).map { Base64.encode($0.bytes) + "\n" }.joined()
            return try WitnessRequest.SignSubtree(
                parsing: Array("subtree \(range)\n\(hashes)\n\(note.description)".utf8))
        }
        try witness.decide(request("8 12", part, proof, state.note), log: log.witnessed)
        #expect(throws: LedgerError.self) { try request("8 15", part, proof, state.note) }
        #expect(throws: LedgerError.self) { try request("7 11", part, proof, state.note) }
        #expect(throws: LedgerError.self) { try request("8 8", part, proof, state.note) }
        func status(_ request: WitnessRequest.SignSubtree, _ log: Witness.Log?) -> Int? {
            #expect(throws: Witness.Refusal.self) { try witness.decide(request, log: log) }?.status
        }
        #expect(status(try request("8 12", log.leaves[0], proof, state.note), log.witnessed) == 422)
        #expect(status(try request("8 12", part, proof, state.note), nil) == 404)
        #expect(status(try request("8 12", part, proof, log.note(14)), log.witnessed) == 403)
    }
}
