internal import Bytes
package import Keys

/// A key that signs checkpoints, under the name and key id that its lines carry.
package struct NoteSigner: Sendable {
    /// The line's form (C2SP signed-note, type bytes).
    package enum Kind: Hashable, Sendable {
        /// Over the text: Ed25519 (0x01), ECDSA (0x02), RSA (0xFF).
        case text
        /// A time in seconds and an Ed25519 signature over it and the text, by a witness (0x04).
        case cosignature
        /// A time in milliseconds and a TreeHeadSignature (RFC 6962 section 3.5, static-ct-api; 0x05).
        case treeHead
    }

    package let name: String
    package let kind: Kind
    private let signer: any Signer

    private init(name: String, kind: Kind, signer: any Signer) {
        self.name = name
        self.kind = kind
        self.signer = signer
    }

    /// A log's own signature over the text of its checkpoints.
    package static func log(name: String, signer: any Signer) -> NoteSigner {
        NoteSigner(name: name, kind: .text, signer: signer)
    }

    /// A certificate log's signature over its tree head.
    package static func treeHead(name: String, signer: any Signer) -> NoteSigner {
        NoteSigner(name: name, kind: .treeHead, signer: signer)
    }

    /// A witness's Ed25519 cosignature.
    package static func cosignature(name: String, signer: any Signer) -> NoteSigner {
        NoteSigner(name: name, kind: .cosignature, signer: signer)
    }

    /// What checks the lines.
    package var key: NoteKey {
        switch kind {
        case .text: .log(name: name, key: signer.publicKey)
        case .cosignature: .witness(name: name, ed25519: signer.publicKey)
        case .treeHead: .treeHead(name: name, key: signer.publicKey)
        }
    }

    /// The line over `checkpoint`, at a time in milliseconds since 1970.
    package func line(for checkpoint: Checkpoint, at milliseconds: UInt64) async throws(KeyError) -> Note.Signature {
        let signature: [UInt8]
        switch kind {
        case .text: signature = try await signer.sign(.bytes(Array(checkpoint.text.utf8)))
        case .cosignature:
            let seconds = milliseconds / 1000
            let message = Note.cosigned(checkpoint.text, time: seconds)
            signature = TreeHeadSignature.bytes(of: seconds) + (try await signer.sign(.bytes(message)))
        case .treeHead:
            let message = TreeHeadSignature.message(checkpoint, milliseconds: milliseconds)
            signature = TreeHeadSignature.encode(
                try await signer.sign(.bytes(message)), by: signer.publicKey.algorithm, milliseconds: milliseconds)
        }
        return Note.Signature(name: name, keyID: key.keyID, signature: signature)
    }
}

/// The signature of a certificate log over its tree (RFC 6962 section 3.5) and its form in a note (static-ct-api).
enum TreeHeadSignature {
    /// What is signed.
    static func message(_ checkpoint: Checkpoint, milliseconds: UInt64) -> [UInt8] {
        // Version v1, type tree_hash.
        [0, 1] + bytes(of: milliseconds) + bytes(of: checkpoint.size) + checkpoint.root.bytes
    }

    /// The time and the signature as TLS has it (RFC 5246 section 4.7), with SHA-256.
    static func encode(_ signature: [UInt8], by algorithm: KeyAlgorithm, milliseconds: UInt64) -> [UInt8] {
        bytes(of: milliseconds) + [4, type(of: algorithm)]
            + [UInt8(truncatingIfNeeded: signature.count >> 8), UInt8(truncatingIfNeeded: signature.count)] + signature
    }

    /// The time and the signature in a line by a key of `algorithm`; `nil` where it has another form.
    static func parse(
        _ line: [UInt8], by algorithm: KeyAlgorithm
    ) -> (milliseconds: UInt64, signature: [UInt8])? {
        guard line.count >= 12, line[8] == 4, line[9] == type(of: algorithm),
            line.count == 12 + Int(line[10]) << 8 + Int(line[11])
        else { return nil }
        return (line[..<8].reduce(0) { $0 << 8 | UInt64($1) }, Array(line[12...]))
    }

    static func bytes(of value: UInt64) -> [UInt8] {
        stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func type(of algorithm: KeyAlgorithm) -> UInt8 {
        if case .rsa = algorithm { return 1 }
        return 3
    }
}
