package import Attest
package import Bytes
package import Keys

/// A bundle that `Verifier` has been through. Nothing else can make one.
package struct VerifiedBundle: Sendable {
    /// Who signed.
    package enum Signer: Sendable {
        case certificate(Certificate, issuer: String, name: Certificate.SubjectAlternativeName)
        case key(PublicKey)
    }

    /// Who told a time.
    package struct Time: Hashable, Sendable {
        package enum Source: Hashable, Sendable {
            case log(String)
            case authority(String)
        }

        package let moment: Timestamp
        package let source: Source
    }

    package let signer: Signer
    /// When the signature existed, by everyone who said so.
    package let times: [Time]
    package let entries: [LogEntry]
    /// The envelope with the exact bytes that were signed; `nil` where the signature is over an artifact.
    package let envelope: Envelope?
    /// The statement in the envelope, where that is what it holds.
    package let statement: Statement?
    package let report: VerificationReport

    init(
        signer: Signer, times: [Time], entries: [LogEntry], envelope: Envelope?, statement: Statement?,
        report: VerificationReport
    ) {
        self.signer = signer
        self.times = times
        self.entries = entries
        self.envelope = envelope
        self.statement = statement
        self.report = report
    }
}
