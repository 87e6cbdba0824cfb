package import Bytes

/// What a policy says of an artifact: every rule that it has, with what was expected, what was found, and in which
/// evidence.
package struct Decision: Sendable {
    package enum Verdict: String, Sendable {
        case allowed
        /// Not all rules are met, and the policy only warns.
        case warned
        case denied
    }

    package enum Outcome: String, Sendable {
        case met
        case notMet = "not-met"
        /// The rule is of a kind that martlet can't decide; this counts as not met.
        case unsupported
        /// Another rule that is met takes its place.
        case replaced
    }

    /// What a rule is about. Codes are stable: programs may rely on them.
    package enum Code: String, Sendable, CaseIterable {
        case policy, authority, provenance, builder
        case buildLevel = "build-level"
        case sourceRepository = "source-repository"
        case sourceRef = "source-ref"
        case sourceClean = "source-clean"
        case sourceLevel = "source-level"
        case twoPersonReview = "two-person-review"
        case buildType = "build-type"
        case parameter
        case provenanceAge = "provenance-age"
        case predicate, vulnerabilities, licences, reproduced, summary, dependencies, expression
    }

    /// A rule and what came of it.
    package struct Rule: Sendable {
        package var code: Code
        package var outcome: Outcome
        /// What is asked for, in a few words.
        package var title: String
        /// Where in the evidence it is decided.
        package var field: String?
        package var expected: String?
        package var got: String?
        /// The names of the evidence that was looked at.
        package var evidence: [String] = []
        /// The authority of the policy that this belongs to.
        package var authority: String?
        /// What to do.
        package var remedy: String?

        package var isFulfilled: Bool { outcome == .met || outcome == .replaced }
    }

    package var policyName: String
    /// The digest of the policy's file.
    package var policyDigest: Digest
    package var isEnforced: Bool
    package var subject: PolicySubject
    package var time: Timestamp
    package var rules: [Rule] = []
    /// The names of all evidence about the subject.
    package var evidence: [String] = []
    /// Levels that the evidence shows under this policy, for a summary.
    package var levels: [String] = []

    /// The rules that are not met.
    package var failures: [Rule] { rules.filter { !$0.isFulfilled } }

    package var verdict: Verdict {
        // A policy without a rule says nothing about anything.
        guard rules.isEmpty || !failures.isEmpty else { return .allowed }
        return isEnforced ? .denied : .warned
    }

    package var json: JSON {
        var rows: [JSON] = []
        for rule in rules {
            var row: JSONObject = [
                "rule": .string(rule.code.rawValue), "outcome": .string(rule.outcome.rawValue),
                "title": .string(rule.title),
            ]
            for (key, value) in [
                ("field", rule.field), ("expected", rule.expected), ("got", rule.got), ("authority", rule.authority),
                ("remedy", rule.remedy),
            ] {
                if let value { row[key] = .string(value) }
            }
            if !rule.evidence.isEmpty { row["evidence"] = .array(rule.evidence.map(JSON.string)) }
            rows.append(.object(row))
        }
        return [
            "verdict": .string(verdict.rawValue),
            "policy": ["name": .string(policyName), "digest": ["sha256": .string(policyDigest.hex)]],
            "artifact": [
                "name": .string(subject.name), "digests": .array(subject.digests.map(JSON.string)),
            ],
            "time": .string(time.description), "levels": .array(levels.map(JSON.string)),
            "evidence": .array(evidence.map(JSON.string)), "rules": .array(rows),
        ]
    }
}
