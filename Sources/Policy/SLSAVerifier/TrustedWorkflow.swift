/// The reusable workflows that slsa-verifier believes, as data.
enum TrustedWorkflow {
    static let generatorRepository = "https://github.com/slsa-framework/slsa-github-generator"
    static let generatorWorkflows = generatorRepository + "/.github/workflows/"

    static let generic = generatorWorkflows + "generator_generic_slsa3.yml"
    static let go = generatorWorkflows + "builder_go_slsa3.yml"
    static let containerBased = generatorWorkflows + "builder_container-based_slsa3.yml"
    static let containerGenerator = generatorWorkflows + "generator_container_slsa3.yml"

    /// Workflows that let others bring their own builder, whose name the statement then has.
    static let delegators = ["delegator_generic_slsa3.yml", "delegator_lowperms-generic_slsa3.yml"].map {
        generatorWorkflows + $0
    }

    /// Workflows that publish to the Bazel Central Registry.
    static let bazelRegistry = [
        "https://github.com/bazel-contrib/.github/.github/workflows/release_ruleset.yaml",
        "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml",
    ]

    /// JReleaser's builders are tagged in a way of their own.
    static let jReleaser = "https://github.com/jreleaser/release-action"

    /// The workflows that are believed where the user names none.
    static func defaults(for command: SLSAVerifierRun.Command) -> [String] {
        switch command {
        case .artifact: [generic, go, containerBased] + delegators
        case .image: [containerGenerator]
        case .npmPackage: delegators
        case .gitHubAttestation: []
        }
    }

    /// The token issuer that vouches for all of them.
    static let issuer = "https://token.actions.githubusercontent.com"

    /// The names of npm's own builder: before runners had kinds, and of either kind.
    static let runner = "https://github.com/actions/runner"
    static let hostedRunner = runner + "/github-hosted"
    static let ownRunner = runner + "/self-hosted"

    /// What a builder's statements of one predicate type may look like, by their build type.
    static func layouts(of builder: String, predicateType: String) -> [String: WorkflowProvenance.Layout]? {
        let delegated = generatorRepository + "/delegator-generic@v0"
        switch (predicateType, builder) {
        case (WorkflowProvenance.v0_2, go):
            return [
                generatorRepository + "/go@v1": .environment, generatorRepository + "@v1": .environment,
                generatorRepository + "-go@v1": .environment,
            ]
        case (WorkflowProvenance.v0_2, generic): return [generatorRepository + "/generic@v1": .environment]
        case (WorkflowProvenance.v0_2, containerGenerator):
            return [generatorRepository + "/container@v1": .environment]
        case (WorkflowProvenance.v0_2, runner), (WorkflowProvenance.v0_2, hostedRunner):
            return [WorkflowProvenance.firstNPMType: .environment, "https://github.com/npm/cli/gha/v2": .environment]
        case (WorkflowProvenance.v1, containerBased):
            return ["https://slsa.dev/container-based-build/v0.1?draft": .internalParameters]
        case (WorkflowProvenance.v1, hostedRunner):
            return ["https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1": .npm]
        case (_, let name) where delegators.contains(name): return [delegated: .delegated]
        case (WorkflowProvenance.v1, let name) where bazelRegistry.contains(name):
            return ["https://actions.github.io/buildtypes/workflow/v1": .workflow]
        default: return nil
        }
    }
}
