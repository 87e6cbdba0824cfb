internal import Attest
package import Bytes

/// slsa-verifier's `verify-vsa`, in its order and with its errors.
package struct SLSAVerifierSummary: Sendable {
    package var subjectDigests: [String]
    package var verifierID: String
    package var resourceURI: String
    package var verifiedLevels: [String]

    package init(subjectDigests: [String], verifierID: String, resourceURI: String, verifiedLevels: [String]) {
        self.subjectDigests = subjectDigests
        self.verifierID = verifierID
        self.resourceURI = resourceURI
        self.verifiedLevels = verifiedLevels
    }

    /// Checks a summary whose signature has been verified with the verifier's key.
    package func verify(_ evidence: Evidence, at now: Timestamp) throws(SLSAVerifierError) {
        guard !subjectDigests.isEmpty else { throw SLSAVerifierError(.missingSubjectDigest, "no digest is given") }
        guard let statement = evidence.statement, statement.predicateType == VerificationSummary.predicateType else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the predicate is no verification summary")
        }
        guard let summary = evidence.summary else { throw Self.malformed(statement) }
        let wanted = try verifiedLevels.map { text throws(SLSAVerifierError) in try Self.level(text) }
        for level in summary.verifiedLevels { _ = try Self.level(level) }
        let verification = SummaryVerification(
            evidence,
            SummaryVerification.Expectation(
                subject: PolicySubject(name: "", digests: subjectDigests), verifier: verifierID,
                resource: .exactly(resourceURI), levels: wanted, needsAllDigests: true),
            isTrustedSigner: true, signer: "the key", at: now)
        for finding in verification.findings where !finding.isMet {
            let identity: SLSAVerifierError.Identity =
                switch finding.step {
                case .signature: .noValidSignature
                case .subject: .missingSubjectDigest
                case .predicateType: .invalidDSSEPayload
                case .verifier: .mismatchVerifierID
                case .resource: .mismatchResourceURI
                case .result: .invalidVerificationResult
                case .levels, .age: .mismatchVerifiedLevels
                }
            throw SLSAVerifierError(identity, "expected \(finding.expected), got \(finding.got)")
        }
    }

    /// A level of SLSA has a track and a number; other words are their own.
    private static func level(_ text: String) throws(SLSAVerifierError) -> VerifiedLevel {
        let level = VerifiedLevel(text)
        if case .property = level, text.hasPrefix("SLSA_"), text.contains("_LEVEL_") {
            throw SLSAVerifierError(.invalidSLSALevel, text)
        }
        return level
    }

    private static func malformed(_ statement: Statement) -> SLSAVerifierError {
        for path in [["verifier", "id"], ["resourceUri"], ["verificationResult"]] {
            let value = path.reduce(Optional(statement.predicate)) { $0?[$1] }
            if value?.stringValue?.isEmpty ?? true {
                return SLSAVerifierError(.emptyRequiredField, path.joined(separator: "."))
            }
        }
        return SLSAVerifierError(.invalidDSSEPayload, "the summary can't be read")
    }
}
