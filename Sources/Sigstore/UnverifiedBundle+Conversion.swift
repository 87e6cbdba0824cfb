internal import Attest
package import Bytes

extension UnverifiedBundle {
    /// This bundle as one of version 0.3, which holds the signer's certificate alone.
    ///
    /// Refused where an entry has no inclusion proof with a checkpoint: 0.3 must have it, and only the log can give it.
    package func upgraded() throws(SigstoreError) -> UnverifiedBundle {
        for (index, entry) in entries.enumerated() where entry.inclusionProof?.checkpoint == nil {
            throw SigstoreError(
                .unsupported,
                "log entry \(index + 1) has no inclusion proof with a checkpoint, which version 0.3 must have; fetch entry \(entry.logIndex) from its log"
            )
        }
        var bundle = self
        bundle.version = .v0_3
        if case .certificates(let chain) = identity { bundle.identity = .certificates(Array(chain.prefix(1))) }
        return bundle
    }

    /// This bundle as an attestation of the Python Package Index (PEP 740).
    package func pep740() throws(SigstoreError) -> JSON {
        guard case .envelope(let envelope) = content, envelope.payloadType.hasSameBytes(as: Statement.payloadType),
            case .certificates(let chain) = identity, let certificate = chain.first, timestamps.isEmpty
        else {
            throw SigstoreError(
                .unsupported, "PEP 740 has room for a statement, a certificate and log entries, and for nothing else")
        }
        return [
            "version": 1,
            "verification_material": [
                "certificate": .string(Base64.encode(certificate)),
                "transparency_entries": .array(entries.map(\.json)),
            ],
            "envelope": [
                "statement": .string(Base64.encode(envelope.payload)), "signature": .string(Base64.encode(signature)),
            ],
        ]
    }

    /// The DSSE envelope by itself.
    package func envelopeJSON() throws(SigstoreError) -> JSON {
        guard case .envelope(let envelope) = content else {
            throw SigstoreError(.unsupported, "the bundle holds a signature over a file, and no envelope")
        }
        return envelope.json
    }
}
