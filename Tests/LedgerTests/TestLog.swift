import Bytes
import Keys
import Ledger

/// A log of the tests: leaves, checkpoints over any number of them, and proofs.
struct TestLog {
    let origin: String
    let key: PrivateKey
    let leaves: [Digest]

    init(_ origin: String = "log.example/one", size: Int = 32, salt: String = "") throws {
        self.origin = origin
        key = try PrivateKey.generate(.ed25519)
        leaves = (0..<size).map { MerkleTree.leafHash(Array("\(salt)\($0)".utf8)) }
    }

    /// The same key over other leaves: a log that shows one tree to some and another to others.
    init(forking log: TestLog, salt: String = "fork") {
        origin = log.origin
        key = log.key
        leaves = log.leaves.indices.map { MerkleTree.leafHash(Array("\(salt)\($0)".utf8)) }
    }

    var noteKey: NoteKey { .log(name: origin, key: key.publicKey) }
    var witnessed: Witness.Log { Witness.Log(origin: origin, keys: [noteKey]) }

    func root(_ size: Int) -> Digest { MerkleTree.root(leaves[..<size]) }

    func note(_ size: Int, root: Digest? = nil) throws -> Note {
        var note = Note(text: Checkpoint(origin: origin, size: UInt64(size), root: root ?? self.root(size)).text)
        let signature = try key.signature(of: .bytes(Array(note.text.utf8)))
        note.append(Note.Signature(name: origin, keyID: noteKey.keyID, signature: signature))
        return note
    }

    /// RFC 6962, 2.1.2.
    func consistency(_ old: Int, _ new: Int) -> [Digest] {
        old == 0 || old == new ? [] : Self.subproof(old, leaves[..<new], isWhole: true)
    }

    private static func subproof(_ old: Int, _ leaves: ArraySlice<Digest>, isWhole: Bool) -> [Digest] {
        if old == leaves.count { return isWhole ? [] : [MerkleTree.root(leaves)] }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let middle = leaves.startIndex + split
        return old <= split
            ? subproof(old, leaves[..<middle], isWhole: isWhole) + [MerkleTree.root(leaves[middle...])]
            : subproof(old - split, leaves[middle...], isWhole: false) + [MerkleTree.root(leaves[..<middle])]
    }

    func request(_ old: Int, _ new: Int, proof: [Digest]? = nil, note: Note? = nil) throws
        -> WitnessRequest.AddCheckpoint
    {
        try WitnessRequest.AddCheckpoint(
            oldSize: UInt64(old), proof: proof ?? consistency(old, new), note: note ?? self.note(new))
    }
}
