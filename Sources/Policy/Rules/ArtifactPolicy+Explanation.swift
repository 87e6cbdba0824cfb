internal import Attest
internal import Bytes
internal import Keys

extension ArtifactPolicy {
    /// What the policy asks for, a sentence for each rule.
    package var explanation: [String] {
        var out: [String] = []
        if !images.isEmpty { out.append("It is about the images \(images.map(\.text).joined(separator: ", ")).") }
        for match in resources {
            out.append(
                "It is about \(match.resource) of \(match.group.isEmpty ? "the core group" : match.group)\(match.labels.isEmpty ? "" : " with labels")."
            )
        }
        if !isEnforced { out.append("It warns, and denies nothing.") }
        for signer in signers {
            out.append(
                "The signer '\(signer.name)' is \(signer.text)\(signer.needsLog ? ", whose signatures must be in a transparency log" : "")."
            )
        }
        out += builders.map {
            "The builder \($0.id.text), where '\($0.signer)' signs, is trusted for build level \($0.level); \($0.operatorName) runs it."
        }
        if let level = buildLevel { out.append("The artifact must reach \(VerifiedLevel.build(level)).") }
        if let level = sourceLevel {
            out.append("Its sources must reach \(VerifiedLevel.source(level)), by a summary of the commit.")
        }
        if let sources { out += Self.explanation(sources) }
        for type in buildTypes {
            out.append("A build of type \(type.uri) may have \(Self.explanation(type.parameters)).")
        }
        if let age = provenanceAge { out.append("Its provenance may be \(ExpressionDuration.spoken(age)) old.") }
        for item in required {
            let signers = item.signers.isEmpty ? "a signer of the policy" : item.signers.joined(separator: " or ")
            out.append(
                "It must have an attestation \(item.type) by \(signers)\(item.greatestAge.map { ", at most \(ExpressionDuration.spoken($0)) old" } ?? "")."
            )
            out += item.rules.map { "  Of that, '\($0.name)' must hold: \($0.expression.source)" }
        }
        if let rule = vulnerabilities {
            out.append(
                "A scan must find \(rule.greatest.map { "nothing worse than \($0.name)" } ?? "nothing")\(rule.exceptions.isEmpty ? "" : ", \(rule.exceptions.map(\.id).joined(separator: ", ")) aside")."
            )
        }
        if let rule = licences {
            out.append(
                rule.allowed.isEmpty
                    ? "No package may be under \(rule.denied.sorted().joined(separator: ", "))."
                    : "Packages must be under \(rule.allowed.sorted().joined(separator: ", ")).")
        }
        if let count = reproducedBy {
            out.append("Builders of \(count) operators must have come to the same artifact.")
        }
        out += summaries.map { "A summary of \($0.verifier), signed by '\($0.signer)', takes the place of provenance." }
        if let rule = dependencies {
            out.append("Each dependency must have a summary at \(VerifiedLevel.build(rule.level)).")
        }
        out += rules.map { "'\($0.name)' must hold: \($0.expression.source)" }
        if !authorities.isEmpty { out.append("One of these must vouch for the image:") }
        out += authorities.map { "  \(Self.explanation($0))" }
        out += unsupported.map { "Not decided, so never met: \($0)." }
        return out
    }

    private static func explanation(_ sources: Sources) -> [String] {
        var out: [String] = []
        if !sources.repositories.isEmpty {
            out.append("It must come from \(sources.repositories.map(\.text).joined(separator: " or ")).")
        }
        let refs = sources.branches.map { "branch \($0.text)" } + sources.tags.map { "tag \($0.text)" }
        if !refs.isEmpty { out.append("It must come from \(refs.joined(separator: " or ")).") }
        if sources.mustBeClean { out.append("No input may differ from the commit.") }
        if sources.needsTwoPersonReview {
            out.append("Two persons must have reviewed the commit, by a summary about it.")
        }
        return out
    }

    private static func explanation(_ parameters: [Parameter]?) -> String {
        guard let parameters else { return "any parameters" }
        guard !parameters.isEmpty else { return "no parameter" }
        return "the parameters "
            + parameters.map { "\($0.name)\($0.isOptional ? " (optional)" : "") = \($0.text)" }.joined(separator: ", ")
            + ", and no other"
    }

    private static func explanation(_ authority: Authority) -> String {
        let who =
            switch authority.kind {
            case .signers(let signers): signers.map(\.text).joined(separator: " or ")
            case .fixed(let isPassed, _): isPassed ? "nobody needs to" : "nobody can"
            case .unsupported(let reason): "nobody can, because \(reason)"
            }
        let what =
            authority.attestations.isEmpty
            ? "a signature" : authority.attestations.map(\.type).joined(separator: " and ")
        return
            "\(authority.name): \(who), by \(what)\(authority.needsLog ? " in a transparency log" : "")\(authority.needsTimestamp ? " with a timestamp" : "")"
    }
}
