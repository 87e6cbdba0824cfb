package import Keys
package import Ledger

/// What a bundle must show before it is believed. There is no default signer: somebody must be named.
package struct VerificationPolicy: Sendable {
    /// A text that must be met.
    package enum Match: Sendable {
        case exactly(String)
        /// A regular expression that must match somewhere; `^` and `$` tie it to the ends.
        case pattern(String)
        /// Whatever it is, it must be there.
        case any
    }

    /// Who may have signed: every part must hold.
    package struct Identity: Sendable {
        package var issuer: Match
        package var name: Match
        /// Extensions of the certificate by their object identifiers.
        package var extensions: [(oid: String, match: Match)]

        package init(issuer: Match, name: Match, extensions: [(oid: String, match: Match)] = []) {
            self.issuer = issuer
            self.name = name
            self.extensions = extensions
        }
    }

    /// Whose signature counts.
    package enum Signer: Sendable {
        /// One of these, by a certificate.
        case identities([Identity])
        /// The holder of this key.
        case key(PublicKey)
        /// The holder of the key that the bundle's hint names, while it was in use.
        case namedKeys(NamedKeys)
    }

    /// Witnesses of whom some must have signed each checkpoint.
    package struct Quorum: Sendable {
        package var witnesses: [NoteKey]
        package var count: Int

        package init(witnesses: [NoteKey], count: Int) {
            self.witnesses = witnesses
            self.count = count
        }
    }

    package var signer: Signer
    /// How many operators' logs must hold the signature.
    package var logEntries = 1
    /// How many operators' certificate logs must have promised to hold the certificate.
    package var certificateLogs = 1
    /// How many sources must tell the time; a log with a promise is one, a timestamp authority another. A key that has
    /// no end needs none.
    package var times: Int
    /// How many of them must be timestamp authorities.
    package var timestamps = 0
    /// Whether a timestamp by somebody whom the trusted root does not have is passed over rather than refused.
    package var ignoresUnknownTimestamps = false
    /// Whether certificates above the signer's are passed over, even a root, as the first clients put them into bundles.
    /// They are never believed; it is only that a bundle must not bring them.
    package var ignoresChain = false
    package var quorum: Quorum?
    /// Whether intoto 0.0.1 entries, which hold no signature, are enough.
    package var acceptsEntriesWithoutSignature = false

    /// Whether the signer is to be known by a certificate.
    package var isByCertificate: Bool {
        if case .identities = signer { true } else { false }
    }

    package init(signer: Signer) {
        self.signer = signer
        if case .key = signer { times = 0 } else { times = 1 }
        if case .namedKeys = signer { certificateLogs = 0 }
    }
}

extension VerificationPolicy.Match {
    /// Whether `text` meets this. A pattern that is no regular expression is an error of whoever wrote the policy.
    func accepts(_ text: String) throws(SigstoreError) -> Bool {
        switch self {
        case .any: return true
        case .exactly(let expected): return text.unicodeScalars.elementsEqual(expected.unicodeScalars)
        case .pattern(let pattern):
            do {
                return try Regex(pattern).matchingSemantics(.unicodeScalar).firstMatch(in: text) != nil
            } catch {
                throw SigstoreError(.malformed, "\(pattern.debugDescription) is no regular expression: \(error)")
            }
        }
    }

    var text: String {
        switch self {
        case .any: "anything"
        case .exactly(let text): text
        case .pattern(let pattern): "a match of \(pattern)"
        }
    }
}
