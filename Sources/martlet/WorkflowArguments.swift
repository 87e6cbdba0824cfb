internal import ArgumentParser
internal import Sigstore

/// Which workflow of GitHub Actions must have signed. The names are those that users of `gh attestation verify` and of
/// cosign know.
struct WorkflowArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The owner on GitHub of the repository that was built.", valueName: "name"))
    var owner: String?

    @Option(help: ArgumentHelp("The repository on GitHub that was built.", valueName: "owner/name"))
    var repo: String?

    @Option(
        help: ArgumentHelp(
            "The repository of the workflow that signed. Default: that of --repo.", valueName: "owner/name")
    )
    var signerRepo: String?

    @Option(help: ArgumentHelp("The workflow that signed.", valueName: "owner/name/path"))
    var signerWorkflow: String?

    @Option(help: ArgumentHelp("The commit of the workflow that signed.", valueName: "commit"))
    var signerDigest: String?

    @Option(help: ArgumentHelp("The reference that was built, such as refs/tags/v1.2.3.", valueName: "ref"))
    var sourceRef: String?

    @Option(help: ArgumentHelp("The commit that was built.", valueName: "commit"))
    var sourceDigest: String?

    @Flag(help: "The workflow must have run on a runner of GitHub's.")
    var denySelfHostedRunners = false

    @Option(help: ArgumentHelp("The event, as older certificates name it.", valueName: "event"))
    var certificateGithubWorkflowTrigger: String?

    @Option(help: ArgumentHelp("The commit, as older certificates name it.", valueName: "commit"))
    var certificateGithubWorkflowSha: String?

    @Option(help: ArgumentHelp("The workflow's name, as older certificates have it.", valueName: "name"))
    var certificateGithubWorkflowName: String?

    @Option(help: ArgumentHelp("The repository, as older certificates name it.", valueName: "owner/name"))
    var certificateGithubWorkflowRepository: String?

    @Option(help: ArgumentHelp("The reference, as older certificates name it.", valueName: "ref"))
    var certificateGithubWorkflowRef: String?

    func validate() throws {
        if owner != nil, repo != nil { throw ValidationError("give --owner or --repo, not both") }
        if signerRepo != nil, signerWorkflow != nil {
            throw ValidationError("give --signer-repo or --signer-workflow, not both")
        }
    }

    var expectation: WorkflowExpectation {
        var out = WorkflowExpectation()
        out.owner = owner
        out.repository = repo
        out.signerRepository = signerRepo
        out.signerWorkflow = signerWorkflow
        out.signerDigest = signerDigest
        out.sourceRef = sourceRef
        out.sourceDigest = sourceDigest
        out.deniesSelfHostedRunners = denySelfHostedRunners
        return out
    }

    /// What the older extensions must say.
    var olderExtensions: [(oid: String, match: VerificationPolicy.Match)] {
        let texts = [
            (Certificate.Claim.workflowTrigger, certificateGithubWorkflowTrigger),
            (.workflowSHA, certificateGithubWorkflowSha), (.workflowName, certificateGithubWorkflowName),
            (.workflowRepository, certificateGithubWorkflowRepository), (.workflowRef, certificateGithubWorkflowRef),
        ]
        return texts.compactMap { claim, text in
            text.map { ("1.3.6.1.4.1.57264.1.\(claim.rawValue)", .exactly($0)) }
        }
    }
}
