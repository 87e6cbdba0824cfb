import Bytes
import Keys
import Ledger
import Testing

@Suite struct NoteSignerTests {
    static let checkpoint = Checkpoint(origin: "example.org/log", size: 7, root: Digest.of("root"))

    static func note(_ signer: NoteSigner, at time: UInt64 = 1_700_000_000_123) async throws -> Note {
        Note(text: checkpoint.text, signatures: [try await signer.line(for: checkpoint, at: time)])
    }

    @Test("a line is checked by its signer's key, and by no other", arguments: [KeyAlgorithm.ed25519, .ecdsaP256])
    func text(algorithm: KeyAlgorithm) async throws {
        let signer = NoteSigner.log(name: "example.org/log", signer: PrivateKeySigner(try .generate(algorithm)))
        let note = try await Self.note(signer)
        try Note(parsing: note.description).verify(signer.key)
        let other = NoteSigner.log(name: "example.org/log", signer: PrivateKeySigner(try .generate(algorithm)))
        #expect(throws: LedgerError.self) { try note.verify(other.key) }
        let changed = Note(text: note.text.replacing("\n7\n", with: "\n8\n"), signatures: note.signatures)
        #expect(throws: LedgerError.self) { try changed.verify(signer.key) }
    }

    @Test("a witness's line says its time")
    func cosignature() async throws {
        let signer = NoteSigner.cosignature(name: "witness", signer: PrivateKeySigner(try .generate(.ed25519)))
        #expect(try await Self.note(signer).verifyCosignature(signer.key).time == 1_700_000_000)
    }

    @Test("a certificate log's line is a tree head")
    func treeHead() async throws {
        let signer = NoteSigner.treeHead(name: "example.org/log", signer: PrivateKeySigner(try .generate(.ecdsaP256)))
        let note = try await Self.note(signer)
        try note.verify(signer.key)
        let line = note.signatures[0]
        #expect(Array(line.signature[8..<10]) == [4, 3])
        #expect(line.signature[..<8].reduce(0 as UInt64) { $0 << 8 | UInt64($1) } == 1_700_000_000_123)
        // The id covers the name, a type byte and the log's id.
        let id = Digest.of(Array("example.org/log\n".utf8) + [5] + signer.key.key.id.bytes)
        #expect(line.keyID == Array(id.bytes[..<4]))
        for index in [0, 8, 9, 11, 20] {
            var bytes = line.signature
            bytes[index] ^= 1
            let wrong = Note.Signature(name: line.name, keyID: line.keyID, signature: bytes)
            #expect(throws: LedgerError.self) { try Note(text: note.text, signatures: [wrong]).verify(signer.key) }
        }
    }
}
