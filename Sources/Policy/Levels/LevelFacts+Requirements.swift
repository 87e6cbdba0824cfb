internal import Attest
internal import Bytes

extension LevelFacts {
    /// Whether a requirement is met, what shows it, and what to do next.
    func row(_ requirement: LevelRequirement, _ track: LevelTrack) -> LevelAssessment.Row {
        let answer = answer(requirement.question)
        return LevelAssessment.Row(
            requirement: requirement, outcome: answer.outcome, evidence: answer.evidence.safeForTerminal,
            next: answer.outcome == .met ? nil : answer.next)
    }

    private struct Answer {
        var outcome: LevelAssessment.Outcome
        var evidence: String
        var next = ""

        static func met(_ evidence: String) -> Answer { Answer(outcome: .met, evidence: evidence) }
        static func no(_ evidence: String, _ next: String) -> Answer {
            Answer(outcome: .notMet, evidence: evidence, next: next)
        }
    }

    private func answer(_ question: LevelRequirement.Question) -> Answer {
        guard let view else {
            if question == .organisation { return organisation }
            return .no("there is no provenance", "build it with 'martlet build', or give its bundle with --bundle")
        }
        switch question {
        case .versionControlled, .repositoryIdentified, .revisionImmutable, .sourceLevel, .reviewed, .retained:
            return sourceAnswer(question)
        case .scripted, .consistentProcess, .platformChosen, .buildAsCode, .parameterless, .hermetic, .complete:
            return definitionAnswer(question, view)
        case .hosted, .ephemeral, .isolated, .reproducible, .serviceGenerated, .unforgeable:
            return builderAnswer(question, view)
        case .available: return .met("\(view.format.rawValue) in \(place)")
        case .distributed: return .met("provenance lies at \(place)")
        case .authenticated:
            if let signed {
                return .met("signed by \(signed.signer.text)" + (signed.isLogged ? ", in a transparency log" : ""))
            }
            return .no(
                "nobody's signature was verified",
                "build with 'martlet build --sign', and name the signer with --key or --policy")
        case .organisation: return organisation
        }
    }

    private var organisation: Answer {
        Answer(
            outcome: .unknown, evidence: "nothing that an artifact carries can show this",
            next: "have the platform audited against slsa.dev/spec/v0.1/requirements#common-requirements")
    }

    // MARK: - Sources

    private func sourceAnswer(_ question: LevelRequirement.Question) -> Answer {
        guard let source else {
            return .no("the provenance names no repository", "build from a clean commit of a Git repository")
        }
        let place = "\(source.repository)" + (source.ref.map { " \($0)" } ?? "")
        switch question {
        case .versionControlled, .repositoryIdentified: return .met("source code in \(place)")
        case .revisionImmutable:
            guard let commit = source.commit else {
                return .no("\(place) without a commit", "have the builder record the commit of the sources")
            }
            return .met("commit \(commit)")
        case .reviewed:
            if isReviewed { return .met("the sources' verifier says so of commit \(source.commit ?? "")") }
        case .retained:
            if VerifiedLevel.source(2).isReached(by: sourceLevels) {
                return .met("history is kept, as the sources' verifier says")
            }
        case .sourceLevel(let level):
            if VerifiedLevel.source(level).isReached(by: sourceLevels) {
                return .met("the sources' verifier says \(sourceLevels.map(\.description).joined(separator: ", "))")
            }
        default: break
        }
        return .no(
            sourceLevels.isEmpty
                ? "no summary about commit \(source.commit ?? "unknown")"
                : "the sources' verifier says only \(sourceLevels.map(\.description).joined(separator: ", "))",
            "have the repository's verifier issue a source summary (VSA), and list it under summaries in the policy")
    }

    // MARK: - Definition of the build

    private func definitionAnswer(_ question: LevelRequirement.Question, _ view: ProvenanceView) -> Answer {
        let entry = view.entryPoint.isEmpty ? source?.field : view.entryPoint
        switch question {
        case .scripted, .consistentProcess:
            guard !view.buildType.isEmpty else {
                return .no("the provenance names no build type", "use a builder that says how it builds")
            }
            return .met(entry.map { "\($0), built as \(view.buildType)" } ?? "built as \(view.buildType)")
        case .platformChosen: return .met(view.builderID)
        case .buildAsCode:
            let problems = view.isMartletBuild ? Assertion.clean(view) : []
            if problems.isEmpty, let source, source.commit != nil, entry != nil {
                return .met("defined by \(entry ?? "") in commit \(source.commit ?? "")")
            }
            return .no(
                problems.first ?? "the provenance does not tie the definition to a commit",
                "keep the build's definition in the repository, and commit it before building")
        case .parameterless:
            let given = parameters(view)
            if given.isEmpty { return .met("no parameter beside source and entry point") }
            return .no("parameters: \(given.joined(separator: ", "))", "put into the definition what is given by hand")
        case .hermetic:
            if view.isMartletBuild {
                let loose = view.materials.filter { $0.role != .source && $0.digest.isEmpty }
                if view.sandbox == "full", loose.isEmpty {
                    return .met("sandbox without a network, every input by digest")
                }
                return .no(
                    loose.first.map { "\($0.name ?? $0.uri) has no digest" } ?? "sandbox: \(view.sandbox ?? "none")",
                    "build with the full sandbox, and give downloads digests")
            }
            return completeness("the builder claims", "ask for a builder that cuts off the network")
        default:
            if view.isMartletBuild {
                let loose = view.materials.filter { $0.digest.isEmpty && $0.uri.isEmpty }
                return loose.isEmpty
                    ? .met("\(view.materials.count) materials, each by digest")
                    : .no("\(loose.count) materials have no digest", "give downloads digests")
            }
            return completeness("the builder claims", "use a builder that records all that a build reads")
        }
    }

    private func completeness(_ says: String, _ next: String) -> Answer {
        predicate["metadata"]?["completeness"]?["materials"]?.boolValue == true
            ? .met("\(says) that materials are complete")
            : .no("the provenance does not say that materials are complete", next)
    }

    /// What was decided by whoever asked for the build.
    private func parameters(_ view: ProvenanceView) -> [String] {
        let object = view.parameters.objectValue ?? [:]
        if view.isMartletBuild {
            var out = (object["arguments"]?.objectValue ?? [:]).map(\.key)
            if object["variant"] != nil { out.append("variant") }
            return out
        }
        if view.format == .v1 {
            let fixed: Set<String> = ["source", "workflow", "buildConfigSource", "sourceToBuild", "configPath"]
            return object.filter { !fixed.contains($0.key) && !($0.value.objectValue?.isEmpty ?? $0.value.isNull) }.map(
                \.key)
        }
        return object.map(\.key)
    }

    // MARK: - Builder

    private func builderAnswer(_ question: LevelRequirement.Question, _ view: ProvenanceView) -> Answer {
        let builder = view.builderID
        let policy =
            "list it under builders in a policy, with the level that it is trusted for, and give that with --policy"
        func trusted(_ level: Int, _ text: String, _ next: String) -> Answer {
            if builderLevel >= level { return .met("\(text) \(builder), trusted for level \(builderLevel)") }
            if builderLevel > 0 { return .no("\(builder) is trusted for level \(builderLevel) alone", next) }
            return .no("nobody trusts \(builder) for level \(level)", policy)
        }
        switch question {
        case .hosted: return trusted(2, "all steps run on", "build on a service that its users can't change")
        case .serviceGenerated:
            return trusted(2, "provenance is generated by", "build on a service that writes the provenance")
        case .isolated:
            return trusted(3, "builds are kept apart by", "use a service that runs each build in a fresh environment")
        case .unforgeable:
            return trusted(
                3, "signing keys are out of the build's reach on",
                "use a service whose builds can't reach its signing keys")
        case .ephemeral:
            if builderLevel < 3, view.sandbox == "full", signed != nil, builderLevel >= 2 {
                return .met("each step ran in a sandbox of its own on \(builder)")
            }
            return trusted(
                3, "each build has a fresh environment on", "use a service that runs each build in a fresh environment")
        default:
            if isReproduced { return .met("independent builders came to the same artifact") }
            if predicate["metadata"]?["reproducible"]?.boolValue == true {
                return .met("the builder claims that it is")
            }
            return .no(
                "nobody else has built it with the same result",
                "rebuild it with another builder, and give that provenance too")
        }
    }
}
