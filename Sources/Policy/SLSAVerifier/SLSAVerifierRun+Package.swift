internal import Attest
internal import Bytes
internal import Sigstore

/// Packages of npm: two attestations, one of the build and one of the registry.
extension SLSAVerifierRun {
    /// Checks the provenance of a package.
    ///
    /// - Parameter digest: The archive's SHA-512 in hexadecimal.
    func verifyPackage(_ signed: SignedProvenance, digest: String) throws(SLSAVerifierError) -> Verified {
        try checkSigner(signed)
        let identity = try signed.identity
        // Of workflows only a delegator signs for a builder that has a name; for npm itself the user's own does.
        var delegator: TrustedBuilder?
        do throws(SLSAVerifierError) {
            delegator = try builder(of: identity, wanted: "npm").builder
        } catch {
            guard error.identity == .untrustedReusableWorkflow else { throw error }
        }
        try checkSource(of: identity)
        guard let wanted = options.builderID else {
            throw SLSAVerifierError(.invalidBuilderID, "give --builder-id, such as \(TrustedWorkflow.hostedRunner)")
        }
        if delegator != nil {
            if identity.runner == .own {
                throw SLSAVerifierError(.mismatchBuilderID, "the workflow ran on a self-hosted runner")
            }
        } else {
            try Self.checkRunner(identity, wanted)
        }
        let named: TrustedBuilder
        if let delegator { named = delegator } else { named = try TrustedBuilder(wanted) }
        let provenance = try WorkflowProvenance(signed, builder: named.name)
        try Self.checkBuilder(provenance, wanted)
        try checkCommon(provenance, digest: digest, algorithm: "sha512")
        if delegator == nil { try Self.check(provenance, against: identity) }
        return Verified(builder: named.description, commit: identity.sourceCommit, payload: signed.payload)
    }

    private static func checkRunner(_ identity: WorkflowIdentity, _ wanted: String) throws(SLSAVerifierError) {
        guard let runner = identity.runner else {
            throw SLSAVerifierError(.notSupported, "the certificate does not say whose runner it was")
        }
        let needed: WorkflowIdentity.Runner
        switch wanted {
        case TrustedWorkflow.runner, TrustedWorkflow.hostedRunner: needed = .hosted
        case TrustedWorkflow.ownRunner: needed = .own
        default:
            throw SLSAVerifierError(
                .notSupported,
                "builder '\(wanted)'; expected \(TrustedWorkflow.hostedRunner) or \(TrustedWorkflow.ownRunner)")
        }
        guard runner == needed else {
            throw SLSAVerifierError(
                .mismatchBuilderID, "expected a runner that is \(needed.rawValue), got \(runner.rawValue)")
        }
    }

    /// Checks the builder in the statement. Older ones leave out that the runner is GitHub's.
    private static func checkBuilder(_ provenance: WorkflowProvenance, _ wanted: String) throws(SLSAVerifierError) {
        let suffix = "/github-hosted"
        let other = wanted.hasSuffix(suffix) ? String(wanted.dropLast(suffix.count)) : wanted + suffix
        do throws(SLSAVerifierError) {
            try TrustedBuilder(provenance.builderID).match(loosely: wanted, allowsShortVersion: true)
        } catch {
            do throws(SLSAVerifierError) {
                try TrustedBuilder(provenance.builderID).match(loosely: other, allowsShortVersion: true)
            } catch _ { throw error }
        }
    }

    // MARK: - Statement and certificate

    /// Checks what npm's own statement says against the certificate: a workflow of anybody wrote it, and could have
    /// written anything. What no certificate can back must not be there.
    private static func check(
        _ provenance: WorkflowProvenance, against identity: WorkflowIdentity
    ) throws(SLSAVerifierError) {
        try checkVariables(provenance, identity)
        if provenance.hasParameters { throw SLSAVerifierError(.nonVerifiableClaim, "the statement has parameters") }
        try checkInvocation(provenance, identity)
        if let time = provenance.times.first {
            throw SLSAVerifierError(.nonVerifiableClaim, "the statement says that the build began or ended at \(time)")
        }
        if let claim = provenance.unbackedClaims.first { throw SLSAVerifierError(.nonVerifiableClaim, claim) }
        guard provenance.subjects.count == 1, provenance.subjects[0].digest["sha512"] != nil else {
            throw SLSAVerifierError(
                .nonVerifiableClaim, "the statement has \(provenance.subjects.count) subjects, or one without SHA-512")
        }
        try checkEqual("the workflow", provenance.triggerPath(), identity.configPath)
        guard provenance.dependencies.count == 1 else {
            throw SLSAVerifierError(
                .nonVerifiableClaim,
                "the statement lists \(provenance.dependencies.count) dependencies, not the source alone")
        }
        if provenance.hasBuildConfig { throw SLSAVerifierError(.nonVerifiableClaim, "the statement has a buildConfig") }
    }

    private static func checkVariables(
        _ provenance: WorkflowProvenance, _ identity: WorkflowIdentity
    ) throws(SLSAVerifierError) {
        var variables = try provenance.parameters()
        var known: [String: String?]
        if provenance.layout == .npm {
            guard let nested = variables["github"]?.objectValue else {
                throw SLSAVerifierError(.invalidFormat, "internalParameters.github is no object")
            }
            variables = nested
            known = [
                "event_name": identity.trigger, "repository_id": identity.sourceID,
                "repository_owner_id": identity.sourceOwnerID,
            ]
        } else {
            known = [
                "GITHUB_EVENT_NAME": identity.trigger, "GITHUB_REPOSITORY": identity.sourceRepository,
                "GITHUB_REF": identity.sourceRef, "GITHUB_REPOSITORY_ID": identity.sourceID,
                "GITHUB_REPOSITORY_OWNER_ID": identity.sourceOwnerID, "GITHUB_SHA": identity.sourceCommit,
                "GITHUB_WORKFLOW_REF": identity.workflowReference, "GITHUB_WORKFLOW_SHA": identity.subjectCommit,
            ]
            let runKeys = ["GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"]
            if variables.contains(where: { runKeys.contains($0.key) }) {
                let run = identity.run == nil ? nil : try identity.runParts()
                known["GITHUB_RUN_ID"] = .some(run?.id)
                known["GITHUB_RUN_ATTEMPT"] = .some(run?.attempt)
            }
        }
        for variable in variables {
            guard let certified = known[variable.key] else {
                throw SLSAVerifierError(.mismatchCertificate, "no certificate knows of '\(variable.key)'")
            }
            try checkEqual(variable.key, WorkflowProvenance.text(variables, variable.key), certified)
        }
    }

    private static func checkInvocation(
        _ provenance: WorkflowProvenance, _ identity: WorkflowIdentity
    ) throws(SLSAVerifierError) {
        let id = provenance.invocationID
        guard !id.isEmpty else { return }
        let said: (id: Substring, attempt: Substring)
        if provenance.layout == .npm {
            // https://github.com/ORGANIZATION/REPOSITORY/actions/runs/ID/attempts/N
            let parts = id.replacing("https://github.com/", with: "", maxReplacements: 1).split(
                separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 7 else { throw SLSAVerifierError(.invalidFormat, "the invocation is '\(id)'") }
            said = (parts[4], parts[6])
        } else {
            let parts = id.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw SLSAVerifierError(.invalidFormat, "the invocation is '\(id)'") }
            said = (parts[0], parts[1])
        }
        let run = try identity.runParts()
        try checkEqual("the run", String(said.id), run.id)
        try checkEqual("the run's attempt", String(said.attempt), run.attempt)
    }

    private static func checkEqual(
        _ name: String, _ said: String, _ certified: String?
    ) throws(SLSAVerifierError) {
        guard let certified, said.hasSameBytes(as: certified) else {
            throw SLSAVerifierError(
                .mismatchCertificate,
                "\(name) is '\(said)' in the statement and '\(certified ?? "absent")' in the certificate")
        }
    }

    // MARK: - The registry's attestation

    /// npm's predicate of a publication, whatever its version.
    static let publication = "https://github.com/npm/attestation/tree/main/specs/publish/"

    /// Checks what the registry attests, and that both attestations are of the package that is meant.
    func checkPublication(
        _ published: SignedProvenance, _ built: SignedProvenance, digest: String
    ) throws(SLSAVerifierError) {
        let publication = try Self.statement(published) { $0.hasPrefix(Self.publication) }
        try Self.checkDigest(digest, "sha512", WorkflowProvenance.subjects(publication))
        let statement = try Self.statement(built) { [WorkflowProvenance.v0_2, WorkflowProvenance.v1].contains($0) }
        let predicate = publication["predicate"]
        if let wanted = options.packageName {
            let names = [try Self.package(statement).name, predicate?["name"]?.stringValue ?? ""]
            for got in names where !got.hasSameBytes(as: wanted) {
                throw SLSAVerifierError(.mismatchPackageName, "expected '\(wanted)', got '\(got)'")
            }
        }
        if let wanted = options.packageVersion {
            for got in [try Self.package(statement).version, predicate?["version"]?.stringValue ?? ""]
            where !got.hasSameBytes(as: wanted) {
                throw SLSAVerifierError(.mismatchPackageVersion, "expected '\(wanted)', got '\(got)'")
            }
        }
    }

    private static func statement(
        _ signed: SignedProvenance, isMeant: (String) -> Bool
    ) throws(SLSAVerifierError) -> JSON {
        let json = try WorkflowProvenance.json(signed)
        let type = json["predicateType"]?.stringValue ?? ""
        guard Statement.Version(rawValue: json["_type"]?.stringValue ?? "") != nil, isMeant(type) else {
            throw SLSAVerifierError(.invalidDSSEPayload, "a statement of the type '\(type)' is in the wrong place")
        }
        return json
    }

    /// The package that a statement is about: `pkg:npm/NAME@VERSION`, in which a scope's @ is written %40.
    private static func package(_ statement: JSON) throws(SLSAVerifierError) -> (name: String, version: String) {
        let subjects = try WorkflowProvenance.subjects(statement)
        guard subjects.count == 1 else {
            throw SLSAVerifierError(
                .invalidSubject, within: .invalidDSSEPayload, "the statement has \(subjects.count) subjects")
        }
        let prefix = "pkg:npm/"
        guard subjects[0].name.hasPrefix(prefix) else {
            throw SLSAVerifierError(.invalidPackageName, "'\(subjects[0].name)'")
        }
        guard let name = FormText.decoded(subjects[0].name.dropFirst(prefix.count)) else {
            throw SLSAVerifierError(.invalidEncoding, "'\(subjects[0].name)'")
        }
        return try split(name)
    }

    /// Splits `@scope/name@version`; the version may be absent.
    private static func split(_ text: String) throws(SLSAVerifierError) -> (name: String, version: String) {
        let scope = text.hasPrefix("@") ? "@" : ""
        let parts = text.dropFirst(scope.count).split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw SLSAVerifierError(.invalidPackageName, "'\(text)'") }
        return ("\(scope)\(parts[0])", parts.count == 2 ? String(parts[1]) : "")
    }
}
