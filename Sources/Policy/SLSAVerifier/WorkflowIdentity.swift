internal import Bytes
internal import Sigstore

/// What a certificate of GitHub Actions says of the workflow that it was issued to (fulcio, docs/oid-info.md).
///
/// Older certificates have fewer extensions; where one says the same in an old and a new one, both must agree.
struct WorkflowIdentity: Sendable {
    /// Where the subject's workflow ran.
    enum Runner: String {
        case hosted = "github-hosted"
        case own = "self-hosted"
    }

    /// The subject: `https://github.com/ORG/REPOSITORY/PATH@REF`.
    let subject: String
    let subjectCommit: String?
    let runner: Runner?
    let issuer: String
    /// `ORG/REPOSITORY` of whoever called the workflow.
    let sourceRepository: String
    let sourceCommit: String
    let sourceRef: String?
    let sourceID: String?
    let sourceOwnerID: String?
    let trigger: String
    /// The path of the workflow that was triggered, inside its repository.
    let configPath: String?
    /// `ID/attempts/N`.
    let run: String?

    private static let gitHub = "https://github.com/"

    /// - Parameters:
    ///   - subject: The certificate's URI; `nil` where it is for something else.
    ///   - claims: By their names in Fulcio's documentation.
    init(subject: String?, claims: [String: String]) throws(SLSAVerifierError) {
        guard let subject else {
            throw SLSAVerifierError(.invalidFormat, "the certificate is not for a workflow: it names no URI")
        }
        func claim(_ name: String) -> String? { claims[name].flatMap { $0.isEmpty ? nil : $0 } }
        func agreed(_ old: String?, _ new: String?, _ what: String) throws(SLSAVerifierError) -> String {
            guard let value = new ?? old else {
                throw SLSAVerifierError(.invalidFormat, "the certificate does not say the \(what)")
            }
            if let old, !old.hasSameBytes(as: value) {
                throw SLSAVerifierError(
                    .invalidFormat, "the certificate says two things of the \(what): '\(old)' and '\(value)'")
            }
            return value
        }
        self.subject = subject
        trigger = try agreed(claim("workflowTrigger"), claim("buildTrigger"), "event")
        sourceCommit = try agreed(claim("workflowSHA"), claim("sourceRepositoryDigest"), "commit")
        _ = try agreed(sourceCommit, claim("buildConfigDigest"), "commit of the workflow")
        issuer = try agreed(claim("issuerV1"), claim("issuer"), "issuer")
        let old = claim("workflowRepository")
        if let old, let new = claim("sourceRepositoryURI"), !new.hasSameBytes(as: Self.gitHub + old) {
            throw SLSAVerifierError(
                .invalidFormat, "the certificate says two things of the repository: '\(old)' and '\(new)'")
        }
        let uri = claim("sourceRepositoryURI") ?? ""
        let repository = uri.hasPrefix(Self.gitHub) ? String(uri.dropFirst(Self.gitHub.count)) : uri
        sourceRepository = repository.isEmpty ? old ?? "" : repository
        subjectCommit = claim("buildSignerDigest")
        runner = claim("runnerEnvironment").flatMap { Runner(rawValue: $0) }
        sourceRef = claim("sourceRepositoryRef")
        sourceID = claim("sourceRepositoryIdentifier")
        sourceOwnerID = claim("sourceRepositoryOwnerIdentifier")
        configPath = try claim("buildConfigURI").map { [sourceRepository] uri throws(SLSAVerifierError) in
            let parts = uri.split(separator: "@", omittingEmptySubsequences: false)
            let prefix = "\(Self.gitHub)\(sourceRepository)/"
            guard parts.count == 2, parts[0].hasPrefix(prefix) else {
                throw SLSAVerifierError(.invalidFormat, "the certificate's workflow is not of its repository: '\(uri)'")
            }
            return String(parts[0].dropFirst(prefix.count))
        }
        let runs = "\(Self.gitHub)\(sourceRepository)/actions/runs/"
        run = claim("runInvocationURI").map { $0.hasPrefix(runs) ? String($0.dropFirst(runs.count)) : $0 }
    }

    /// The subject without its reference, and that; empty where there is none.
    var workflow: (name: String, ref: String) {
        guard let at = subject.lastIndex(of: "@") else { return (subject, "") }
        return (String(subject[..<at]), String(subject[subject.index(after: at)...]))
    }

    /// The subject as GitHub Actions writes it into `GITHUB_WORKFLOW_REF`: without the server.
    var workflowReference: String {
        guard let scheme = subject.firstRange(of: "://") else { return subject }
        return String(subject[scheme.upperBound...].drop { $0 != "/" }.drop { $0 == "/" })
    }

    /// The number of the run, and which attempt it was; empty where the certificate does not say.
    func runParts() throws(SLSAVerifierError) -> (id: String, attempt: String) {
        guard let run else { return ("", "") }
        let parts = run.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw SLSAVerifierError(.invalidFormat, "the certificate's run is '\(run)'") }
        return (String(parts[0]), String(parts[2]))
    }
}

/// A statement whose signature, certificate and log entry have been verified, as slsa-verifier's checks see it.
package struct SignedProvenance: Sendable {
    /// The certificate's subject where that is a URI.
    let subject: String?
    let issuer: String
    let claims: [String: String]
    let payloadType: String
    /// The bytes that were signed.
    package let payload: [UInt8]

    /// For tests of what stands above verification.
    init(
        subject: String?, issuer: String, claims: [String: String],
        payloadType: String = "application/vnd.in-toto+json",
        payload: [UInt8]
    ) {
        self.subject = subject
        self.issuer = issuer
        self.claims = claims
        self.payloadType = payloadType
        self.payload = payload
    }

    /// What a certificate and an envelope say.
    init(_ certificate: Certificate, payloadType: String, payload: [UInt8]) {
        var claims: [String: String] = [:]
        for (claim, text) in (try? certificate.claims()) ?? [] { claims[claim.name] = text }
        claims["issuerV1"] = (try? certificate.extensionText(oid: "1.3.6.1.4.1.57264.1.1")) ?? nil
        var subject: String?
        if case .uri(let text)? = try? certificate.signerName() { subject = text }
        self.init(
            subject: subject, issuer: claims["issuer"] ?? "", claims: claims, payloadType: payloadType,
            payload: payload)
    }

    var identity: WorkflowIdentity {
        get throws(SLSAVerifierError) { try WorkflowIdentity(subject: subject, claims: claims) }
    }
}
