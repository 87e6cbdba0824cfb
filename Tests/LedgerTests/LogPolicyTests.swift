import Bytes
import Keys
import Ledger
import Testing

@Suite struct LogPolicyTests {
    private struct Setting {
        let log: TestLog
        let witnesses: [WitnessKey]

        init(_ count: Int) throws {
            log = try TestLog()
            witnesses = try (0..<count).map { try WitnessKey(name: "w\($0).example", key: .generate(.ed25519)) }
        }

        /// The lines for log and witnesses.
        var head: String {
            var text = "# who is believed\n\nlog \(log.noteKey.verifierKey ?? "") https://log.example\n"
            for (index, witness) in witnesses.enumerated() {
                text += "\t witness W\(index)  \(witness.noteKey.verifierKey ?? "")\thttps://w\(index).example\n"
            }
            return text
        }

        func policy(_ rest: String) throws -> LogPolicy { try LogPolicy(parsing: Array((head + rest).utf8)) }

        func note(by signed: [Int]) throws -> Note {
            var note = try log.note(7)
            for index in signed { note.append(try witnesses[index].cosign(note, at: 1_700_000_000)) }
            return note
        }
    }

    @Test("two levels of groups are counted as the specification's example has it")
    func groups() throws {
        let setting = try Setting(6)
        let policy = try setting.policy(
            "group X 2 W0 W1 W2\ngroup Y any W3 W4 W5\ngroup XY all X Y\nquorum XY\n")
        for (signed, isEnough) in [
            ([0, 1, 3], true), ([0, 2, 5], true), ([0, 1, 2, 3, 4, 5], true), ([0, 1], false), ([0, 3, 4, 5], false),
            ([], false), ([3, 4, 5], false),
        ] {
            let note = try setting.note(by: signed)
            if isEnough {
                #expect(try policy.verify(note).size == 7)
            } else {
                #expect(throws: LedgerError.self) { try policy.verify(note) }
            }
        }
        #expect(policy.canBeMet(without: [0, 3, 4]))
        #expect(!policy.canBeMet(without: [0, 1]))
        #expect(!policy.canBeMet(without: [3, 4, 5]))
    }

    @Test("quorum none asks for no witness, but the log must sign, under its own name")
    func none() throws {
        let setting = try Setting(0)
        let policy = try setting.policy("quorum none\n")
        #expect(try policy.verify(setting.note(by: [])).origin == "log.example/one")
        let stranger = try TestLog("log.example/two")
        #expect(throws: LedgerError.self) { try policy.verify(stranger.note(3)) }
        #expect(throws: LedgerError.self) { try policy.verify(TestLog().note(3)) }
    }

    @Test("a known witness's signature that is wrong rejects the note, whatever the others say")
    func wrongSignature() throws {
        let setting = try Setting(2)
        let policy = try setting.policy("group G any W0 W1\nquorum G\n")
        var note = try setting.note(by: [0])
        let line = try setting.witnesses[1].cosign(note, at: 5)
        note.append(Note.Signature(name: line.name, keyID: line.keyID, signature: Array(line.signature.reversed())))
        #expect(throws: LedgerError.self) { try policy.verify(note) }
    }

    @Test("32 logs, witnesses and groups are read")
    func many() throws {
        var text = ""
        for index in 0..<32 {
            let log = NoteKey.log(name: "l\(index)", key: try PrivateKey.generate(.ed25519).publicKey)
            let witness = try WitnessKey(name: "w\(index)", key: .generate(.ed25519))
            text += "log \(log.verifierKey ?? "")\nwitness w\(index) \(witness.noteKey.verifierKey ?? "")\n"
            text += "group g\(index) all w\(index)\(index > 0 ? " g\(index - 1)" : "")\n"
        }
        let policy = try LogPolicy(parsing: Array((text + "quorum g31\n").utf8))
        #expect(policy.logs.count == 32 && policy.witnesses.count == 32)
        #expect(policy.isMet(by: Set(0..<32)))
        #expect(!policy.isMet(by: Set(1..<32)))
    }

    @Test(
        "policies that say nothing, or two things, are refused",
        arguments: [
            "", "quorum none\nquorum none\n", "quorum W0\nquorum none\n", "quorum nobody\n", "quorum none",
            "group none any W0\nquorum none\n", "group W0 any W1\nquorum none\n", "group G any none\nquorum none\n",
            "group G 0 W0\nquorum none\n", "group G 2 W0\nquorum none\n", "group G 01 W0\nquorum none\n",
            "group G any\nquorum none\n", "group G any W0 W0\nquorum G\n",
            "group G any W0\ngroup H any W0\nquorum H\n", "group G any H\ngroup H any W0\nquorum G\n",
            "group G any G\nquorum G\n", "quorum none extra\n", "wtiness W9 x\nquorum none\n", "quorum none\r\n",
            "quorum \u{7F}\n",
        ])
    func refused(rest: String) throws {
        let setting = try Setting(2)
        #expect(throws: LedgerError.self) { try setting.policy(rest) }
    }

    @Test("the same key twice is refused, under another name too; keys of the wrong kind are")
    func duplicates() throws {
        let setting = try Setting(1)
        let key = try PrivateKey.generate(.ed25519)
        let one = NoteKey.log(name: "one", key: key.publicKey).verifierKey ?? ""
        let two = NoteKey.log(name: "two", key: key.publicKey).verifierKey ?? ""
        #expect(throws: LedgerError.self) { try setting.policy("log \(one)\nlog \(two)\nquorum none\n") }
        #expect(throws: LedgerError.self) { try setting.policy("witness X \(one)\nquorum none\n") }
        let witness = try WitnessKey(name: "a", key: key).noteKey.verifierKey ?? ""
        let again = try WitnessKey(name: "b", key: key).noteKey.verifierKey ?? ""
        #expect(throws: LedgerError.self) {
            try setting.policy("witness A \(witness)\nwitness B \(again)\nquorum none\n")
        }
        #expect(throws: LedgerError.self) { try setting.policy("log \(witness)\nquorum none\n") }
    }

    @Test("names are bytes: the Kelvin sign is no K")
    func names() throws {
        let setting = try Setting(1)
        let key = setting.witnesses[0].noteKey.verifierKey ?? ""
        let text = "witness K \(key)\nquorum \u{212A}\n"
        #expect(throws: LedgerError.self) { try LogPolicy(parsing: Array(text.utf8)) }
    }

    @Test("a proof file says the same when it is written back, and verifies for its leaf alone")
    func proofFile() throws {
        let setting = try Setting(1)
        let policy = try setting.policy("quorum W0\n")
        let log = setting.log
        for extra in [nil, [1, 2, 3]] as [[UInt8]?] {
            let proof = LogProof(
                index: 4, path: MerkleTree.path(ofLeaf: 4, in: log.leaves[..<7]), note: try setting.note(by: [0]),
                extra: extra)
            let again = try LogProof(parsing: Array(proof.text.utf8))
            #expect(again == proof && again.text == proof.text)
            #expect(try again.verify(leaf: log.leaves[4], policy: policy).size == 7)
            #expect(throws: LedgerError.self) { try again.verify(leaf: log.leaves[5], policy: policy) }
            let unwitnessed = LogProof(index: 4, path: again.path, note: try log.note(7))
            #expect(throws: LedgerError.self) { try unwitnessed.verify(leaf: log.leaves[4], policy: policy) }
        }
        let text = LogProof(index: 0, path: [], note: try log.note(1)).text
        for (old, new) in [("@v1", "@v2"), ("index 0", "index 00"), ("index 0", "extra \nindex"), ("\n\n", "\n")] {
            #expect(throws: LedgerError.self) {
                try LogProof(parsing: Array(text.replacing(old, with: new, maxReplacements: 1).utf8))
            }
        }
    }
}
