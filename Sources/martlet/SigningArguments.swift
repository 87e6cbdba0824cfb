internal import ArgumentParser
internal import Bytes
internal import Host
internal import Sigstore
internal import SystemPackage

/// Who signs, a key or the owner of a token, and which services witness it.
struct SigningArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The identity token itself. Others see it in the list of processes; a file is better.", valueName: "token"))
    var identityToken: String?

    @Option(
        help: ArgumentHelp(
            "A file with the identity token. Default: the build service's own (GitHub Actions, GitLab, Kubernetes, CircleCI).",
            valueName: "file"))
    var identityTokenFile: String?

    @Option(
        help: ArgumentHelp(
            "The services to sign with. Default: those of `martlet trust`; with --key none.", valueName: "file"))
    var signingConfig: String?

    @Option(help: ArgumentHelp("The services' trusted root. Default: that of `martlet trust`.", valueName: "file"))
    var trustedRoot: String?

    @Flag(help: "With --key: has logs and timestamp authorities witness the signature.")
    var witnessed = false

    @OptionGroup var trust: TrustArguments
    @OptionGroup var signer: SignerArguments

    func validate() throws {
        guard [signer.key, identityToken, identityTokenFile].compactMap(\.self).count <= 1 else {
            throw ValidationError("give one of --key, --identity-token and --identity-token-file")
        }
    }

    /// Signs `content`, and gives a bundle that has been verified.
    func sign(_ content: SigningContent) async throws -> SignedBundle {
        let now = try trust.now()
        return try await trust.withClient { client in
            if signer.key != nil {
                let signer = try await signer.signer()
                guard witnessed || signingConfig != nil else {
                    return try await KeySigner(signer).sign(content, at: now)
                }
                let (config, root) = try await services(at: now)
                return try await KeySigner(signer, config: config, trustedRoot: root, transport: client)
                    .sign(content, at: now)
            }
            let (config, root) = try await services(at: now)
            let token: IdentityToken
            if let identityToken {
                token = try IdentityToken(identityToken)
            } else if let identityTokenFile {
                token = try IdentityToken(
                    Files.readText(FilePath(identityTokenFile), limit: IdentityToken.greatestByteCount))
            } else if let ambient = try await AmbientToken.find(
                environment: ProcessEnvironment.variables, transport: client)
            {
                token = ambient
            } else {
                throw CommandError.usage(
                    "nobody says who signs: this is no build service with tokens; give --key or --identity-token-file")
            }
            return try await KeylessSigner(config: config, trustedRoot: root, transport: client)
                .sign(content, token: token, at: now)
        }
    }

    /// The token that these options give; `nil` where they give none.
    func identityTokenText() throws -> String? {
        if let identityToken { return identityToken }
        guard let identityTokenFile else { return nil }
        let text = try Files.readText(FilePath(identityTokenFile), limit: IdentityToken.greatestByteCount)
        return text.split(whereSeparator: \.isWhitespace).joined()
    }

    /// The services to sign with, and what they are believed by.
    func services(at now: Timestamp) async throws -> (SigningConfig, TrustedRoot) {
        func read(_ file: String) throws -> [UInt8] { try Files.read(FilePath(file), limit: 8 << 20) }
        var config = try signingConfig.map { try SigningConfig(parsing: read($0)) }
        var root = try trustedRoot.map { try TrustedRoot(parsing: read($0)) }
        if config == nil || root == nil {
            let material = try await trust.directory().load(at: now)
            config = config ?? material.config.signingConfig
            root = root ?? material.config.trustedRoot
        }
        guard let config, let root else {
            throw CommandError.usage("no services to sign with are known; give --signing-config FILE")
        }
        return (config, root)
    }
}
