package import Attest
internal import Bytes
internal import Keys

/// Whoever signs statements and gives bundles: with a key of its own, or as the owner of a token.
package protocol BundleSigner: Sendable {
    /// Who signs, in a line. Signatures are remembered under it, so it must differ where signers differ.
    var name: String { get }

    /// A bundle with the envelope around the exact bytes of an in-toto statement.
    func bundle(around statement: [UInt8]) async throws -> UnverifiedBundle

    /// The same for a statement beside the provenance of its subjects, from which a certificate takes its claims.
    func bundle(around statement: [UInt8], beside provenance: [UInt8]) async throws -> UnverifiedBundle

    /// Throws where this signer would not have made `bundle`, which somebody remembered: it is then signed anew.
    func check(_ bundle: UnverifiedBundle) throws
}

extension BundleSigner {
    package func bundle(around statement: [UInt8], beside provenance: [UInt8]) async throws -> UnverifiedBundle {
        try await bundle(around: statement)
    }
}

/// Bundles by the holder of a key alone: in no log, and of no time.
package struct EnvelopeBundles: BundleSigner {
    private let signer: any EnvelopeSigner

    package init(_ signer: any EnvelopeSigner) { self.signer = signer }

    package var name: String { "\(signer.publicKey.id.hex)\n\(signer.padding.name)" }

    package func bundle(around statement: [UInt8]) async throws -> UnverifiedBundle {
        UnverifiedBundle(try await signer.envelope(around: statement), signedBy: signer.publicKey)
    }

    package func check(_ bundle: UnverifiedBundle) throws {
        guard case .envelope(let envelope) = bundle.content else {
            throw SigstoreError(.malformed, "the bundle holds no envelope")
        }
        try envelope.verify(by: signer.publicKey, padding: signer.padding)
    }
}

extension UnverifiedBundle {
    /// The envelope; `nil` where the signature is over an artifact that is elsewhere.
    package var envelope: Envelope? {
        if case .envelope(let envelope) = content { envelope } else { nil }
    }

    /// One line of a provenance bundle: the envelope, and beside its members what a verifier needs to believe it.
    /// Readers of envelopes pass over members that they don't know (DSSE, `envelope.md`).
    package var envelopeLine: [UInt8]? {
        guard let envelope else { return nil }
        var object = envelope.json.objectValue ?? JSONObject()
        // A key's hint is in the signature already.
        if case .publicKey = identity, entries.isEmpty, timestamps.isEmpty { return envelope.line }
        object["verificationMaterial"] = json["verificationMaterial"]
        return JSON.object(object).bytes()
    }
}
