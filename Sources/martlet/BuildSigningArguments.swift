internal import ArgumentParser
internal import Build
internal import Keys
internal import Sigstore

/// Who signs what a build says: a key, the owner of a token, or the build itself at an identity issuer.
struct BuildSigningArguments: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Signs what is said of each package with --key; without a signature nothing counts as built.",
            discussion: "`--sign keyless` signs for the owner of a token, as --keyless does."))
    var sign = false

    @Flag(help: "Signs for the owner of an identity token, or for the build itself with --issuer-client.")
    var keyless = false

    @Option(
        help: ArgumentHelp(
            "This program's id at the identity issuer, which gives it a token for each package's build.",
            valueName: "id"))
    var issuerClient: String?

    @Option(
        help: ArgumentHelp(
            "A file or pipe with its secret there. Default: $MARTLET_ISSUER_SECRET.", valueName: "file"))
    var issuerSecretFile: String?

    @Option(
        help: ArgumentHelp("The identity issuer. Default: the first that --signing-config names.", valueName: "url"))
    var issuer: String?

    @Option(help: ArgumentHelp("The URI of this builder, whom certificates will name.", valueName: "uri"))
    var builderID: String?

    @OptionGroup var signing: SigningArguments

    /// Whether anything is to be signed.
    var isWanted: Bool { sign || keyless }

    func validate() throws {
        let key = signing.signer.key
        if keyless {
            guard key == nil else { throw ValidationError("--keyless signs without a key; leave out --key") }
        } else {
            guard sign == (key != nil) else {
                throw ValidationError(
                    sign ? "--sign wants --key, the key that signs, or the word keyless" : "--key is for --sign")
            }
        }
        let isMinted = issuerClient != nil
        guard keyless || !isMinted else { throw ValidationError("--issuer-client is for --sign keyless") }
        guard isMinted == (builderID != nil) else {
            throw ValidationError("--issuer-client and --builder-id go together: who asks, and for which builder")
        }
        guard isMinted || (issuer == nil && issuerSecretFile == nil) else {
            throw ValidationError("--issuer and --issuer-secret-file are for --issuer-client")
        }
        guard !isMinted || (signing.identityToken == nil && signing.identityTokenFile == nil) else {
            throw ValidationError("give an identity token, or --issuer-client, which gets some")
        }
    }

    /// What the signing process is told; `nil` where nothing is to be signed.
    func request() async throws -> SigningRequest? {
        guard isWanted else { return nil }
        let opening = signing.signer.opening
        if !keyless, let key = signing.signer.key {
            // What is wrong with the reference is said here, not by another process.
            _ = try KeyReference(key)
            let services = signing.witnessed || signing.signingConfig != nil ? try await services() : nil
            return SigningRequest(
                .key(key, passwordFile: opening.keyPasswordFile, padding: opening.rsaPadding), services: services,
                seconds: opening.keyTimeout)
        }
        guard !signing.trust.offline else { throw CommandError.usage("signing without a key needs connections") }
        let services = try await services()
        return SigningRequest(.token(try token(services)), services: services, seconds: opening.keyTimeout)
    }

    private func services() async throws -> SigningRequest.Services {
        let (config, root) = try await signing.services(at: signing.trust.now())
        return SigningRequest.Services(config: config, trustedRoot: root, authorityFile: signing.trust.caFile)
    }

    private func token(_ services: SigningRequest.Services) throws -> SigningRequest.Token {
        if let text = signing.identityToken { return .text(text) }
        if let file = signing.identityTokenFile { return .file(file) }
        guard let issuerClient, let builderID else { return .ambient }
        guard let issuer = issuer ?? services.config.tokenIssuers.first?.url else {
            throw CommandError.usage("no identity issuer is known; give --issuer URL")
        }
        return .builds(issuer: issuer, client: issuerClient, secretFile: issuerSecretFile, builder: builderID)
    }
}
