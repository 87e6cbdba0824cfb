package import Attest
internal import Bytes
package import Keys

/// Whoever puts statements into signed envelopes.
package protocol EnvelopeSigner: Sendable {
    /// The key that checks the envelopes.
    var publicKey: PublicKey { get }
    /// How signatures of an RSA key are padded.
    var padding: RSAPadding { get }

    /// The envelope around the exact bytes of an in-toto statement, with one signature.
    func envelope(around statement: [UInt8]) async throws(KeyError) -> Envelope
}

/// Signs statements with a key that this process can reach (DSSE v1.0.2).
package struct DSSESigner: EnvelopeSigner {
    private let signer: any Signer

    package init(_ signer: any Signer) {
        self.signer = signer
    }

    package var publicKey: PublicKey { signer.publicKey }
    package var padding: RSAPadding { signer.padding }

    package func envelope(around statement: [UInt8]) async throws(KeyError) -> Envelope {
        // A signer that takes anything could be made to sign a document of another kind.
        guard (try? Statement(parsing: statement)) != nil else {
            throw KeyError(.malformed, "what should be signed is no in-toto statement")
        }
        let unsigned = Envelope(payloadType: Statement.payloadType, payload: statement)
        return unsigned.signed(by: publicKey, try await signer.sign(.bytes(unsigned.signedBytes)))
    }
}

extension Envelope {
    /// This envelope with a signature in place of those that it has. The key's id is the SHA-256 digest of its
    /// SubjectPublicKeyInfo, a hint for whoever has several keys.
    package func signed(by key: PublicKey, _ signature: [UInt8]) -> Envelope {
        Envelope(
            payloadType: payloadType, payload: payload,
            signatures: [Signature(keyID: key.id.hex, signature: signature)])
    }

    /// Checks that `key` made one of the signatures.
    package func verify(by key: PublicKey, padding: RSAPadding) throws(KeyError) {
        var failure = KeyError(.invalidSignature, "the envelope has no signature")
        for signature in signatures.prefix(64) {
            do {
                return try key.verify(signature.signature, of: .bytes(signedBytes), padding: padding)
            } catch {
                failure = error
            }
        }
        throw failure
    }
}

extension UnverifiedBundle {
    /// A bundle 0.3 around an envelope that the holder of `key` signed, without a log entry or timestamp.
    package init(_ envelope: Envelope, signedBy key: PublicKey) {
        self.init(
            identity: .publicKey(hint: Base64.encode(key.id.bytes)), entries: [], timestamps: [],
            content: .envelope(envelope))
    }
}
