internal import Bytes

/// What a signer must be who is a workflow of GitHub Actions, in the words of GitHub's program.
package struct WorkflowExpectation: Sendable {
    /// The organization or user of the repository that was built.
    package var owner: String?
    /// The repository that was built, as `OWNER/NAME`.
    package var repository: String?
    /// The repository of the workflow that signed, as `OWNER/NAME`. Without it that is where the sources are.
    package var signerRepository: String?
    /// The workflow that signed, as `[HOST/]OWNER/NAME/PATH`, with or without `@REF`.
    package var signerWorkflow: String?
    /// The commit of the workflow that signed.
    package var signerDigest: String?
    /// The reference that was built, such as `refs/tags/v1.2.3`.
    package var sourceRef: String?
    /// The commit that was built.
    package var sourceDigest: String?
    package var deniesSelfHostedRunners = false

    package init() {}

    /// The token issuer of GitHub Actions.
    package static let issuer = "https://token.actions.githubusercontent.com"

    /// Whether anything is expected.
    package var isEmpty: Bool {
        let texts = [owner, repository, signerRepository, signerWorkflow, signerDigest, sourceRef, sourceDigest]
        return texts.allSatisfy { $0 == nil } && !deniesSelfHostedRunners
    }

    /// Who the certificate must name; `nil` where that is not said. GitHub's names do not tell capitals from small
    /// letters.
    package func name() throws(SigstoreError) -> VerificationPolicy.Match? {
        if let workflow = signerWorkflow {
            let parts = workflow.split(separator: "/", omittingEmptySubsequences: false)
            let hasHost = parts.first?.contains(".") == true
            guard parts.count >= (hasHost ? 4 : 3), parts.allSatisfy({ !$0.isEmpty }) else {
                throw SigstoreError(.malformed, "a workflow is [HOST/]OWNER/NAME/PATH, not \(workflow.safeForTerminal)")
            }
            let address = "https://" + (hasHost ? "" : "github.com/") + workflow
            return .pattern("^" + Self.escaped(address) + (workflow.contains("@") ? "\\z" : "@"))
        }
        if let repository = signerRepository ?? repository { return try Self.below(repository, parts: 2) }
        if let owner { return try Self.below(owner, parts: 1) }
        return nil
    }

    /// What the certificate's extensions must say.
    package func extensions() throws(SigstoreError) -> [(oid: String, match: VerificationPolicy.Match)] {
        var out: [(oid: String, match: VerificationPolicy.Match)] = []
        func expect(_ claim: Certificate.Claim, _ match: VerificationPolicy.Match?) {
            if let match { out.append(("1.3.6.1.4.1.57264.1.\(claim.rawValue)", match)) }
        }
        let repositoryOwner = repository?.split(separator: "/").first.map(String.init)
        for owner in [owner, repositoryOwner] {
            expect(
                .sourceRepositoryOwnerURI, try owner.map { text throws(SigstoreError) in try Self.same(text, parts: 1) }
            )
        }
        expect(.sourceRepositoryURI, try repository.map { text throws(SigstoreError) in try Self.same(text, parts: 2) })
        expect(.sourceRepositoryRef, sourceRef.map { .exactly($0) })
        expect(.sourceRepositoryDigest, sourceDigest.map { .exactly($0) })
        expect(.buildSignerDigest, signerDigest.map { .exactly($0) })
        if deniesSelfHostedRunners { expect(.runnerEnvironment, .exactly("github-hosted")) }
        return out
    }

    private static func below(_ path: String, parts: Int) throws(SigstoreError) -> VerificationPolicy.Match {
        .pattern("(?i)^" + escaped(try address(path, parts)) + "/")
    }

    private static func same(_ path: String, parts: Int) throws(SigstoreError) -> VerificationPolicy.Match {
        .pattern("(?i)^" + escaped(try address(path, parts)) + "\\z")
    }

    private static func address(_ path: String, _ count: Int) throws(SigstoreError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = path.utf8.allSatisfy { byte in
            0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || "-_./".utf8.contains(byte)
        }
        guard parts.count == count, parts.allSatisfy({ !$0.isEmpty }), isPlain else {
            throw SigstoreError(
                .malformed, "\(path.safeForTerminal) is not \(count == 1 ? "the name of an owner" : "OWNER/NAME")")
        }
        return "https://github.com/\(path)"
    }

    /// The text as a regular expression that matches nothing else.
    private static func escaped(_ text: String) -> String {
        let special = #"\^$.|?*+()[]{}"#.unicodeScalars
        return text.unicodeScalars.map { special.contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }
}
