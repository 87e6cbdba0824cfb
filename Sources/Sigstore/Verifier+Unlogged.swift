package import Attest

/// Envelopes whose time nobody told, such as those that are in a log which nobody may ask.
extension Verifier {
    /// What somebody signed whose certificate was good when it was issued. That it was still good when they signed is
    /// not known, so this proves nothing: it is there to tell what can be refused from what can't be decided.
    package struct Examination: Sendable {
        package let certificate: Certificate
        package let envelope: Envelope
    }

    /// Checks everything but log entries and times of a bundle with a certificate.
    package func examine(_ bundle: UnverifiedBundle) throws(VerificationFailure) -> Examination {
        var run = VerificationRun(verifier: self, bundle: bundle, artifact: nil)
        run.checkForm()
        run.checkSigner()
        if let certificate = run.certificate {
            run.times = [VerifiedBundle.Time(moment: certificate.notBefore, source: .log(""))]
        }
        run.checkCertificate()
        run.checkIdentity()
        run.checkSignature()
        guard run.report.hasPassed, let certificate = run.certificate, case .envelope(let envelope) = bundle.content
        else { throw VerificationFailure(report: run.report) }
        return Examination(certificate: certificate, envelope: envelope)
    }
}
