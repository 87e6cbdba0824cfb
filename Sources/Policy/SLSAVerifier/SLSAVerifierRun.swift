internal import Attest
internal import Bytes
internal import Sigstore

/// slsa-verifier's checks of provenance from GitHub Actions that can be decided offline, in its order and with its
/// errors.
package struct SLSAVerifierRun: Sendable {
    /// Which command is asked, and so which builders count.
    package enum Command: String, Sendable {
        case artifact = "verify-artifact"
        case image = "verify-image"
        case npmPackage = "verify-npm-package"
        case gitHubAttestation = "verify-github-attestation"
    }

    package struct Options: Sendable {
        package var builderID: String?
        package var sourceURI: String
        package var sourceBranch: String?
        package var sourceTag: String?
        package var sourceVersionedTag: String?
        package var workflowInputs: [String: String] = [:]
        package var packageName: String?
        package var packageVersion: String?

        package init(sourceURI: String) { self.sourceURI = sourceURI }
    }

    let command: Command
    let options: Options

    package init(_ command: Command, _ options: Options) {
        self.command = command
        self.options = options
    }

    /// What a certificate says of the workflow that it was issued to.
    private struct Workflow {
        /// `https://github.com/ORG/REPOSITORY/PATH@REF`.
        let identity: String
        let issuer: String
        let claims: [String: String]

        var path: String { String(identity.prefix { $0 != "@" }) }
        var ref: String? { identity.firstIndex(of: "@").map { String(identity[identity.index(after: $0)...]) } }
        /// `https://github.com/ORG/REPOSITORY` of whoever called the workflow.
        var source: String? {
            claims["sourceRepositoryURI"] ?? claims["workflowRepository"].map { "https://github.com/\($0)" }
        }
    }

    /// Checks evidence about an artifact; gives the builder's identity.
    ///
    /// - Parameter digests: of the artifact, as `sha256:HEX`.
    package func verify(_ evidence: Evidence, digests: [String]) throws(SLSAVerifierError) -> String {
        guard case .identity(let issuer, let identity, let claims) = evidence.signer else {
            throw SLSAVerifierError(.invalidCertificate, "the statement is signed by a key, not with a certificate")
        }
        let workflow = Workflow(identity: identity, issuer: issuer, claims: claims)
        guard issuer == TrustedWorkflow.issuer else { throw SLSAVerifierError(.invalidOIDCIssuer, issuer) }
        guard let ref = workflow.ref else { throw SLSAVerifierError(.malformedURI, "workflow uri: \(identity)") }
        guard let statement = evidence.statement, let view = evidence.provenance else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the payload is no provenance that is known")
        }
        let builder = try checkBuilder(workflow, ref, view)
        guard TrustedWorkflow.buildTypes.contains(view.buildType) else {
            throw SLSAVerifierError(.invalidBuildType, view.buildType)
        }
        try checkSource(statement, view, workflow)
        guard digests.contains(where: evidence.digests.contains) else {
            throw SLSAVerifierError(
                .mismatchHash,
                "expected \(digests.joined(separator: ", ")), got \(evidence.digests.sorted().joined(separator: ", "))")
        }
        let facts = WorkflowFacts(statement, view, claims)
        try checkCertificate(facts, workflow)
        try checkReferences(facts)
        try checkInputs(facts)
        if command == .npmPackage { try checkPackage(statement) }
        return builder
    }

    // MARK: - Builder

    private func checkBuilder(
        _ workflow: Workflow, _ ref: String, _ view: ProvenanceView
    ) throws(SLSAVerifierError) -> String {
        if command == .npmPackage { return try checkRunner(workflow, view) }
        let path = workflow.path
        let full = "\(path)@\(ref)"
        let isDelegated = TrustedWorkflow.delegators.contains(path)
        if let wanted = options.builderID, !wanted.isEmpty, !isDelegated {
            guard Self.isMeant(full, by: wanted) else {
                throw SLSAVerifierError(.untrustedReusableWorkflow, "expected \(wanted), got \(full)")
            }
        } else {
            let trusted =
                switch command {
                case .artifact: TrustedWorkflow.artifact + TrustedWorkflow.delegators
                case .image: TrustedWorkflow.container + TrustedWorkflow.delegators
                default: TrustedWorkflow.bazelRegistry
                }
            guard trusted.contains(path) else { throw SLSAVerifierError(.untrustedReusableWorkflow, path) }
        }
        if command != .gitHubAttestation || path.contains("slsa-github-generator") {
            guard ref.hasPrefix("refs/tags/"), SemanticVersion(String(ref.dropFirst(10)))?.isRelease == true else {
                throw SLSAVerifierError(.invalidRef, "\(ref): not of the form vX.Y.Z")
            }
        }
        if isDelegated {
            // The delegator signs for a builder that it calls, and names that.
            let wanted = options.builderID ?? ""
            let repository = "https://github.com/slsa-framework/slsa-github-generator/"
            let isMeant =
                wanted.isEmpty ? view.builderID.hasPrefix(repository) : Self.isMeant(view.builderID, by: wanted)
            guard isMeant else {
                throw SLSAVerifierError(
                    .mismatchBuilderID, "expected \(wanted.isEmpty ? repository : wanted), got \(view.builderID)")
            }
            return view.builderID
        }
        guard Self.isMeant(full, by: view.builderID) else {
            throw SLSAVerifierError(.mismatchBuilderID, "expected \(full), got \(view.builderID)")
        }
        return full
    }

    private func checkRunner(_ workflow: Workflow, _ view: ProvenanceView) throws(SLSAVerifierError) -> String {
        let wanted = options.builderID ?? TrustedWorkflow.hostedRunner
        guard Self.isMeant(TrustedWorkflow.hostedRunner, by: wanted) else {
            throw SLSAVerifierError(.mismatchBuilderID, "expected \(wanted), got \(view.builderID)")
        }
        let isHosted = workflow.claims["runnerEnvironment"].map { $0 == "github-hosted" } ?? true
        let names = [TrustedWorkflow.hostedRunner, "https://github.com/actions/runner"]
        guard isHosted, names.contains(view.builderID) else {
            throw SLSAVerifierError(.mismatchBuilderID, "\(view.builderID) is not known to be hosted by GitHub")
        }
        return TrustedWorkflow.hostedRunner
    }

    /// Whether `wanted`, with or without a version, is this builder; the version may leave out `refs/tags/`.
    private static func isMeant(_ full: String, by wanted: String) -> Bool {
        let name = full.prefix { $0 != "@" }
        guard let at = wanted.firstIndex(of: "@") else { return wanted == name }
        let version = wanted[wanted.index(after: at)...]
        return wanted[..<at] == name && (full.hasSuffix("@\(version)") || full.hasSuffix("@refs/tags/\(version)"))
    }

    // MARK: - Source

    private func checkSource(
        _ statement: Statement, _ view: ProvenanceView, _ workflow: Workflow
    ) throws(SLSAVerifierError) {
        let (wanted, suffix) = SourceClaim.split(options.sourceURI)
        guard suffix == nil, wanted.hasPrefix("https://"), wanted.dropFirst(8).contains("/") else {
            throw SLSAVerifierError(.malformedURI, options.sourceURI)
        }
        guard let source = SourceClaim(statement, view) else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the statement names no source")
        }
        guard source.repository.hasSameBytes(as: wanted) else {
            throw SLSAVerifierError(.mismatchSource, "expected source '\(wanted)', got '\(source.repository)'")
        }
        let certified = workflow.source.map { SourceClaim.split($0).repository }
        guard certified?.hasSameBytes(as: wanted) == true else {
            throw SLSAVerifierError(
                .mismatchSource, "expected source '\(wanted)', got '\(certified ?? "none")' in the certificate")
        }
    }

    /// What the statement says of the run must be what the certificate says, where both say it.
    private func checkCertificate(_ facts: WorkflowFacts, _ workflow: Workflow) throws(SLSAVerifierError) {
        let claims = workflow.claims
        var run: (id: Substring, attempt: Substring)?
        if let uri = claims["runInvocationURI"] {
            let parts = uri.split(separator: "/")
            if parts.count >= 4, parts[parts.count - 2] == "attempts" {
                run = (parts[parts.count - 3], parts[parts.count - 1])
            }
        }
        let pairs: [(String, String?, String?)] = [
            ("event name", facts.event, claims["buildTrigger"] ?? claims["workflowTrigger"]),
            ("commit", facts.commit, claims["sourceRepositoryDigest"] ?? claims["workflowSHA"]),
            ("ref", facts.ref, claims["sourceRepositoryRef"] ?? claims["workflowRef"]),
            ("run id", facts.runID, run.map { String($0.id) }),
            ("run attempt", facts.runAttempt, run.map { String($0.attempt) }),
        ]
        for (name, said, certified) in pairs {
            guard let said, let certified, !said.hasSameBytes(as: certified) else { continue }
            throw SLSAVerifierError(
                .mismatchCertificate, "\(name): the statement says '\(said)', the certificate '\(certified)'")
        }
    }

    // MARK: - Branch, tag, inputs

    private func checkReferences(_ facts: WorkflowFacts) throws(SLSAVerifierError) {
        if let branch = options.sourceBranch {
            let wanted = "refs/heads/\(branch)"
            guard facts.branch == wanted else {
                throw SLSAVerifierError(.mismatchBranch, "expected branch '\(wanted)', got '\(facts.branch ?? "")'")
            }
        }
        if let tag = options.sourceTag {
            let wanted = "refs/tags/\(tag)"
            guard facts.tag == wanted else {
                throw SLSAVerifierError(.mismatchTag, "expected tag '\(wanted)', got '\(facts.tag ?? "")'")
            }
        }
        guard let text = options.sourceVersionedTag else { return }
        guard let wanted = SemanticVersion(text) else { throw SLSAVerifierError(.invalidSemver, text) }
        let tag = facts.tag.map { String($0.dropFirst("refs/tags/".count)) } ?? ""
        guard let got = SemanticVersion(tag) else { throw SLSAVerifierError(.invalidSemver, "the tag is '\(tag)'") }
        guard got.isMeant(by: wanted) else {
            throw SLSAVerifierError(.mismatchVersionedTag, "expected tag '\(text)', got '\(tag)'")
        }
    }

    private func checkInputs(_ facts: WorkflowFacts) throws(SLSAVerifierError) {
        guard !options.workflowInputs.isEmpty else { return }
        guard facts.event == "workflow_dispatch" else {
            throw SLSAVerifierError(
                .mismatchWorkflowInputs,
                "inputs exist for workflow_dispatch alone, and the event is '\(facts.event ?? "")'")
        }
        for (name, wanted) in options.workflowInputs.sorted(by: { $0.key < $1.key }) {
            let value = facts.inputs[name]
            let got = value?.stringValue ?? value?.text()
            guard got == wanted else {
                throw SLSAVerifierError(
                    .mismatchWorkflowInputs, "expected '\(name)=\(wanted)', got '\(got ?? "nothing")'")
            }
        }
    }

    // MARK: - npm

    /// The subject of a package is `pkg:npm/NAME@VERSION`, in which a scope's @ is written %40.
    private func checkPackage(_ statement: Statement) throws(SLSAVerifierError) {
        guard statement.subjects.count == 1, let subject = statement.subjects.first else {
            throw SLSAVerifierError(.invalidSubject, "the statement has \(statement.subjects.count) subjects")
        }
        guard subject.name.hasPrefix("pkg:npm/"), let at = subject.name.lastIndex(of: "@") else {
            throw SLSAVerifierError(.invalidPackageName, subject.name)
        }
        let name = subject.name[..<at].dropFirst("pkg:npm/".count).replacing("%40", with: "@")
        let version = String(subject.name[subject.name.index(after: at)...])
        if let wanted = options.packageName, wanted != name {
            throw SLSAVerifierError(.mismatchPackageName, "expected '\(wanted)', got '\(name)'")
        }
        if let wanted = options.packageVersion, wanted != version {
            throw SLSAVerifierError(.mismatchPackageVersion, "expected '\(wanted)', got '\(version)'")
        }
    }
}

/// What a statement says of the workflow run that it came from.
struct WorkflowFacts {
    var event: String?
    var ref: String?
    var commit: String?
    var runID: String?
    var runAttempt: String?
    /// As `refs/heads/NAME`, where the run was for a branch, or for a tag of which the branch is known.
    var branch: String?
    /// As `refs/tags/NAME`.
    var tag: String?
    var inputs: JSONObject = [:]

    init(_ statement: Statement, _ view: ProvenanceView, _ claims: [String: String]) {
        let environment = view.environment
        func value(_ name: String) -> String? {
            let found = environment["github_\(name)"] ?? environment["GITHUB_\(name.uppercased())"]
            return found?.stringValue ?? found?.intValue.map(String.init)
        }
        let workflow = view.parameters["workflow"]
        let payload = environment["github_event_payload"] ?? environment["GITHUB_EVENT_PAYLOAD"]
        event = value("event_name") ?? environment["github"]?["event_name"]?.stringValue
        ref = value("ref") ?? workflow?["ref"]?.stringValue
        commit = value("sha1") ?? value("sha")
        runID = value("run_id")
        runAttempt = value("run_attempt")
        inputs = payload?["inputs"]?.objectValue ?? view.parameters["inputs"]?.objectValue ?? [:]
        let ref = self.ref ?? SourceClaim(statement, view)?.ref ?? claims["sourceRepositoryRef"]
        if let ref, ref.hasPrefix("refs/heads/") { branch = ref }
        if let ref, ref.hasPrefix("refs/tags/") {
            tag = ref
            var base = value("base_ref") ?? payload?["base_ref"]?.stringValue
            if base?.isEmpty ?? true { base = payload?["release"]?["target_commitish"]?.stringValue }
            if let base, !base.isEmpty { branch = base.hasPrefix("refs/") ? base : "refs/heads/\(base)" }
        }
    }
}
