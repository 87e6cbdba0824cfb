import Bytes
import Keys
import Ledger
import Testing

@Suite struct NoteTests {
    /// The example of C2SP tlog-tiles' reference log, transparency-dev/tessera `testdata/log`.
    static let key = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

    @Test("a verifier key is read and written back")
    func verifierKey() throws {
        #expect(try NoteKey(verifierKey: Self.key).verifierKey == Self.key)
        #expect(throws: LedgerError.self) {
            try NoteKey(verifierKey: Self.key.replacing("33d7b496", with: "33d7b497"))
        }
    }

    @Test(
        "a note that is not one text, one empty line and signature lines is refused",
        arguments: [
            "", "\n", "a\n", "a\n\n", "a\nb\n\n\u{2014} x AAAAAAAA", "\n\n\u{2014} x AAAAAAAA\n",
            "a\n\n\u{2014} x AAAAAAAA\n\n", "a\n\nb\n\n\u{2014} x AAAAAAAA\n", "a\n\n- x AAAAAAAA\n",
            "a\n\n\u{2014} x  AAAAAAAA\n", "a\n\n\u{2014} x AAAA\n", "a\n\n\u{2014} x+y AAAAAAAA\n",
            "a\r\n\n\u{2014} x AAAAAAAA\n",
        ])
    func malformed(text: String) {
        let error = #expect(throws: LedgerError.self) { try Note(parsing: text) }
        #expect(error?.code == .malformed)
    }

    @Test("a checkpoint says the same when it is written back")
    func checkpoint() throws {
        let text = "example.org/log\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n"
        let checkpoint = try Checkpoint(parsing: text)
        #expect(checkpoint.origin == "example.org/log")
        #expect(checkpoint.size == 7)
        #expect(checkpoint.root == MerkleTree.emptyRoot)
        #expect(checkpoint.extensions == ["more"])
        #expect(checkpoint.text == text)
        for wrong in [
            "\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "o\n07\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
            "o\n7\nAAAA\n", "o\n7\n", "o\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        ] {
            #expect(throws: LedgerError.self) { try Checkpoint(parsing: wrong) }
        }
    }
}
