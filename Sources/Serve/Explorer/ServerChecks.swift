internal import Attest
internal import Bytes
internal import Keys
internal import Ledger
internal import Sigstore

/// What this server finds when it checks one entry of its log, step by step, as a reader's browser does after it.
struct ServerChecks {
    enum Verdict: String {
        case good, bad
        /// There is nothing to check, or not here.
        case none
    }

    struct Check {
        /// The name that the script knows the step by.
        let name: String
        let title: String
        let verdict: Verdict
        let detail: String
    }

    let checks: [Check]

    /// - Parameter tile: What the log's tiles have at the entry's place.
    init(entry: ProvenEntry, tile: Digest?, reading: EntryReading, payload: [UInt8]?, keys: [NoteKey]) {
        checks = [
            Self.checkpoint(entry, keys), Self.leaf(entry, tile), Self.root(entry), Self.statement(reading, payload),
            Self.signature(reading, payload),
        ]
    }

    private static func checkpoint(_ entry: ProvenEntry, _ keys: [NoteKey]) -> Check {
        let title = "The log has signed its checkpoint"
        do {
            let note = try Note(parsing: entry.head.checkpoint)
            for key in keys { try note.verify(key) }
            return Check(
                name: "checkpoint", title: title, verdict: .good,
                detail: "\(keys.count) signatures over \(entry.head.size) entries")
        } catch {
            return Check(name: "checkpoint", title: title, verdict: .bad, detail: "\(error)")
        }
    }

    private static func leaf(_ entry: ProvenEntry, _ tile: Digest?) -> Check {
        let hash = MerkleTree.leafHash(entry.body)
        return Check(
            name: "leaf", title: "The entry stands at its place in the log's tiles",
            verdict: hash == tile ? .good : .bad, detail: "leaf hash \(hash.hex)")
    }

    private static func root(_ entry: ProvenEntry) -> Check {
        let title = "Its path through the tree leads to the root that was signed"
        do {
            try MerkleProof.verifyInclusion(
                of: MerkleTree.leafHash(entry.body), at: entry.index, inTreeOf: entry.head.size,
                root: entry.head.root, path: entry.path)
            return Check(
                name: "root", title: title, verdict: .good,
                detail: "\(entry.path.count) hashes to \(entry.head.root.hex)")
        } catch {
            return Check(name: "root", title: title, verdict: .bad, detail: "\(error)")
        }
    }

    private static func statement(_ reading: EntryReading, _ payload: [UInt8]?) -> Check {
        let title = "The statement shown is the one that was logged"
        guard let wanted = reading.payload else {
            return Check(name: "statement", title: title, verdict: .none, detail: "the entry is about no statement")
        }
        guard let payload else {
            return Check(
                name: "statement", title: title, verdict: .none, detail: "the server keeps no copy of the statement")
        }
        let found = Digest.of(payload)
        return Check(
            name: "statement", title: title, verdict: found == wanted ? .good : .bad, detail: found.description)
    }

    private static func signature(_ reading: EntryReading, _ payload: [UInt8]?) -> Check {
        let title = "Its signature is by the key shown"
        let message: SignedMessage
        if reading.payload != nil {
            guard let payload else {
                return Check(
                    name: "signature", title: title, verdict: .none, detail: "the statement is needed for that")
            }
            message = .bytes(Envelope.preAuthenticationEncoding(type: reading.payloadType, payload: payload))
        } else if let artifact = reading.artifact {
            message = .digest(artifact)
        } else {
            return Check(name: "signature", title: title, verdict: .none, detail: "the entry holds no signature")
        }
        guard !reading.signers.isEmpty else {
            return Check(name: "signature", title: title, verdict: .bad, detail: "no signature can be read")
        }
        do {
            for signer in reading.signers {
                guard let key = signer.key else { throw KeyError(.unsupported, "a key can't be read") }
                if let details = signer.details {
                    try details.verify(signer.signature, of: message, by: key)
                } else {
                    try signer.verify(message, by: key)
                }
            }
            let names = reading.signers.compactMap(\.key).map(\.algorithm.description)
            return Check(
                name: "signature", title: title, verdict: .good, detail: names.joined(separator: ", "))
        } catch {
            return Check(name: "signature", title: title, verdict: .bad, detail: "\(error)")
        }
    }
}

extension EntryReading.Signer {
    /// Larger curves sign with the digest of their own size or, with Rekor v1, with SHA-256.
    fileprivate func verify(_ message: SignedMessage, by key: PublicKey) throws(KeyError) {
        do {
            var hash: HashAlgorithm?
            if case .digest(let digest) = message { hash = digest.algorithm }
            try key.verify(signature, of: message, hash: hash)
        } catch {
            guard case .bytes = message, key.algorithm == .ecdsaP384 || key.algorithm == .ecdsaP521 else { throw error }
            try key.verify(signature, of: message, hash: .sha256)
        }
    }
}
