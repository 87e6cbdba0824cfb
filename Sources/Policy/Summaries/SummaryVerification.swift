package import Attest
package import Bytes

/// The verification of a summary, step by step (slsa.dev/spec/v1.2/verification_summary, "How to verify").
package struct SummaryVerification: Sendable {
    package enum Step: Int, Sendable, CaseIterable {
        case signature = 1, subject, predicateType, verifier, resource, result, levels
        /// Not one of the standard's seven; asked for by policies.
        case age

        package var title: String {
            switch self {
            case .signature: "the summary is signed by the verifier's signer"
            case .subject: "the artifact is a subject"
            case .predicateType: "the statement is a verification summary"
            case .verifier: "the verifier is the one that the signer may speak for"
            case .resource: "the resource is the one that was asked for"
            case .result: "the verification passed"
            case .levels: "the verified levels reach those that were asked for"
            case .age: "the summary is not too old"
            }
        }

        package var field: String {
            switch self {
            case .signature: "signature"
            case .subject: "subject"
            case .predicateType: "predicateType"
            case .verifier: "verifier.id"
            case .resource: "resourceUri"
            case .result: "verificationResult"
            case .levels: "verifiedLevels"
            case .age: "timeVerified"
            }
        }
    }

    package struct Finding: Sendable {
        package var step: Step
        package var isMet: Bool
        package var expected: String
        package var got: String
    }

    /// What somebody asks of a summary.
    package struct Expectation: Sendable {
        package var subject: PolicySubject
        package var verifier: String
        package var resource: ArtifactPolicy.TextRule?
        package var levels: [VerifiedLevel]
        package var greatestAge: Duration?

        package init(
            subject: PolicySubject, verifier: String, resource: ArtifactPolicy.TextRule?, levels: [VerifiedLevel],
            greatestAge: Duration? = nil
        ) {
            self.subject = subject
            self.verifier = verifier
            self.resource = resource
            self.levels = levels
            self.greatestAge = greatestAge
        }
    }

    package let evidence: Evidence
    package let findings: [Finding]
    /// What the summary says; nothing where it is none.
    package let levels: [VerifiedLevel]

    /// All steps are met.
    package var isVerified: Bool { findings.allSatisfy(\.isMet) }

    /// All steps but that about levels are met.
    package var isPassed: Bool { findings.allSatisfy { $0.isMet || $0.step == .levels } }

    /// Verifies what a verified bundle holds.
    ///
    /// - Parameter isTrustedSigner: whether the signer may speak for the verifier that is expected.
    package init(
        _ evidence: Evidence, _ expectation: Expectation, isTrustedSigner: Bool, signer: String, at now: Timestamp
    ) {
        self.evidence = evidence
        var findings = [
            Finding(step: .signature, isMet: isTrustedSigner, expected: signer, got: evidence.signer.text)
        ]
        let wanted = expectation.subject.digests
        let isSubject = wanted.contains(where: evidence.digests.contains)
        findings.append(
            Finding(
                step: .subject, isMet: isSubject, expected: wanted.joined(separator: ", "),
                got: evidence.digests.sorted().prefix(4).joined(separator: ", ")))
        let type = evidence.statement?.predicateType ?? "no statement"
        let isSummary = type.hasSameBytes(as: VerificationSummary.predicateType)
        findings.append(
            Finding(
                step: .predicateType, isMet: isSummary, expected: VerificationSummary.predicateType, got: type))
        guard let summary = evidence.summary else {
            levels = []
            var reason = "nothing"
            if case .malformed(_, let problem) = evidence.content { reason = problem }
            for step in [Step.verifier, .resource, .result, .levels] {
                findings.append(Finding(step: step, isMet: false, expected: "a summary", got: reason))
            }
            self.findings = findings
            return
        }
        levels = summary.verifiedLevels.map { VerifiedLevel($0) }
        findings.append(
            Finding(
                step: .verifier, isMet: summary.verifierID.hasSameBytes(as: expectation.verifier),
                expected: expectation.verifier, got: summary.verifierID))
        findings.append(
            Finding(
                step: .resource, isMet: expectation.resource?.accepts(summary.resourceURI) ?? true,
                expected: expectation.resource?.text ?? "anything", got: summary.resourceURI))
        findings.append(
            Finding(
                step: .result, isMet: summary.result == .passed,
                expected: VerificationSummary.Result.passed.rawValue, got: summary.result.rawValue))
        let found = levels
        findings.append(
            Finding(
                step: .levels, isMet: expectation.levels.allSatisfy { $0.isReached(by: found) },
                expected: expectation.levels.isEmpty
                    ? "any" : expectation.levels.map(\.description).joined(separator: ", "),
                got: summary.verifiedLevels.isEmpty ? "none" : summary.verifiedLevels.joined(separator: ", ")))
        if let greatest = expectation.greatestAge {
            findings.append(Self.age(summary.timeVerified, greatest, now))
        }
        self.findings = findings
    }

    private static func age(_ moment: Timestamp?, _ greatest: Duration, _ now: Timestamp) -> Finding {
        var isMet = false
        if let moment, moment.seconds <= now.seconds + 300, let age = ExpressionDuration.difference(now, moment) {
            isMet = age <= greatest
        }
        return Finding(
            step: .age, isMet: isMet, expected: "at most \(ExpressionDuration.spoken(greatest)) before \(now)",
            got: moment?.description ?? "no time")
    }

    /// The steps as rules of a decision.
    var rules: [Decision.Rule] {
        findings.map { finding in
            Decision.Rule(
                code: .summary, outcome: finding.isMet ? .met : .notMet, title: finding.step.title,
                field: finding.step.field, expected: finding.expected.safeForTerminal,
                got: finding.got.safeForTerminal, evidence: [evidence.name])
        }
    }
}

extension PolicyEvaluation {
    /// The summaries about something, each held against the verifier of the policy that it fits best.
    func summaries(about subject: PolicySubject, levels: [VerifiedLevel] = []) -> [SummaryVerification] {
        var out: [SummaryVerification] = []
        for item in pool.evidence(about: subject) {
            guard case .summary = item.content else { continue }
            let signers = signerNames(item)
            let checks = policy.summaries.map { trusted in
                SummaryVerification(
                    item,
                    SummaryVerification.Expectation(
                        subject: subject, verifier: trusted.verifier,
                        // The name in the policy is that of the artifact, not of what it depends on.
                        resource: subject == self.subject ? trusted.resource : nil, levels: levels,
                        greatestAge: trusted.greatestAge),
                    isTrustedSigner: signers.contains(trusted.signer), signer: trusted.signer, at: now)
            }
            let best = checks.min { left, right in
                left.findings.count { !$0.isMet } < right.findings.count { !$0.isMet }
            }
            if let best { out.append(best) }
        }
        return out
    }

    /// The summary about the artifact that fits best; `nil` where there is none or nobody's counts.
    func summary() -> SummaryVerification? {
        guard !policy.summaries.isEmpty else { return nil }
        var wanted: [VerifiedLevel] = []
        if let level = policy.buildLevel { wanted.append(.build(level)) }
        if let level = policy.sourceLevel { wanted.append(.source(level)) }
        // That somebody came to the same artifact says nothing of the first builder.
        return summaries(about: subject, levels: wanted).filter { $0.levels != [.reproduced] }.min { left, right in
            left.findings.count { !$0.isMet } < right.findings.count { !$0.isMet }
        }
    }
}

extension VerificationSummary {
    /// The summary of a decision: what was verified, by which policy, from which attestations.
    package init(
        _ decision: Decision, verifier: String, version: String, resource: String, inputs: [Evidence]
    ) {
        self.init(
            verifierID: verifier, verifierVersion: ["martlet": version], timeVerified: decision.time,
            resourceURI: resource,
            policy: ResourceDescriptor(name: decision.policyName, digest: ["sha256": decision.policyDigest.hex]),
            inputAttestations: inputs.compactMap { item in
                item.payload.map { ResourceDescriptor(name: item.name, digest: ["sha256": $0.hex]) }
            }, result: decision.failures.isEmpty && !decision.rules.isEmpty ? .passed : .failed,
            verifiedLevels: decision.levels.isEmpty ? ["UNEVALUATED"] : decision.levels)
        if result == .failed { verifiedLevels = ["FAILED"] }
    }
}
