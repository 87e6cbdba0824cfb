internal import Bytes
internal import Keys
internal import Ledger
internal import Sigstore

extension FuzzTarget {
    /// Reading files of bundles of every shape, and verifying them against a root that trusts nobody.
    static let attestation = FuzzTarget(name: "attestation") { input in
        guard let file = try? AttestationFile(parsing: input) else { return }
        let policy = VerificationPolicy(signer: .identities([.init(issuer: .any, name: .any)]))
        let verifier = Verifier(trustedRoot: TrustedRoot(), policy: policy)
        for bundle in file.bundles {
            let again = try? UnverifiedBundle(bundle.json)
            require(again?.content == bundle.content && again?.entries == bundle.entries, "a bundle reads back")
            let verified = try? verifier.verify(bundle, artifact: BytesArtifact([]))
            require(verified == nil, "nobody is trusted, so nothing is verified")
        }
    }

    /// Reading trusted roots: what is written reads back.
    static let trustedRoot = FuzzTarget(name: "trusted-root") { input in
        guard let root = try? TrustedRoot(parsing: input) else { return }
        let again = try? TrustedRoot(root.json)
        require(again?.logs.count == root.logs.count, "a trusted root reads back")
        require(again?.timestampAuthorities.count == root.timestampAuthorities.count, "a trusted root reads back")
    }

    /// Reading certificates, and everything that a verifier asks of them.
    static let certificate = FuzzTarget(name: "certificate") { input in
        guard let certificate = try? Certificate(der: input) else { return }
        require(certificate.der == input, "a certificate keeps its bytes")
        _ = try? certificate.claims()
        _ = try? certificate.signerName()
        _ = certificate.subject + certificate.issuer
        _ = try? certificate.key.get()
        _ = try? certificate.promises()
    }

    /// Reading timestamps (RFC 3161, CMS).
    static let timestamp = FuzzTarget(name: "timestamp") { input in _ = try? TimestampToken(response: input) }

    /// Reading bodies of log entries of every kind.
    static let entryBody = FuzzTarget(name: "entry-body") { input in
        for (kind, version) in [
            ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2"), ("dsse", "0.0.1"), ("dsse", "0.0.2"),
            ("intoto", "0.0.1"), ("intoto", "0.0.2"),
        ] { _ = try? LogEntryBody(parsing: input, expected: .init(kind, version)) }
    }

    /// Reading signed notes and checkpoints: what is written reads back.
    static let note = FuzzTarget(name: "note") { input in
        guard let note = try? Note(parsing: String(decoding: input, as: UTF8.self)) else { return }
        require((try? Note(parsing: note.description)) == note, "a note reads back")
        guard let checkpoint = try? Checkpoint(parsing: note.text) else { return }
        require(checkpoint.text == note.text, "a checkpoint is written as it was read")
    }

    /// Proofs of any form: inclusion of a leaf and consistency never trap, and a proof's root is its own.
    static let proof = FuzzTarget(name: "proof") { input in
        guard input.count >= 24 else { return }
        func number(_ at: Int) -> UInt64 { input[at..<at + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        let hashes = stride(from: 24, to: input.count - 31, by: 32).compactMap { Digest(input, at: $0) }
        let leaf = Digest.of(input)
        let size = number(8)
        if let root = try? MerkleProof.root(ofLeaf: leaf, at: number(0), inTreeOf: size, path: hashes) {
            let isIncluded: Void? = try? MerkleProof.verifyInclusion(
                of: leaf, at: number(0), inTreeOf: size, root: root, path: hashes)
            require(isIncluded != nil, "a proof leads to its own root")
        }
        try? MerkleProof.verifyConsistency(
            oldSize: number(16), oldRoot: leaf, newSize: size, newRoot: leaf, proof: hashes)
    }
}
