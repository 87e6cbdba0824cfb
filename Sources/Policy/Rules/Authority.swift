internal import Attest
internal import Bytes
internal import Keys
internal import Sigstore

/// Somebody who may vouch for an image, and by what (ClusterImagePolicy, `spec.authorities`).
package struct Authority: Sendable {
    package enum Kind: Sendable {
        case signers([ArtifactPolicy.Signer])
        /// Decides without looking.
        case fixed(isPassed: Bool, message: String?)
        /// The file asks for something that martlet can't decide, so nobody can vouch by this.
        case unsupported(String)
    }

    package var name: String
    package var kind: Kind
    /// Attestations that must be there; where there are none, a signature is enough.
    package var attestations: [ArtifactPolicy.RequiredPredicate] = []
    package var needsLog = false
    package var needsTimestamp = false
    /// Repositories beside the image's own where signatures are kept, for whoever fetches them.
    package var sources: [String] = []
}

extension PolicyEvaluation {
    /// Rules about authorities: one that vouches is enough.
    func authorities() -> [Decision.Rule] {
        guard !policy.authorities.isEmpty else { return [] }
        var out: [Decision.Rule] = []
        var isMet = false
        for authority in policy.authorities {
            let rules = rules(authority)
            out += rules
            if rules.allSatisfy(\.isFulfilled) { isMet = true }
        }
        guard isMet else { return out }
        return out.map { rule in
            guard !rule.isFulfilled else { return rule }
            var rule = rule
            rule.outcome = .replaced
            return rule
        }
    }

    private func rules(_ authority: Authority) -> [Decision.Rule] {
        var rule = Decision.Rule(
            code: .authority, outcome: .notMet, title: "an authority vouches for it", authority: authority.name)
        switch authority.kind {
        case .fixed(let isPassed, let message):
            rule.outcome = isPassed ? .met : .notMet
            rule.field = "static.action"
            rule.expected = "pass"
            rule.got = isPassed ? "pass" : "fail"
            rule.remedy = message
            return [rule]
        case .unsupported(let reason):
            rule.outcome = .unsupported
            rule.expected = "an authority that martlet can decide about"
            rule.got = reason
            return [rule]
        case .signers(let signers):
            let isTrusted: (Evidence) -> Bool = { item in
                signers.contains { $0.accepts(item.signer) } && hasTimes(item, authority)
            }
            guard authority.attestations.isEmpty else {
                return authority.attestations.flatMap { required in
                    attested(required, code: .authority, authority: authority.name, where: isTrusted)
                }
            }
            let found = evidence.filter(isTrusted)
            rule.field = "signature"
            rule.expected = "a signature by \(signers.map(\.text).joined(separator: " or "))" + wantedTimes(authority)
            rule.evidence = (found.isEmpty ? evidence : found).map(\.name)
            rule.got =
                found.first.map { "signed by \($0.signer.text)" }
                ?? (evidence.isEmpty
                    ? "no signature" : "signed by \(evidence.map(\.signer.text).joined(separator: ", "))")
            rule.outcome = found.isEmpty ? .notMet : .met
            if found.isEmpty { rule.remedy = "sign the image, or add its signer to the policy" }
            return [rule]
        }
    }

    private func hasTimes(_ item: Evidence, _ authority: Authority) -> Bool {
        let isStamped = item.times.contains { time in
            if case .authority(_) = time.source { true } else { false }
        }
        return (item.isLogged || !authority.needsLog) && (isStamped || !authority.needsTimestamp)
    }

    private func wantedTimes(_ authority: Authority) -> String {
        (authority.needsLog ? ", in a transparency log" : "") + (authority.needsTimestamp ? ", with a timestamp" : "")
    }
}

extension ArtifactPolicy.Signer {
    /// For people.
    var text: String {
        switch kind {
        case .key(let key): "the key \(key.id.hex.prefix(16))"
        case .identity(let issuer, let name, _): "\(name.text) by \(issuer.text)"
        }
    }
}
