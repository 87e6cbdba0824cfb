internal import ArgumentParser

/// Options of Leeway's `build` and `run` that mean nothing to martlet. They are taken so that old scripts run, and a
/// warning says why each is without effect.
struct LeewayArguments: ParsableArguments {
    @Flag(help: .hidden) var dontCompress = false
    @Flag(help: .hidden) var dontRetag = false
    @Flag(help: .hidden) var jailedExecution = false
    @Flag(help: .hidden) var disableCoverage = false
    @Flag(help: .hidden) var enableTestTracing = false
    @Flag(help: .hidden) var werft = false
    @Flag(help: .hidden) var fixedBuildDir = false
    @Flag(help: .hidden) var inFlightChecksums = false
    @Flag(help: .hidden) var slsaCacheVerification = false
    @Flag(help: .hidden) var slsaRequireAttestation = false
    @Flag(help: .hidden) var dockerExportToCache = false
    @Flag(help: .hidden) var otelInsecure = false
    @Option(help: .hidden) var dockerBuildOptions: [String] = []
    @Option(help: .hidden) var coverageOutputPath: String?
    @Option(help: .hidden) var reportSegment: String?
    @Option(help: .hidden) var slsaSourceUri: String?
    @Option(help: .hidden) var otelEndpoint: String?
    @Option(help: .hidden) var traceParent: String?
    @Option(help: .hidden) var traceState: String?

    /// One line for each option that was given.
    var warnings: [String] {
        let given: [(Bool, String, String)] = [
            (dontCompress, "--dont-compress", "artifacts are kept as trees, and compressed only when they are saved"),
            (dontRetag, "--dont-retag", "an image in the cache keeps the tags that it was built with"),
            (jailedExecution, "--jailed-execution", "steps always run in the sandbox; see --sandbox"),
            (disableCoverage, "--disable-coverage", "coverage is not collected"),
            (enableTestTracing, "--enable-test-tracing", "steps are what is traced; see --otlp and --trace"),
            (werft, "--werft", "plain lines are printed where there is no terminal"),
            (fixedBuildDir, "--fixed-build-dir", "every step sees its files below /build"),
            (inFlightChecksums, "--in-flight-checksums", "everything read from the cache is checked"),
            (slsaCacheVerification, "--slsa-cache-verification", "entries of a remote cache are always verified"),
            (slsaRequireAttestation, "--slsa-require-attestation", "entries without a signature are never used"),
            (dockerExportToCache, "--docker-export-to-cache", "images always go into the cache"),
            (otelInsecure, "--otel-insecure", "spans are written to a file; see --otlp"),
            (otelEndpoint != nil, "--otel-endpoint", "spans are written to a file; see --otlp"),
            (traceParent != nil, "--trace-parent", "set TRACEPARENT instead"),
            (traceState != nil, "--trace-state", "set TRACESTATE instead"),
            (
                !dockerBuildOptions.isEmpty, "--docker-build-options",
                "put options into the package, where they are part of its key"
            ),
            (coverageOutputPath != nil, "--coverage-output-path", "coverage is not collected"),
            (reportSegment != nil, "--report-segment", "nothing is reported over the network"),
        ]
        return given.filter(\.0).map { "\($0.1) has no effect: \($0.2)" }
    }

    /// Prints the warnings.
    func warn() { for warning in warnings { Failure.say("warning: \(warning)") } }
}
