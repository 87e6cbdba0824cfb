/// The reusable workflows that slsa-verifier believes, as data.
package enum TrustedWorkflow {
    private static let generator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"

    /// Workflows that build files.
    static let artifact = [
        "generator_generic_slsa3.yml", "builder_go_slsa3.yml", "builder_docker-based_slsa3.yml",
        "builder_container-based_slsa3.yml",
    ].map { generator + $0 }

    /// Workflows that build images.
    static let container = ["generator_container_slsa3.yml"].map { generator + $0 }

    /// Workflows that let others bring their own builder, whose name the statement then has.
    static let delegators = ["delegator_generic_slsa3.yml", "delegator_lowperms-generic_slsa3.yml"].map {
        generator + $0
    }

    /// Workflows that publish to the Bazel Central Registry.
    static let bazelRegistry = [
        "https://github.com/bazel-contrib/.github/.github/workflows/release_ruleset.yaml",
        "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml",
    ]

    /// The token issuer that vouches for all of them.
    static let issuer = "https://token.actions.githubusercontent.com"

    /// The runners that npm's own provenance names.
    static let hostedRunner = "https://github.com/actions/runner/github-hosted"

    /// Build types of the statements of these builders.
    static let buildTypes: Set<String> = [
        "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
        "https://github.com/slsa-framework/slsa-github-generator/go@v1",
        "https://github.com/slsa-framework/slsa-github-generator/container@v1",
        "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0",
        "https://github.com/slsa-framework/slsa-github-generator/delegator-lowperms-generic@v0",
        "https://slsa.dev/container-based-build/v0.1?draft",
        "https://actions.github.io/buildtypes/workflow/v1",
        "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
        "https://github.com/npm/cli/gha/v2", "https://github.com/npm/cli/gha@v1", "https://github.com/npm/cli/gha/v1",
    ]
}
