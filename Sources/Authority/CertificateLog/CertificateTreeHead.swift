package import Bytes
package import Keys
internal import Ledger
internal import Sigstore

/// The state of a certificate log, signed (RFC 6962 section 3.5).
package struct CertificateTreeHead: Hashable, Sendable {
    package let size: UInt64
    package let milliseconds: UInt64
    package let root: Digest
    /// `digitally-signed`: algorithms and signature.
    package let signature: [UInt8]

    /// Signs a state. It must be on the disk: what is signed is never taken back.
    package init(
        size: UInt64, milliseconds: UInt64, root: Digest, signer: any Signer
    ) async throws(KeyError) {
        self.size = size
        self.milliseconds = milliseconds
        self.root = root
        // Version 1, tree_hash.
        signature = try await TLSSignature.make(
            [0, 1] + TLSWriting.number(milliseconds, byteCount: 8) + TLSWriting.number(size, byteCount: 8)
                + root.bytes, by: signer)
    }

    /// The answer to get-sth.
    package var json: JSON {
        [
            "tree_size": .integer(size), "timestamp": .integer(milliseconds),
            "sha256_root_hash": .string(Base64.encode(root.bytes)),
            "tree_head_signature": .string(Base64.encode(signature)),
        ]
    }

    /// The same as a checkpoint (C2SP static-ct-api).
    package func checkpoint(origin: String, logID: [UInt8]) -> String {
        let keyID = Digest.of(Array(origin.utf8) + [0x0A, 0x05] + logID).bytes.prefix(4)
        let note = Note(
            text: Checkpoint(origin: origin, size: size, root: root).text,
            signatures: [
                Note.Signature(
                    name: origin, keyID: Array(keyID),
                    signature: TLSWriting.number(milliseconds, byteCount: 8) + signature)
            ])
        return note.description
    }
}
