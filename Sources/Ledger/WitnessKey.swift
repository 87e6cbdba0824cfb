package import Keys

/// The key with which a witness cosigns, under its name. It is in memory, for it is asked while a log's state is locked.
package struct WitnessKey: Sendable {
    package let name: String
    package let noteKey: NoteKey
    private let key: PrivateKey

    /// Takes an Ed25519 key.
    package init(name: String, key: PrivateKey) throws(LedgerError) {
        guard key.publicKey.ed25519Bytes != nil else {
            throw LedgerError(.malformed, "a witness signs with Ed25519, and its key is \(key.algorithm)")
        }
        self.name = name
        self.key = key
        noteKey = .witness(name: name, ed25519: key.publicKey)
    }

    /// The signature line under a note, at a time in seconds since 1970.
    package func cosign(_ note: Note, at time: UInt64) throws(LedgerError) -> Note.Signature {
        do {
            let signature = try key.signature(of: .bytes(Note.cosigned(note.text, time: time)))
            let timestamp = (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * UInt64($0))) }
            return Note.Signature(name: name, keyID: noteKey.keyID, signature: timestamp + signature)
        } catch {
            throw LedgerError(.malformed, "the checkpoint can't be cosigned: \(error)")
        }
    }
}
