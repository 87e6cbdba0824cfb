internal import Bytes
package import Policy
internal import Sigstore

/// Decisions of policies for people to read.
package struct DecisionText: Sendable {
    private let ink: Ink
    /// Prints the rules that are met, too.
    private let showsAll: Bool

    package init(ink: Ink, showsAll: Bool) {
        self.ink = ink
        self.showsAll = showsAll
    }

    /// Lines about a decision: the verdict, then each rule with what was expected and found.
    package func lines(_ decision: Decision) -> [String] {
        let mark =
            switch decision.verdict {
            case .allowed: ink(.good, "✔")
            case .warned: ink(.quiet, "!")
            case .denied: ink(.bad, "✘")
            }
        let met = decision.rules.count { $0.isFulfilled }
        var out = [
            "\(mark) \(ink(.strong, decision.subject.name.safeForTerminal)) \(decision.verdict.rawValue) by policy \(decision.policyName.safeForTerminal): \(met) of \(decision.rules.count) rules met"
        ]
        for rule in decision.rules where showsAll || !rule.isFulfilled { out += lines(rule) }
        if decision.evidence.isEmpty {
            out.append("  " + ink(.quiet, "nothing that is verified is about this artifact"))
        }
        return out
    }

    private func lines(_ rule: Decision.Rule) -> [String] {
        let mark =
            switch rule.outcome {
            case .met: ink(.good, "✔")
            case .replaced: ink(.quiet, "–")
            case .notMet, .unsupported: ink(.bad, "✘")
            }
        let place = [rule.authority.map { "authority \($0)" }, rule.field].compactMap(\.self).joined(separator: ", ")
        var out = [
            "  \(mark) \(rule.title.safeForTerminal)\(place.isEmpty ? "" : " (\(place.safeForTerminal))") \(ink(.quiet, "[\(rule.code.rawValue)]"))"
        ]
        guard !rule.isFulfilled || showsAll else { return out }
        if let expected = rule.expected { out.append(fact("expected", expected)) }
        if let got = rule.got { out.append(fact("got", got)) }
        if !rule.evidence.isEmpty { out.append(fact("in", rule.evidence.joined(separator: ", "))) }
        if let remedy = rule.remedy, !rule.isFulfilled { out.append(fact("do", remedy)) }
        return out
    }

    /// Lines about bundles that were not believed.
    package func lines(_ refusals: [EvidenceCollector.Refusal]) -> [String] {
        refusals.flatMap { refusal -> [String] in
            let reasons = refusal.report.failures.map { "\($0.title): \($0.detail)" }.joined(separator: "; ")
            return ["  " + ink(.quiet, "not believed: \(refusal.name.safeForTerminal): \(reasons.safeForTerminal)")]
        }
    }

    /// Lines about the cases of a policy, and how many came out as expected.
    package func lines(_ results: [PolicyTest.Result]) -> [String] {
        let width = results.map { Columns.width(of: $0.name) }.max() ?? 0
        var out = results.flatMap { result -> [String] in
            let mark = result.isPassed ? ink(.good, "✔") : ink(.bad, "✘")
            var lines = ["\(mark) \(Columns.padded(result.name.safeForTerminal, width))  \(result.got)"]
            if !result.isPassed { lines.append(fact("expected", result.expected)) }
            if let problem = result.problem { lines.append(fact("because", problem)) }
            return lines
        }
        out.append("\(results.count { $0.isPassed }) of \(results.count) as expected")
        return out
    }

    private func fact(_ name: String, _ text: String) -> String {
        "      " + ink(.quiet, Columns.padded(name, 9)) + text.safeForTerminal
    }
}
