internal import ArgumentParser
internal import Bytes
internal import Host
internal import Keys
internal import Sigstore
internal import SystemPackage
internal import Wire

/// Which log is asked, and by which key it is believed.
struct LogArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The log. Default: $MARTLET_LOG_URL, else the first log of version 1 in what you trust.", valueName: "url"))
    var logUrl: String?

    @Option(
        help: ArgumentHelp(
            "A PEM file with the log's public key, in place of the keys in what you trust.", valueName: "file"))
    var logKey: String?

    @Option(
        help: ArgumentHelp(
            "The trusted root: logs to believe. Default: $MARTLET_TRUSTED_ROOT, else that of `martlet trust`.",
            valueName: "file"))
    var trustedRoot: String?

    @OptionGroup var trust: TrustArguments

    /// Runs `body` with a reader of the log.
    func withReader<Result>(_ body: (LogReader) async throws -> Result) async throws -> Result {
        let url = logUrl ?? ProcessEnvironment.variables["MARTLET_LOG_URL"].flatMap { $0.isEmpty ? nil : $0 }
        let source: (url: String, logs: [TrustedRoot.Log])
        if let logKey {
            guard let url else { throw CommandError.usage("say which log the key is of, with --log-url") }
            let key = try PublicKey(pem: Files.read(FilePath(logKey), limit: 1 << 20))
            let name = String(url[(url.firstRange(of: "://")?.upperBound ?? url.startIndex)...])
            source = (url, [try TrustedRoot.Log(url: url, key: key, origin: name, period: ValidityPeriod(start: nil))])
        } else {
            source = try await trusted(url)
        }
        return try await trust.withClient { client in
            try await body(LogReader(url: source.url, logs: source.logs, transport: client))
        }
    }

    private func trusted(_ url: String?) async throws -> (url: String, logs: [TrustedRoot.Log]) {
        let file = trustedRoot ?? ProcessEnvironment.variables[VerificationArguments.trustedRootVariable]
        let root: TrustedRoot
        var services: [SigningConfig.Service] = []
        if let file {
            root = try TrustedRoot(parsing: Files.read(FilePath(file), limit: 16 << 20))
        } else {
            let config = try await trust.directory().load(at: trust.now()).config
            root = config.trustedRoot
            services = config.signingConfig?.logs ?? []
        }
        guard !root.logs.isEmpty else {
            throw CommandError.usage("what you trust has no log; give its key with --log-key")
        }
        guard
            let url = url ?? services.first(where: { $0.majorAPIVersion == 1 })?.url
                ?? root.logs.first(where: { $0.key.algorithm == .ecdsaP256 })?.baseURL
        else { throw CommandError.usage("nothing says which log to ask; give --log-url") }
        return (url, root.logs)
    }
}
