package import Bytes
internal import Sigstore

/// How the claims of a build service's tokens become a certificate's: texts with `{claim}` in them, such as
/// `https://github.com/{job_workflow_ref}`.
package struct ClaimTemplates: Hashable, Sendable {
    /// A text with claims in it. Where one is absent, the whole is, and a required whole is refused.
    package struct Template: Hashable, Sendable {
        package let text: String
        package let isRequired: Bool

        package init(_ text: String, isRequired: Bool = true) {
            self.text = text
            self.isRequired = isRequired
        }
    }

    /// The URI of the signer.
    package var name: Template
    /// By number under 1.3.6.1.4.1.57264.1.
    package var claims: [UInt: Template]
    /// What claims are where the token has none.
    package var defaults: [String: String]

    package init(name: Template, claims: [UInt: Template], defaults: [String: String] = [:]) {
        self.name = name
        self.claims = claims
        self.defaults = defaults
    }

    /// The numbers by the names that certificates' claims have in configurations.
    package static let numbers: [String: UInt] = [
        "githubWorkflowTrigger": 2, "githubWorkflowSHA": 3, "githubWorkflowName": 4, "githubWorkflowRepository": 5,
        "githubWorkflowRef": 6, "buildSignerURI": 9, "buildSignerDigest": 10, "runnerEnvironment": 11,
        "sourceRepositoryURI": 12, "sourceRepositoryDigest": 13, "sourceRepositoryRef": 14,
        "sourceRepositoryIdentifier": 15, "sourceRepositoryOwnerURI": 16, "sourceRepositoryOwnerIdentifier": 17,
        "buildConfigURI": 18, "buildConfigDigest": 19, "buildTrigger": 20, "runInvocationURI": 21,
        "sourceRepositoryVisibility": 22, "deploymentEnvironment": 23,
    ]

    /// Reads `{"subjectAlternativeName": TEXT, "claims": {NAME: TEXT}, "defaults": {CLAIM: TEXT}}`. A build service must
    /// say who signs and where it runs, or verifiers could not tell its jobs apart.
    package init(_ json: JSON) throws(AuthorityError) {
        guard let name = json["subjectAlternativeName"]?.stringValue, let claims = json["claims"]?.objectValue,
            claims.count <= 32
        else {
            throw AuthorityError(.malformed, "templates need a subjectAlternativeName and claims")
        }
        self.init(name: Template(name), claims: [:])
        for member in claims {
            guard let number = Self.numbers[member.key], let text = member.value.stringValue else {
                throw AuthorityError(
                    .malformed,
                    "templates.claims.\(member.key.safeForTerminal) is not known; there are \(Self.numbers.keys.sorted().joined(separator: ", "))"
                )
            }
            self.claims[number] = Template(text, isRequired: number == 9 || number == 11)
        }
        for member in json["defaults"]?.objectValue ?? JSONObject() {
            defaults[member.key] = member.value.stringValue
        }
        guard self.claims[9] != nil, self.claims[11] != nil else {
            throw AuthorityError(.malformed, "templates.claims need a buildSignerURI and a runnerEnvironment")
        }
    }

    /// The identity that `token` stands for.
    func identity(of token: WebToken) throws(AuthorityError) -> CertifiedIdentity {
        guard let subject = token.text("sub"), let uri = try fill(name, token) else {
            throw AuthorityError(.refused, "the token has no subject")
        }
        var out = CertifiedIdentity(name: .uri(uri), claims: [], challenge: subject)
        for (number, template) in claims.sorted(by: { $0.key < $1.key }) {
            if let text = try fill(template, token) { out.claims.append(CertifiedIdentity.Claim(number, text)) }
        }
        return out
    }

    /// `template` with the token's claims in place.
    private func fill(_ template: Template, _ token: WebToken) throws(AuthorityError) -> String? {
        var out = ""
        var rest = template.text[...]
        while let open = rest.firstIndex(of: "{") {
            out += rest[..<open]
            guard let close = rest[open...].firstIndex(of: "}") else { break }
            let claim = String(rest[rest.index(after: open)..<close])
            guard let text = Self.text(claim, token) ?? defaults[claim], !text.isEmpty else {
                guard template.isRequired else { return nil }
                throw AuthorityError(.refused, "the token has no claim \(claim.safeForTerminal), which is needed")
            }
            out += text
            rest = rest[rest.index(after: close)...]
        }
        return out + rest
    }

    /// The text of a claim, which may stand deeper: `kubernetes.io/serviceaccount/name`, its levels parted by slashes.
    static func text(_ claim: String, _ token: WebToken) -> String? {
        var value: JSON? = .object(token.claims)
        for level in claim.split(separator: "/") { value = value?[String(level)] }
        switch value {
        case .string(let text)?: return text
        case .number(let number)?: return number.text
        case .bool(let truth)?: return truth ? "true" : "false"
        default: return nil
        }
    }
}

extension ClaimTemplates {
    private static func needed(_ text: String) -> Template { Template(text) }
    private static func optional(_ text: String) -> Template { Template(text, isRequired: false) }

    /// GitHub Actions, at `server` (fulcio, pkg/identity/github).
    static func gitHub(_ server: String) -> ClaimTemplates {
        let repository = server + "/{repository}"
        return ClaimTemplates(
            name: needed(server + "/{job_workflow_ref}"),
            claims: [
                2: needed("{event_name}"), 3: needed("{sha}"), 4: needed("{workflow}"), 5: needed("{repository}"),
                6: needed("{ref}"), 9: needed(server + "/{job_workflow_ref}"), 10: needed("{job_workflow_sha}"),
                11: needed("{runner_environment}"), 12: needed(repository), 13: needed("{sha}"), 14: needed("{ref}"),
                15: needed("{repository_id}"), 16: needed(server + "/{repository_owner}"),
                17: needed("{repository_owner_id}"), 18: needed(server + "/{workflow_ref}"),
                19: needed("{workflow_sha}"), 20: needed("{event_name}"),
                21: needed(repository + "/actions/runs/{run_id}/attempts/{run_attempt}"),
                22: optional("{repository_visibility}"), 23: optional("{environment}"),
            ])
    }

    /// GitLab, at `server` (fulcio, pkg/identity/gitlabcom). `reference` is the ref in full.
    static func gitLab(_ server: String, reference: String) -> ClaimTemplates {
        let project = server + "/{project_path}"
        return ClaimTemplates(
            name: needed("https://{ci_config_ref_uri}"),
            claims: [
                9: needed("https://{ci_config_ref_uri}"), 10: needed("{ci_config_sha}"),
                11: needed("{runner_environment}"), 12: needed(project), 13: needed("{sha}"), 14: needed(reference),
                15: needed("{project_id}"), 16: needed(server + "/{namespace_path}"), 17: needed("{namespace_id}"),
                18: needed("https://{ci_config_ref_uri}"), 19: needed("{ci_config_sha}"),
                20: needed("{pipeline_source}"), 21: needed(project + "/-/jobs/{job_id}"),
                22: needed("{project_visibility}"), 23: optional("{environment}"),
            ])
    }

    /// Buildkite (fulcio, pkg/identity/buildkite).
    static func buildkite(_ server: String) -> ClaimTemplates {
        let pipeline = server + "/{organization_slug}/{pipeline_slug}"
        return ClaimTemplates(
            name: needed(pipeline),
            claims: [
                9: needed(pipeline), 11: needed("{runner_environment}"), 13: needed("{build_commit}"),
                21: needed(pipeline + "/builds/{build_number}#{job_id}"),
            ], defaults: ["runner_environment": "self-hosted"])
    }

    /// Service accounts of Kubernetes, under which Tekton's and other builders' jobs run. What a builder adds under the
    /// names of martlet's own tokens is taken over.
    static let kubernetes = ClaimTemplates(
        name: needed(account),
        claims: build.claims.mapValues { optional($0.text) }.merging([9: needed(account), 11: needed("self-hosted")]) {
            $1
        })
    private static let account =
        "https://kubernetes.io/namespaces/{kubernetes.io/namespace}/serviceaccounts/{kubernetes.io/serviceaccount/name}"

    /// martlet's own builds: each claim under its name.
    static let build = ClaimTemplates(
        name: needed("{sub}"),
        claims: [
            9: needed("{build_signer_uri}"), 10: optional("{build_signer_digest}"),
            11: needed("{runner_environment}"), 12: optional("{source_repository_uri}"),
            13: optional("{source_repository_digest}"), 14: optional("{source_repository_ref}"),
            15: optional("{source_repository_identifier}"), 16: optional("{source_repository_owner_uri}"),
            17: optional("{source_repository_owner_identifier}"), 18: optional("{build_config_uri}"),
            19: optional("{build_config_digest}"), 20: optional("{build_trigger}"),
            21: optional("{run_invocation_uri}"), 22: optional("{source_repository_visibility}"),
            23: optional("{deployment_environment}"),
        ])
}
