internal import Attest
internal import Bytes
internal import Sigstore

/// slsa-verifier's checks of provenance that can be decided offline, in its order and with its errors.
package struct SLSAVerifierRun: Sendable {
    /// Which command is asked, and so which builders count.
    package enum Command: String, Sendable {
        case artifact = "verify-artifact"
        case image = "verify-image"
        case npmPackage = "verify-npm-package"
        case gitHubAttestation = "verify-github-attestation"
    }

    package struct Options: Sendable {
        /// `nil` where the user names no builder.
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

    /// What passed.
    package struct Verified: Sendable {
        package let builder: String
        /// The commit that the certificate names; `nil` where there is no certificate.
        package let commit: String?
        /// The bytes of the statement as they were signed.
        package let payload: [UInt8]
    }

    let command: Command
    let options: Options

    package init(_ command: Command, _ options: Options) {
        self.command = command
        self.options = options
    }

    /// Who looks into the provenance of a builder.
    enum Authority {
        case gitHub, cloudBuild
    }

    /// Who builds as the builder that the user names; GitHub where nobody is named.
    func authority() throws(SLSAVerifierError) -> Authority {
        guard let id = options.builderID, !id.isEmpty else { return .gitHub }
        let name = try TrustedBuilder(id).name
        if name.hasPrefix("https://github.com/") { return .gitHub }
        guard name == CloudBuildProvenance.builder else { throw SLSAVerifierError(.verifierNotSupported, id) }
        guard command == .image else {
            throw SLSAVerifierError(.notSupported, "Google Cloud Build makes images; use verify-image")
        }
        return .cloudBuild
    }

    /// Checks that somebody looks into the provenance of the builder that the user names, for this command.
    package func checkAuthority() throws(SLSAVerifierError) { _ = try authority() }

    /// Checks a statement about an artifact.
    ///
    /// - Parameter digest: The artifact's SHA-256 in hexadecimal.
    func verify(_ signed: SignedProvenance, digest: String) throws(SLSAVerifierError) -> Verified {
        if command != .image { try checkSigner(signed) }
        let identity = try signed.identity
        let (certified, isDelegated) = try builder(of: identity, wanted: options.builderID)
        try checkSource(of: identity)
        let provenance = try WorkflowProvenance(signed, builder: certified.name)
        let named: TrustedBuilder
        if isDelegated {
            named = try delegatedBuilder(provenance)
        } else {
            try TrustedBuilder(provenance.builderID).match(certified.description)
            named = certified
        }
        try checkCommon(provenance, digest: digest, algorithm: "sha256")
        try checkRun(provenance, identity)
        return Verified(builder: named.description, commit: identity.sourceCommit, payload: signed.payload)
    }

    /// Why a statement would be refused that a workflow signed; `nil` where nothing is wrong with it. For those who
    /// want to know before it is signed: nothing here says that it was.
    package func refusal(
        of payload: [UInt8], workflow: String, claims: [String: String], digest: String
    ) -> SLSAVerifierError? {
        let claimed = SignedProvenance(
            subject: workflow, issuer: claims["issuer"] ?? "", claims: claims, payload: payload)
        do throws(SLSAVerifierError) {
            if command == .npmPackage {
                _ = try verifyPackage(claimed, digest: digest)
                try checkPublication(claimed, claimed, digest: digest)
            } else {
                _ = try verify(claimed, digest: digest)
            }
            return nil
        } catch {
            return error
        }
    }

    /// Checks that GitHub Actions vouched for the signer. slsa-verifier asks so of every bundle, and does not of images.
    func checkSigner(_ signed: SignedProvenance) throws(SLSAVerifierError) {
        guard signed.issuer == TrustedWorkflow.issuer else {
            throw SLSAVerifierError(
                .invalidCertificate, "expected issuer '\(TrustedWorkflow.issuer)', got '\(signed.issuer)'")
        }
        guard signed.subject?.hasPrefix("https://github.com") == true else {
            throw SLSAVerifierError(.invalidCertificate, "the certificate is not for a workflow of GitHub")
        }
    }

    // MARK: - Builder

    /// The builder that a certificate is for, and whether it lets others bring their own.
    func builder(
        of identity: WorkflowIdentity, wanted: String?
    ) throws(SLSAVerifierError) -> (builder: TrustedBuilder, isDelegated: Bool) {
        guard identity.issuer == TrustedWorkflow.issuer else {
            throw SLSAVerifierError(.invalidOIDCIssuer, identity.issuer)
        }
        let (name, ref) = identity.workflow
        guard !name.isEmpty, !ref.isEmpty else {
            throw SLSAVerifierError(.malformedURI, "the workflow is '\(identity.subject)'")
        }
        let defaults = TrustedWorkflow.defaults(for: command)
        let isNamed = wanted.map { !$0.isEmpty } ?? false
        guard isNamed || defaults.contains(name) else {
            throw SLSAVerifierError(.untrustedReusableWorkflow, "\(name) is none of the workflows that are believed")
        }
        let builder = try TrustedBuilder("\(name)@\(ref)", needsVersion: true)
        let isDelegated = TrustedWorkflow.delegators.contains(name) && defaults.contains(name)
        if isNamed, !isDelegated, let wanted {
            do throws(SLSAVerifierError) {
                try builder.match(loosely: wanted, allowsShortVersion: true)
            } catch {
                throw SLSAVerifierError(.untrustedReusableWorkflow, error.message)
            }
        }
        try TrustedBuilder.checkRelease(ref)
        return (builder, isDelegated)
    }

    /// The builder that a delegator signed for: the one that the user names, else one of the generator's own.
    private func delegatedBuilder(_ provenance: WorkflowProvenance) throws(SLSAVerifierError) -> TrustedBuilder {
        let id = provenance.builderID
        let parts = id.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw SLSAVerifierError(.invalidBuilderID, "'\(id)'") }
        if parts[0].hasPrefix(TrustedWorkflow.jReleaser) {
            try TrustedBuilder.checkJReleaser(parts[1])
        } else {
            _ = try GitReference.split(provenance.source())
            try TrustedBuilder.checkRelease(parts[1])
        }
        let builder = try TrustedBuilder(id)
        guard let wanted = options.builderID else {
            guard builder.name.hasPrefix(TrustedWorkflow.generatorWorkflows) else {
                throw SLSAVerifierError(
                    .invalidBuilderID, "expected a workflow below \(TrustedWorkflow.generatorWorkflows), got '\(id)'")
            }
            return builder
        }
        try builder.match(loosely: wanted, allowsShortVersion: true)
        return builder
    }

    // MARK: - Source

    /// Checks the repository of the certificate. It is asked for as `github.com/ORGANIZATION/REPOSITORY`.
    func checkSource(of identity: WorkflowIdentity) throws(SLSAVerifierError) {
        var wanted = options.sourceURI[...]
        for prefix in ["git+https://", "github.com/"] where wanted.hasPrefix(prefix) {
            wanted = wanted.dropFirst(prefix.count)
        }
        guard identity.sourceRepository.hasSameBytes(as: String(wanted)) else {
            throw SLSAVerifierError(
                .mismatchSource, "expected source '\(wanted)', got '\(identity.sourceRepository)' in the certificate")
        }
    }

    /// Checks the repository of the statement, where it says so twice.
    private func checkSource(_ provenance: WorkflowProvenance) throws(SLSAVerifierError) {
        let wanted = GitReference.normalized(options.sourceURI)
        guard wanted.hasPrefix("git+https://github.com/") else {
            throw SLSAVerifierError(.malformedURI, "'\(options.sourceURI)' is no repository of github.com")
        }
        let triggerText = try provenance.triggerSource()
        let trigger = try GitReference.split(triggerText)
        guard trigger.repository.hasSameBytes(as: wanted) else {
            throw SLSAVerifierError(
                .mismatchSource, "expected source '\(wanted)', got '\(triggerText)' of the workflow")
        }
        guard !trigger.ref.isEmpty else { throw SLSAVerifierError(.malformedURI, "'\(triggerText)' has no reference") }
        let sourceText = try provenance.source()
        let source = try GitReference.split(sourceText)
        guard source.repository.hasSameBytes(as: wanted) else {
            throw SLSAVerifierError(.mismatchSource, "expected source '\(wanted)', got '\(sourceText)'")
        }
        guard !source.ref.isEmpty else {
            // npm's first statements had none, and delegated builders may build a commit of their own.
            if provenance.buildType == WorkflowProvenance.firstNPMType || provenance.layout == .delegated { return }
            throw SLSAVerifierError(.malformedURI, "'\(sourceText)' has no reference")
        }
        guard triggerText.hasSameBytes(as: sourceText) else {
            throw SLSAVerifierError(
                .invalidDSSEPayload, "the workflow ran for '\(triggerText)' and built '\(sourceText)'")
        }
    }

    // MARK: - What all statements are asked

    func checkCommon(
        _ provenance: WorkflowProvenance, digest: String, algorithm: String
    ) throws(SLSAVerifierError) {
        try checkSource(provenance)
        try Self.checkDigest(digest, algorithm, provenance.subjects)
        if let branch = options.sourceBranch {
            let got = try GitReference.name(provenance.branch(), of: .branch)
            guard got.hasSameBytes(as: branch) else {
                throw SLSAVerifierError(.mismatchBranch, "expected branch '\(branch)', got '\(got)'")
            }
        }
        if let tag = options.sourceTag {
            let got = try GitReference.name(provenance.tag(), of: .tag)
            guard got.hasSameBytes(as: tag) else {
                throw SLSAVerifierError(.mismatchTag, "expected tag '\(tag)', got '\(got)'")
            }
        }
        if let version = options.sourceVersionedTag {
            try Self.checkVersion(try GitReference.name(provenance.tag(), of: .tag), version)
        }
        try checkInputs(provenance)
    }

    static func checkDigest(
        _ digest: String, _ algorithm: String, _ subjects: [Subject]
    ) throws(SLSAVerifierError) {
        guard subjects.contains(where: { $0.digest[algorithm]?.hasSameBytes(as: digest) == true }) else {
            let got = subjects.prefix(3).compactMap { $0.digest[algorithm] }.joined(separator: ", ")
            throw SLSAVerifierError(
                .mismatchHash, "expected \(algorithm):\(digest), got \(got.isEmpty ? "none of \(algorithm)" : got)")
        }
    }

    static func checkVersion(_ tag: String, _ text: String) throws(SLSAVerifierError) {
        guard let wanted = SemanticVersion(text) else { throw SLSAVerifierError(.invalidSemver, "'\(text)'") }
        guard let got = SemanticVersion(tag) else { throw SLSAVerifierError(.invalidSemver, "the tag is '\(tag)'") }
        guard got.isMeant(by: wanted) else {
            throw SLSAVerifierError(.mismatchVersionedTag, "expected tag '\(text)', got '\(tag)'")
        }
    }

    private func checkInputs(_ provenance: WorkflowProvenance) throws(SLSAVerifierError) {
        guard !options.workflowInputs.isEmpty else { return }
        let inputs = try provenance.inputs()
        for (name, wanted) in options.workflowInputs.sorted(by: { $0.key < $1.key }) {
            let got = inputs[name]?.stringValue
            guard got?.hasSameBytes(as: wanted) == true else {
                throw SLSAVerifierError(
                    .mismatchWorkflowInputs, "expected '\(name)=\(wanted)', got '\(got ?? "no text")'")
            }
        }
    }

    /// What the statement says of the run must be what the certificate says, where both say it. The attempt may
    /// differ: of a run that is taken up again, only the jobs that failed are new.
    private func checkRun(
        _ provenance: WorkflowProvenance, _ identity: WorkflowIdentity
    ) throws(SLSAVerifierError) {
        let pairs: [(String, String?, String?)] = [
            ("event", provenance.variable("github_event_name"), identity.trigger),
            (
                "commit", provenance.variable(provenance.layout == .environment ? "github_sha1" : "github_sha"),
                identity.sourceCommit
            ),
            ("reference", provenance.variable("github_ref"), identity.sourceRef),
            (
                "run", provenance.variable("github_run_id"),
                identity.run.flatMap { $0.split(separator: "/").first.map(String.init) }
            ),
        ]
        for (name, said, certified) in pairs {
            guard let said, let certified, !said.hasSameBytes(as: certified) else { continue }
            throw SLSAVerifierError(
                .mismatchCertificate, "the \(name) is '\(said)' in the statement and '\(certified)' in the certificate")
        }
    }
}
