package import Bytes

/// Everything that a verifier looked at, and what it found.
package struct VerificationReport: Sendable {
    /// One check. Codes are stable: programs may rely on them.
    package enum Check: String, Sendable, CaseIterable {
        case format = "bundle-format"
        case logKnown = "log-known"
        case logBody = "log-entry-body"
        case promise = "log-promise"
        case inclusion = "log-inclusion"
        case checkpoint = "log-checkpoint"
        case witnesses = "log-witnesses"
        case logPeriod = "log-period"
        case logThreshold = "log-threshold"
        case timestamp = "timestamp"
        case timeThreshold = "time-threshold"
        case chain = "certificate-chain"
        case profile = "certificate-profile"
        case certificateLog = "certificate-log"
        case key = "key"
        case keyPeriod = "key-period"
        case issuer = "policy-issuer"
        case identity = "policy-identity"
        case claim = "policy-claim"
        case signature = "signature"
        case artifact = "artifact"
        case entryMatch = "log-entry-match"
    }

    package enum Outcome: String, Sendable {
        case passed, failed, skipped
    }

    /// A check with its outcome.
    package struct Step: Sendable {
        package let check: Check
        package let outcome: Outcome
        /// What was checked, in one line.
        package let title: String
        /// What was found: who, when, which; or why not.
        package let detail: String
        package let expected: String?
        package let got: String?
        /// What to do about a failure.
        package let remedy: String?
    }

    package private(set) var steps: [Step] = []

    package init() {}

    /// Whether nothing failed.
    package var hasPassed: Bool { !steps.contains { $0.outcome == .failed } }

    /// The checks that failed, in order.
    package var failures: [Step] { steps.filter { $0.outcome == .failed } }

    mutating func pass(_ check: Check, _ title: String, _ detail: String = "") {
        add(check, .passed, title, detail)
    }

    mutating func skip(_ check: Check, _ title: String, _ reason: String) {
        add(check, .skipped, title, reason)
    }

    mutating func fail(
        _ check: Check, _ title: String, _ reason: String, expected: String? = nil, got: String? = nil,
        remedy: String? = nil
    ) {
        add(check, .failed, title, reason, expected: expected, got: got, remedy: remedy)
    }

    private mutating func add(
        _ check: Check, _ outcome: Outcome, _ title: String, _ detail: String, expected: String? = nil,
        got: String? = nil, remedy: String? = nil
    ) {
        steps.append(
            Step(
                check: check, outcome: outcome, title: title, detail: detail, expected: expected, got: got,
                remedy: remedy))
    }

    package var json: JSON {
        let steps = steps.map { step -> JSON in
            var object: JSONObject = [
                "code": .string(step.check.rawValue), "outcome": .string(step.outcome.rawValue),
                "title": .string(step.title), "detail": .string(step.detail),
            ]
            if let expected = step.expected { object["expected"] = .string(expected) }
            if let got = step.got { object["got"] = .string(got) }
            if let remedy = step.remedy { object["remedy"] = .string(remedy) }
            return .object(object)
        }
        return ["verified": .bool(hasPassed), "steps": .array(steps)]
    }
}

/// A bundle that is not to be believed, with the reasons.
package struct VerificationFailure: Error, Sendable, CustomStringConvertible {
    package let report: VerificationReport

    package init(report: VerificationReport) { self.report = report }

    /// The failure of a bundle that can't even be read.
    package init(unreadable error: SigstoreError) {
        var report = VerificationReport()
        report.fail(.format, "bundle", error.message)
        self.report = report
    }

    package var description: String {
        report.failures.map { "\($0.title): \($0.detail)" }.joined(separator: "; ")
    }
}
