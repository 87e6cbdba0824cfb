internal import Attest
package import Bytes
internal import Keys
internal import Sigstore

/// Holds a policy against the evidence about an artifact. It opens no file, asks no clock and no network.
package struct PolicyEvaluation: Sendable {
    let policy: ArtifactPolicy
    let pool: EvidencePool
    let now: Timestamp
    let subject: PolicySubject
    /// What is about the subject.
    let evidence: [Evidence]

    /// - Parameter object: the Kubernetes object that wants the artifact, for expressions.
    package static func decide(
        _ policy: ArtifactPolicy, about subject: PolicySubject, with pool: EvidencePool, at now: Timestamp,
        object: JSON? = nil
    ) -> Decision {
        let run = PolicyEvaluation(
            policy: policy, pool: pool, now: now, subject: subject, evidence: pool.evidence(about: subject))
        var decision = Decision(
            policyName: policy.name, policyDigest: policy.digest, isEnforced: policy.isEnforced, subject: subject,
            time: now)
        decision.evidence = run.evidence.map(\.name)
        decision.rules += policy.unsupported.map { reason in
            Decision.Rule(
                code: .policy, outcome: .unsupported, title: reason, expected: "a rule that martlet can decide",
                remedy: "write the rule as an expression in a policy of martlet")
        }
        decision.rules += run.authorities()
        let summary = run.summary()
        let candidate = run.provenance(replacedBy: summary, into: &decision)
        if let reproduced = run.reproduced() { decision.rules.append(reproduced) }
        for required in policy.required { decision.rules += run.required(required) }
        if let rule = policy.vulnerabilities { decision.rules.append(run.vulnerabilities(rule)) }
        if let rule = policy.licences { decision.rules.append(run.licences(rule)) }
        let variables = policy.rules.isEmpty ? [:] : run.variables(candidate, object)
        for rule in policy.rules { decision.rules.append(run.expression(rule, variables, candidate?.name)) }
        decision.levels = run.levels(decision, candidate, summary)
        return decision
    }

    /// What a summary of a passed decision may claim.
    private func levels(_ decision: Decision, _ candidate: Evidence?, _ summary: SummaryVerification?) -> [String] {
        guard decision.failures.isEmpty else { return [] }
        if let summary, summary.isVerified { return summary.levels.map(\.description) }
        var out: [String] = []
        if let candidate, let level = trustedLevel(candidate) { out.append(VerifiedLevel.build(level).description) }
        if let level = policy.sourceLevel { out.append(VerifiedLevel.source(level).description) }
        if policy.sources?.needsTwoPersonReview == true { out.append(VerifiedLevel.twoPartyReviewed.description) }
        if policy.reproducedBy != nil { out.append(VerifiedLevel.reproduced.description) }
        return out
    }

    // MARK: - Who signed

    /// The names of the policy's signers that signed this.
    func signerNames(_ evidence: Evidence) -> [String] {
        policy.signers.filter { $0.accepts(evidence.signer) && (evidence.isLogged || !$0.needsLog) }.map(\.name)
    }

    /// Whether one of `names` signed; where none is named, any signer of the policy, and where it has none, anybody
    /// whom the verifier has let through.
    func isSigned(_ evidence: Evidence, by names: [String]) -> Bool {
        if policy.signers.isEmpty { return true }
        let signers = signerNames(evidence)
        return names.isEmpty ? !signers.isEmpty : signers.contains { names.contains($0) }
    }

    /// The entries of the builder map that an attestation is under.
    func builders(_ evidence: Evidence) -> [ArtifactPolicy.Builder] {
        guard let view = evidence.provenance else { return [] }
        let signers = signerNames(evidence)
        return policy.builders.filter { signers.contains($0.signer) && $0.id.accepts(view.builderID) }
    }

    /// The highest level for which the pair of signer and builder is trusted.
    func trustedLevel(_ evidence: Evidence) -> Int? { builders(evidence).map(\.level).max() }

    // MARK: - Age

    /// A rule about when something was made.
    func age(
        _ code: Decision.Code, _ moment: Timestamp?, atMost greatest: Duration, field: String, _ evidence: Evidence
    ) -> Decision.Rule {
        var rule = Decision.Rule(
            code: code, outcome: .notMet, title: "is not too old", field: field,
            expected: "at most \(ExpressionDuration.spoken(greatest)) before \(now)", evidence: [evidence.name])
        guard let moment else {
            rule.got = "no time"
            return rule
        }
        rule.got = moment.description
        // Clocks of two machines may differ by a little.
        if moment.seconds > now.seconds + 300 {
            rule.remedy = "its time is in the future; check the clocks of the builder and of this machine"
        } else if let age = ExpressionDuration.difference(now, moment), age <= greatest {
            rule.outcome = .met
        } else {
            rule.remedy = "build the artifact again, or let it be older"
        }
        return rule
    }

    /// When an attestation was made: as somebody trusted says, else as it says itself.
    func moment(_ evidence: Evidence) -> Timestamp? {
        if let summary = evidence.summary { return summary.timeVerified }
        let predicate = evidence.statement?.predicate
        let said =
            evidence.provenance?.finishedOn
            ?? predicate?["metadata"]?["scanFinishedOn"]?.stringValue.flatMap { Timestamp($0) }
            ?? predicate?["creationInfo"]?["created"]?.stringValue.flatMap { Timestamp($0) }
        return said ?? evidence.times.map(\.moment).min()
    }

    // MARK: - Required attestations

    private func required(_ required: ArtifactPolicy.RequiredPredicate) -> [Decision.Rule] {
        attested(required, code: .predicate, authority: nil) { isSigned($0, by: required.signers) }
    }

    /// Rules about an attestation of a type by somebody: the one that fails fewest.
    func attested(
        _ required: ArtifactPolicy.RequiredPredicate, code: Decision.Code, authority: String?,
        where isTrusted: (Evidence) -> Bool
    ) -> [Decision.Rule] {
        let typed = evidence.filter { $0.statement?.predicateType.hasSameBytes(as: required.type) == true }
        let trusted = typed.filter(isTrusted)
        var best: [Decision.Rule]?
        for item in trusted {
            var rules = [
                Decision.Rule(
                    code: code, outcome: .met, title: "has an attestation", field: "predicateType",
                    expected: required.type, got: "signed by \(item.signer.text)", evidence: [item.name],
                    authority: authority)
            ]
            if case .malformed(_, let reason) = item.content {
                rules[0].outcome = .notMet
                rules[0].got = reason
            }
            if let greatest = required.greatestAge {
                rules.append(age(code, moment(item), atMost: greatest, field: "time", item))
            }
            let variables = required.rules.isEmpty ? [:] : variables(item, nil)
            rules += required.rules.map { expression($0, variables, item.name) }
            let count = rules.count { !$0.isFulfilled }
            if best.map({ count < $0.count { !$0.isFulfilled } }) ?? true { best = rules }
            if count == 0 { break }
        }
        if let best { return best }
        return [
            Decision.Rule(
                code: code, outcome: .notMet, title: "has an attestation", field: "predicateType",
                expected: required.type
                    + (required.signers.isEmpty ? "" : " signed by \(required.signers.joined(separator: " or "))"),
                got: typed.isEmpty
                    ? "none" : "only by others: \(typed.map(\.signer.text).joined(separator: ", "))",
                evidence: typed.map(\.name), authority: authority,
                remedy: "attest it, and put the bundle where evidence is looked for")
        ]
    }

    // MARK: - Expressions

    func expression(
        _ rule: ArtifactPolicy.ExpressionRule, _ variables: [String: ExpressionValue], _ evidence: String?
    ) -> Decision.Rule {
        var out = Decision.Rule(
            code: .expression, outcome: .notMet, title: rule.name, expected: rule.expression.source,
            evidence: evidence.map { [$0] } ?? [], remedy: rule.message)
        do {
            let holds = try rule.expression.holds(variables)
            out.outcome = holds ? .met : .notMet
            out.got = "\(holds)"
        } catch {
            out.got = error.description
        }
        return out
    }

    /// What expressions can speak of.
    func variables(_ item: Evidence?, _ object: JSON?) -> [String: ExpressionValue] {
        var out: [String: ExpressionValue] = [
            "artifact": .object([
                "name": .string(subject.name), "digests": .list(.values(subject.digests.map { .string($0) })),
            ]), "now": .timestamp(now), "statement": .null, "predicate": .null, "signer": .null, "object": .null,
        ]
        out["attestations"] = .list(
            .values(
                evidence.compactMap { item in
                    guard let statement = item.statement else { return nil }
                    return .object([
                        "name": .string(item.name), "predicateType": .string(statement.predicateType),
                        "predicate": ExpressionValue(statement.predicate), "signer": signerValue(item),
                    ])
                }))
        if let object { out["object"] = ExpressionValue(object) }
        if let item, let statement = item.statement {
            out["statement"] = ExpressionValue(statement.json)
            out["predicate"] = ExpressionValue(statement.predicate)
            out["signer"] = signerValue(item)
        }
        return out
    }

    private func signerValue(_ evidence: Evidence) -> ExpressionValue {
        let names = ExpressionValue.list(.values(signerNames(evidence).map { .string($0) }))
        switch evidence.signer {
        case .key(let key):
            return .object(["key": .string(key.id.hex), "names": names])
        case .identity(let issuer, let name, let claims):
            return .object([
                "issuer": .string(issuer), "identity": .string(name), "names": names,
                "claims": .object(claims.mapValues { .string($0) }),
            ])
        }
    }
}
