internal import Attest
internal import Bytes
internal import Policy

extension FuzzTarget {
    /// Reading and evaluating expressions: both end, within their limits.
    static let expression = FuzzTarget(name: "expression") { input in
        let source = String(decoding: input, as: UTF8.self)
        guard let expression = try? Expression(source) else { return }
        let variables: [String: ExpressionValue] = [
            "a": ExpressionValue(["b": [1, 2.5, "c", nil, ["d": true]]]), "x": .int(5), "s": .string("text"),
        ]
        let first = try? expression.evaluate(variables, costLimit: 20_000)
        let second = try? expression.evaluate(variables, costLimit: 20_000)
        require(first?.json == second?.json, "an expression has one value")
    }

    /// Reading patterns, and matching them: in time linear in the text.
    static let regularExpression = FuzzTarget(name: "regular-expression") { input in
        let parts = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        guard let expression = try? RegularExpression(String(decoding: parts[0], as: UTF8.self)) else { return }
        _ = expression.matches(parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "")
    }

    /// Reading policies, martlet's and ClusterImagePolicies: without evidence none that is enforced allows anything,
    /// but for an authority that always passes.
    static let policy = FuzzTarget(name: "policy") { input in
        guard let policies = try? ArtifactPolicy.policies(parsing: input, file: "policy", files: { _ in [] }),
            let now = Timestamp(seconds: 1_700_000_000)
        else { return }
        for policy in policies {
            let subject = PolicySubject(name: "x", digest: Digest.of([]))
            let decision = PolicyEvaluation.decide(policy, about: subject, with: EvidencePool(), at: now)
            require(!decision.rules.isEmpty || !policy.asksForEvidence, "a policy with rules decides by them")
            _ = policy.explanation
            _ = decision.json
        }
    }

    /// Reading reviews and answering them: the answer is to the question, and nothing is let in without evidence.
    static let admission = FuzzTarget(name: "admission") { input in
        guard let request = try? AdmissionRequest(parsing: input), let now = Timestamp(seconds: 1_700_000_000),
            let controller = try? AdmissionController(policies: [])
        else { return }
        for webhook in [AdmissionController.Webhook.mutating, .validating] {
            let outcome = controller.review(request, webhook, store: EvidencePool(), at: now) { _ in .absent }
            require(outcome.review["response"]?["uid"]?.stringValue == request.uid, "the answer is to the question")
            require((try? JSON(parsing: outcome.review.bytes())) == outcome.review, "the answer is JSON")
        }
    }

    /// Reading verification summaries: what is written reads back.
    static let verificationSummary = FuzzTarget(name: "verification-summary") { input in
        guard let json = try? JSON(parsing: input), let summary = try? VerificationSummary(json) else { return }
        require((try? VerificationSummary(summary.json)) == summary, "a summary reads back")
        for level in summary.verifiedLevels {
            require(VerifiedLevel(level).description == level, "a level reads back")
        }
    }

    /// Judging statements as slsa-verifier does: no signature, no yes.
    static let slsaVerifier = FuzzTarget(name: "slsa-verifier") { input in
        let generator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
        let claims = [
            "issuer": "https://token.actions.githubusercontent.com", "buildTrigger": "push",
            "sourceRepositoryDigest": "aa", "sourceRepositoryURI": "https://github.com/a/b",
            "runnerEnvironment": "github-hosted",
        ]
        var options = SLSAVerifierRun.Options(sourceURI: "github.com/a/b")
        options.sourceVersionedTag = "v1"
        for name in ["generator_generic_slsa3.yml", "delegator_generic_slsa3.yml", "builder_container-based_slsa3.yml"]
        {
            _ = SLSAVerifierRun(.artifact, options).refusal(
                of: input, workflow: "\(generator)\(name)@refs/tags/v1.0.0", claims: claims, digest: "aa")
        }
        options = SLSAVerifierRun.Options(sourceURI: "github.com/a/b")
        options.builderID = "https://github.com/actions/runner/github-hosted"
        options.packageName = "c"
        _ = SLSAVerifierRun(.npmPackage, options).refusal(
            of: input, workflow: "https://github.com/a/b/w.yml@refs/heads/main", claims: claims, digest: "aa")
        let summary = SLSAVerifierSummary(
            subjectDigests: ["sha256:aa"], verifierID: "v", resourceURI: "r", verifiedLevels: ["SLSA_BUILD_LEVEL_1"])
        _ = summary.refusal(of: input)
        let verified = try? SLSAVerifierRun(.image, options).verifyCloudBuild(input, digest: "aa", keys: .init([:]))
        require(verified == nil, "nothing passes that nobody signed")
    }
}
