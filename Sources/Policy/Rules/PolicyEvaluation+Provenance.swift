internal import Attest
internal import Bytes

extension PolicyEvaluation {
    /// Adds the rules about provenance: those of the statement that fails fewest. Gives that statement.
    func provenance(replacedBy summary: SummaryVerification?, into decision: inout Decision) -> Evidence? {
        let statements = evidence.filter { $0.provenance != nil }
        if let summary {
            // Where provenance is there too, the summary is only needed if that is not enough.
            if summary.isVerified {
                decision.rules += summary.rules
                if policy.asksForProvenance {
                    decision.rules.append(
                        Decision.Rule(
                            code: .provenance, outcome: .replaced, title: "has provenance", field: "predicateType",
                            expected: "provenance that meets the policy", got: "a summary of a trusted verifier",
                            evidence: [summary.evidence.name]))
                }
                return statements.first
            }
            if !policy.asksForProvenance {
                decision.rules += summary.rules
                return statements.first
            }
        } else if !policy.summaries.isEmpty, !policy.asksForProvenance {
            decision.rules.append(
                Decision.Rule(
                    code: .summary, outcome: .notMet, title: "has a summary of a trusted verifier",
                    field: "predicateType", expected: VerificationSummary.predicateType, got: "none",
                    remedy: "have the artifact verified, for example with 'martlet policy check --write-vsa'"))
        }
        guard policy.asksForProvenance else { return statements.first }
        var best: (evidence: Evidence, rules: [Decision.Rule], failures: Int)?
        for item in statements {
            guard let statement = item.statement, let view = item.provenance else { continue }
            let rules = rules(item, statement, view)
            let failures = rules.count { !$0.isFulfilled }
            if best.map({ failures < $0.failures }) ?? true { best = (item, rules, failures) }
            if failures == 0 { break }
        }
        guard let best else {
            let malformed = evidence.filter { if case .malformed = $0.content { true } else { false } }
            decision.rules.append(
                Decision.Rule(
                    code: .provenance, outcome: .notMet, title: "has provenance", field: "predicateType",
                    expected: ProvenanceView.Format.allCases.map(\.rawValue).joined(separator: " or "),
                    got: malformed.isEmpty ? "none" : "only provenance that can't be read",
                    evidence: malformed.map(\.name),
                    remedy: "give the bundle with --bundle, or build the artifact with provenance"))
            decision.rules += summary?.rules ?? []
            return nil
        }
        decision.rules += best.rules
        if best.failures > 0, let summary { decision.rules += summary.rules }
        return best.evidence
    }

    private func rules(_ item: Evidence, _ statement: Statement, _ view: ProvenanceView) -> [Decision.Rule] {
        var out = [
            Decision.Rule(
                code: .provenance, outcome: .met, title: "has provenance", field: "predicateType",
                expected: "provenance", got: view.format.rawValue, evidence: [item.name])
        ]
        if !policy.builders.isEmpty { out.append(builder(item, view)) }
        if policy.builders.isEmpty, !policy.signers.isEmpty, !isSigned(item, by: []) {
            out.append(
                Decision.Rule(
                    code: .builder, outcome: .notMet, title: "is signed by a signer of the policy", field: "signer",
                    expected: policy.signers.map(\.name).joined(separator: " or "), got: item.signer.text,
                    evidence: [item.name]))
        }
        if let wanted = policy.buildLevel { out.append(level(wanted, item, view)) }
        let source = SourceClaim(statement, view)
        if let rule = policy.sources { out += sources(rule, source, item, view) }
        if let wanted = policy.sourceLevel {
            out.append(reviewed(.sourceLevel, [.source(wanted)], source, item))
        }
        if !policy.buildTypes.isEmpty { out += buildType(item, view) }
        if let greatest = policy.provenanceAge {
            out.append(age(.provenanceAge, moment(item), atMost: greatest, field: "finishedOn", item))
        }
        if let rule = policy.dependencies { out.append(dependencies(rule, item, view)) }
        return out
    }

    private func builder(_ item: Evidence, _ view: ProvenanceView) -> Decision.Rule {
        let isTrusted = !builders(item).isEmpty
        return Decision.Rule(
            code: .builder, outcome: isTrusted ? .met : .notMet, title: "was built by a trusted builder",
            field: "builder.id",
            expected: policy.builders.map { "\($0.id.text) signed by \($0.signer)" }.joined(separator: ", or "),
            got: "\(view.builderID) signed by \(item.signer.text)", evidence: [item.name],
            remedy: isTrusted ? nil : "have it built by a builder of the policy, or add signer and builder to it")
    }

    private func level(_ wanted: Int, _ item: Evidence, _ view: ProvenanceView) -> Decision.Rule {
        let got = trustedLevel(item) ?? 0
        return Decision.Rule(
            code: .buildLevel, outcome: got >= wanted ? .met : .notMet, title: "reaches the build level",
            field: "builder.id", expected: "SLSA_BUILD_LEVEL_\(wanted)", got: "SLSA_BUILD_LEVEL_\(got)",
            evidence: [item.name],
            remedy: got >= wanted ? nil : "build it with a builder that is trusted for level \(wanted)")
    }

    // MARK: - Sources

    private func sources(
        _ rule: ArtifactPolicy.Sources, _ source: SourceClaim?, _ item: Evidence, _ view: ProvenanceView
    ) -> [Decision.Rule] {
        var out: [Decision.Rule] = []
        if !rule.repositories.isEmpty { out += repository(rule, source, item) }
        if !rule.branches.isEmpty || !rule.tags.isEmpty {
            let ref = source?.ref ?? claim("sourceRepositoryRef", item)
            let isBranch = ref?.hasPrefix("refs/heads/") == true
            let isTag = ref?.hasPrefix("refs/tags/") == true
            let name = String((ref ?? "").drop { $0 != "/" }.dropFirst().drop { $0 != "/" }.dropFirst())
            let isMet =
                isBranch && rule.branches.contains { $0.accepts(name) }
                || isTag && rule.tags.contains { $0.accepts(name) }
            out.append(
                Decision.Rule(
                    code: .sourceRef, outcome: isMet ? .met : .notMet,
                    title: "comes from a branch or tag of the policy",
                    field: source?.field,
                    expected: (rule.branches.map { "branch \($0.text)" } + rule.tags.map { "tag \($0.text)" }).joined(
                        separator: " or "),
                    got: ref ?? "no branch or tag", evidence: [item.name]))
            if let certified = claim("sourceRepositoryRef", item), let ref, certified != ref {
                out.append(
                    Decision.Rule(
                        code: .sourceRef, outcome: .notMet, title: "names the branch or tag that the certificate names",
                        field: "certificate", expected: certified, got: ref, evidence: [item.name]))
            }
        }
        if rule.mustBeClean {
            let problems = Assertion.clean(view)
            out.append(
                Decision.Rule(
                    code: .sourceClean, outcome: problems.isEmpty ? .met : .notMet,
                    title: "was built from a commit and nothing beside it", field: "resolvedDependencies",
                    expected: "no input that differs from the commit", got: problems.first ?? "none",
                    evidence: [item.name]))
        }
        if rule.needsTwoPersonReview {
            out.append(reviewed(.twoPersonReview, [.source(4), .twoPartyReviewed], source, item))
        }
        return out
    }

    private func repository(_ rule: ArtifactPolicy.Sources, _ source: SourceClaim?, _ item: Evidence) -> [Decision.Rule]
    {
        let isMet = source.map { SourceClaim.isAccepted($0.repository, by: rule.repositories) } ?? false
        let expected = rule.repositories.map(\.text).joined(separator: " or ")
        var out = [
            Decision.Rule(
                code: .sourceRepository, outcome: isMet ? .met : .notMet,
                title: "comes from a repository of the policy",
                field: source?.field, expected: expected, got: source?.repository ?? "no repository",
                evidence: [item.name])
        ]
        // What the authority wrote into the certificate can't be forged by the build.
        if let certified = claim("sourceRepositoryURI", item),
            !SourceClaim.isAccepted(SourceClaim.split(certified).repository, by: rule.repositories)
        {
            out.append(
                Decision.Rule(
                    code: .sourceRepository, outcome: .notMet, title: "is signed for a repository of the policy",
                    field: "certificate", expected: expected, got: certified, evidence: [item.name]))
        }
        return out
    }

    private func claim(_ name: String, _ item: Evidence) -> String? {
        if case .identity(_, _, let claims) = item.signer { claims[name] } else { nil }
    }

    /// A rule that a summary of the commit must show one of these levels.
    private func reviewed(
        _ code: Decision.Code, _ wanted: [VerifiedLevel], _ source: SourceClaim?, _ item: Evidence
    ) -> Decision.Rule {
        var rule = Decision.Rule(
            code: code, outcome: .notMet,
            title: code == .twoPersonReview ? "sources were reviewed by two persons" : "sources reach the source level",
            field: "verifiedLevels", expected: wanted.map(\.description).joined(separator: " or "),
            evidence: [item.name],
            remedy: "have the source repository's verifier issue a summary for the commit, and list it under summaries")
        guard let commit = source?.commit else {
            rule.got = "the provenance names no commit"
            return rule
        }
        let subject = PolicySubject(name: commit, digests: ["gitCommit:\(commit)", "sha1:\(commit)"])
        for summary in summaries(about: subject) where summary.isPassed {
            rule.evidence.append(summary.evidence.name)
            rule.got = summary.levels.map(\.description).joined(separator: ", ")
            if wanted.contains(where: { $0.isReached(by: summary.levels) }) {
                rule.outcome = .met
                rule.remedy = nil
                return rule
            }
        }
        rule.got = rule.got ?? "no summary about commit \(commit)"
        return rule
    }

    // MARK: - Parameters

    private func buildType(_ item: Evidence, _ view: ProvenanceView) -> [Decision.Rule] {
        let type = policy.buildTypes.first { $0.uri.hasSameBytes(as: view.buildType) }
        var out = [
            Decision.Rule(
                code: .buildType, outcome: type == nil ? .notMet : .met, title: "has a build type of the policy",
                field: "buildType", expected: policy.buildTypes.map(\.uri).joined(separator: " or "),
                got: view.buildType.isEmpty ? "none" : view.buildType, evidence: [item.name])
        ]
        guard let parameters = type?.parameters else { return out }
        let members = view.parameters.objectValue ?? [:]
        if case .object = view.parameters {
        } else if !view.parameters.isNull {
            out.append(parameter("externalParameters", "a map", view.parameters, item))
        }
        check(members, against: parameters, path: "externalParameters", item, &out)
        return out
    }

    private func parameter(_ path: String, _ expected: String, _ got: JSON?, _ item: Evidence) -> Decision.Rule {
        Decision.Rule(
            code: .parameter, outcome: .notMet, title: "has the parameters of the policy", field: path,
            expected: expected, got: got.map { String($0.text().prefix(200)).safeForTerminal } ?? "nothing",
            evidence: [item.name])
    }

    /// Parameters that the policy does not know are refused: nobody has said what they do.
    private func check(
        _ members: JSONObject, against parameters: [ArtifactPolicy.Parameter], path: String, _ item: Evidence,
        _ out: inout [Decision.Rule]
    ) {
        for member in members where !parameters.contains(where: { $0.name.hasSameBytes(as: member.key) }) {
            out.append(parameter("\(path).\(member.key.safeForTerminal)", "no such parameter", member.value, item))
        }
        for wanted in parameters {
            let name = "\(path).\(wanted.name)"
            guard let value = members[wanted.name], !value.isNull else {
                if !wanted.isOptional { out.append(parameter(name, wanted.text, nil, item)) }
                continue
            }
            guard wanted.accepts(value) else {
                out.append(parameter(name, wanted.text, value, item))
                continue
            }
            if let inner = wanted.members, let object = value.objectValue {
                check(object, against: inner, path: name, item, &out)
            } else {
                var rule = parameter(name, wanted.text, value, item)
                rule.outcome = .met
                out.append(rule)
            }
        }
    }

    // MARK: - Dependencies

    private func dependencies(
        _ rule: ArtifactPolicy.Dependencies, _ item: Evidence, _ view: ProvenanceView
    ) -> Decision.Rule {
        var out = Decision.Rule(
            code: .dependencies, outcome: .met, title: "has dependencies that were verified",
            field: "resolvedDependencies", expected: "each with a summary at \(VerifiedLevel.build(rule.level))",
            evidence: [item.name])
        var missing: [String] = []
        var count = 0
        for dependency in view.materials where isDependency(dependency, of: view) {
            let title = dependency.uri.isEmpty ? dependency.name ?? "one without a name" : dependency.uri
            if rule.exempt.contains(where: { $0.accepts(title) }) { continue }
            count += 1
            let subject = PolicySubject(name: title, digests: dependency.digest.map { "\($0.key):\($0.value)" })
            let found = summaries(about: subject).first {
                $0.isPassed && VerifiedLevel.build(rule.level).isReached(by: $0.levels)
            }
            if let found { out.evidence.append(found.evidence.name) } else { missing.append(title) }
        }
        out.got =
            missing.isEmpty
            ? "\(count) with one"
            : "\(missing.count) of \(count) without: \(missing.prefix(5).joined(separator: ", "))".safeForTerminal
        if !missing.isEmpty {
            out.outcome = .notMet
            out.remedy =
                "give the summaries of these dependencies with --bundle, or list them under dependencies.exempt"
        }
        return out
    }

    /// Sources and tools are none; the builder answers for its tools. A lock file names what may be downloaded, and
    /// what was is `fetched`.
    private func isDependency(_ material: ProvenanceView.Material, of view: ProvenanceView) -> Bool {
        switch material.role {
        case .source?, .inputs?, .changed?, .tool?, .locked?, .keyring?, .release?, .index?: false
        case .package?, .fetched?, .image?, .debian?: true
        case nil: !material.isGit
        }
    }

    // MARK: - Reproduction

    /// A rule about builders of different operators that came to the same artifact.
    func reproduced() -> Decision.Rule? {
        guard let wanted = policy.reproducedBy else { return nil }
        var rule = Decision.Rule(
            code: .reproduced, outcome: .notMet, title: "was built by independent builders with the same result",
            field: "builder.id", expected: "\(wanted) operators",
            remedy: "rebuild the artifact with a builder of another operator, and give its provenance")
        var operators: Set<String> = []
        for item in evidence {
            let trusted = builders(item)
            guard !trusted.isEmpty else { continue }
            operators.formUnion(trusted.map(\.operatorName))
            rule.evidence.append(item.name)
        }
        rule.got = operators.isEmpty ? "none" : "\(operators.count): \(operators.sorted().joined(separator: ", "))"
        if operators.count >= wanted { rule.outcome = .met }
        if wanted == 2, rule.outcome != .met,
            let summary = summaries(about: subject, levels: [.reproduced]).first(where: \.isVerified)
        {
            rule.outcome = .met
            rule.got = "\(VerifiedLevel.reproduced) by \(summary.evidence.name)"
            rule.evidence.append(summary.evidence.name)
        }
        if rule.outcome == .met { rule.remedy = nil }
        return rule
    }
}

extension ArtifactPolicy.Parameter {
    /// What is expected, for people.
    var text: String {
        if let value { return value.text() }
        if !oneOf.isEmpty { return "one of " + oneOf.map { $0.text() }.joined(separator: ", ") }
        if let pattern { return "a match of \(pattern.pattern)" }
        return kind == .any ? "something" : "a \(kind.rawValue)"
    }

    /// Whether a value is what is expected, its members aside.
    func accepts(_ got: JSON) -> Bool {
        let isOfKind =
            switch (kind, got) {
            case (.any, _), (.string, .string), (.number, .number), (.bool, .bool), (.list, .array), (.map, .object):
                true
            default: false
            }
        guard isOfKind, members == nil || got.objectValue != nil else { return false }
        if let value, !Self.isEqual(value, got) { return false }
        if !oneOf.isEmpty, !oneOf.contains(where: { Self.isEqual($0, got) }) { return false }
        if let pattern {
            guard let text = got.stringValue, pattern.matches(text) else { return false }
        }
        return true
    }

    /// Numbers are compared by value, and members in any order.
    private static func isEqual(_ left: JSON, _ right: JSON) -> Bool {
        switch (left, right) {
        case (.number(let left), .number(let right)): return left.canonicalText == right.canonicalText
        case (.array(let left), .array(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { isEqual($0, $1) }
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && left.allSatisfy { member in right[member.key].map { isEqual(member.value, $0) } ?? false }
        default: return left == right
        }
    }
}
