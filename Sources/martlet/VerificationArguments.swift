internal import ArgumentParser
internal import Bytes
internal import Host
internal import Keys
internal import Ledger
internal import Sigstore
internal import SystemPackage

/// Who must have signed, and whom a verifier believes. The names are those that cosign's users know.
struct VerificationArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The signer, as the certificate names it.", valueName: "identity"))
    var certificateIdentity: String?

    @Option(help: ArgumentHelp("A regular expression that the signer must match.", valueName: "pattern"))
    var certificateIdentityRegexp: String?

    @Option(help: ArgumentHelp("Who vouched for the signer.", valueName: "url"))
    var certificateOidcIssuer: String?

    @Option(help: ArgumentHelp("A regular expression that the issuer must match.", valueName: "pattern"))
    var certificateOidcIssuerRegexp: String?

    @Option(
        help: ArgumentHelp(
            "An extension of the certificate that must have this text; repeatable.", valueName: "oid=text"))
    var certificateExtension: [String] = []

    @OptionGroup(title: "Workflows of GitHub Actions") var workflow: WorkflowArguments

    @Option(
        help: ArgumentHelp(
            "The signer's key: a file, pkcs11:URI, exec:PROGRAM?key=NAME, or env://VARIABLE.", valueName: "reference"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "The registry's keys by name, as npm publishes them; the bundle says which.", valueName: "file"))
    var registryKeys: String?

    @Option(
        help: ArgumentHelp(
            "The trusted root: logs and authorities to believe. Default: $MARTLET_TRUSTED_ROOT, else that of `martlet trust`.",
            valueName: "file"))
    var trustedRoot: String?

    @Option(
        help: ArgumentHelp(
            "How many operators' logs must hold the signature. Default: 1; 0 with a key and no trusted root.",
            valueName: "n"))
    var logs: Int?

    @Option(help: ArgumentHelp("How many certificate logs must know the certificate. Default: 1.", valueName: "n"))
    var certificateLogs: Int?

    @Option(help: ArgumentHelp("How many timestamp authorities must tell the time. Default: 0.", valueName: "n"))
    var timestamps: Int = 0

    @Flag(help: "Passes over timestamps by authorities that the trusted root does not have.")
    var ignoreUnknownTimestamps = false

    @Flag(help: "Passes over certificates above the signer's, even a root, as bundles of 2022 have them.")
    var ignoreChain = false

    @Option(help: ArgumentHelp("A witness of checkpoints, as NAME+HASH+KEY; repeatable.", valueName: "key"))
    var witness: [String] = []

    @Option(help: ArgumentHelp("How many of the witnesses must have signed. Default: all.", valueName: "n"))
    var witnessQuorum: Int?

    @Flag(help: "Accepts intoto 0.0.1 log entries, which do not record the signature.")
    var acceptEntriesWithoutSignature = false

    func validate() throws {
        guard [logs, certificateLogs, witnessQuorum, timestamps].allSatisfy({ $0 ?? 0 >= 0 }) else {
            throw ValidationError("a count can't be negative")
        }
        if certificateIdentity != nil, certificateIdentityRegexp != nil {
            throw ValidationError("give --certificate-identity or --certificate-identity-regexp, not both")
        }
        if certificateOidcIssuer != nil, certificateOidcIssuerRegexp != nil {
            throw ValidationError("give --certificate-oidc-issuer or --certificate-oidc-issuer-regexp, not both")
        }
    }

    /// The variable that names the trusted root where no option does.
    static let trustedRootVariable = "MARTLET_TRUSTED_ROOT"

    /// The verifier that these ask for.
    func verifier(trustedRootVariable: String = Self.trustedRootVariable) async throws -> Verifier {
        let root = try await readTrustedRoot(trustedRootVariable)
        var policy = VerificationPolicy(signer: try await signer())
        if case .key = policy.signer, root == nil { policy.logEntries = 0 }
        if let logs { policy.logEntries = logs }
        if let certificateLogs { policy.certificateLogs = certificateLogs }
        policy.timestamps = timestamps
        policy.ignoresUnknownTimestamps = ignoreUnknownTimestamps
        policy.acceptsEntriesWithoutSignature = acceptEntriesWithoutSignature
        policy.ignoresChain = ignoreChain
        if !witness.isEmpty {
            policy.quorum = VerificationPolicy.Quorum(
                witnesses: try witness.map { try NoteKey(verifierKey: $0) }, count: witnessQuorum ?? witness.count)
        }
        if root == nil, policy.logEntries > 0 || policy.timestamps > 0 || policy.isByCertificate {
            throw CommandError.usage(
                "there is no trusted root; give --trusted-root FILE, set \(trustedRootVariable), or run `martlet trust init`"
            )
        }
        return Verifier(trustedRoot: root ?? TrustedRoot(), policy: policy)
    }

    /// The trusted root: a file, else what `martlet trust` keeps; `nil` where neither is there.
    func readTrustedRoot(_ variable: String) async throws -> TrustedRoot? {
        if let file = trustedRoot ?? ChildProcess.environmentVariable(variable) {
            return try TrustedRoot(parsing: try Files.read(FilePath(file), limit: 8 << 20))
        }
        guard let directory = try? TrustDirectory(environment: ProcessEnvironment.variables),
            try directory.isInitialized(), let now = Timestamp(seconds: Clocks.nowNanoseconds() / 1_000_000_000)
        else { return nil }
        return try await directory.load(at: now).config.trustedRoot
    }

    private func signer() async throws -> VerificationPolicy.Signer {
        let expected = workflow.expectation
        let name: VerificationPolicy.Match? =
            try certificateIdentity.map { .exactly($0) } ?? certificateIdentityRegexp.map { .pattern($0) }
            ?? expected.name()
        var issuer: VerificationPolicy.Match? =
            certificateOidcIssuer.map { .exactly($0) } ?? certificateOidcIssuerRegexp.map { .pattern($0) }
        if !expected.isEmpty { issuer = issuer ?? .exactly(WorkflowExpectation.issuer) }
        let ways = [key != nil, registryKeys != nil, name != nil || issuer != nil].filter(\.self).count
        guard ways == 1 else {
            throw CommandError.usage(
                """
                say who must have signed; give --certificate-identity and --certificate-oidc-issuer, or --repo, or --key, \
                or --registry-keys
                """)
        }
        if let key {
            let secrets = SecretSource(file: nil, environment: ProcessEnvironment.variables)
            return .key(try await KeyReference(key).publicKey(KeyReference.Options(secrets: secrets)))
        }
        if let registryKeys {
            return .namedKeys(
                try NamedKeys(parsing: Files.read(FilePath(registryKeys), limit: 1 << 20), usage: "npm:attestations"))
        }
        guard let name, let issuer else {
            throw CommandError.usage(
                "a signer is a name and whoever vouched for it; give both an identity and an issuer")
        }
        let claims = try extensions() + expected.extensions() + workflow.olderExtensions
        return .identities([.init(issuer: issuer, name: name, extensions: claims)])
    }

    private func extensions() throws -> [(oid: String, match: VerificationPolicy.Match)] {
        try certificateExtension.map { text in
            guard let equals = text.firstIndex(of: "=") else {
                throw CommandError.usage("--certificate-extension takes OID=TEXT, not \(text)")
            }
            return (String(text[..<equals]), .exactly(String(text[text.index(after: equals)...])))
        }
    }
}
