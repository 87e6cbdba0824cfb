internal import Attest
internal import Authority
internal import Build
internal import Bytes
internal import Host
internal import Keys
internal import Sigstore
internal import SystemPackage
internal import Wire

/// Signs for the build service: with a key that this process alone holds, or by certificates of the same server's
/// authority. No worker has a way to either.
struct BuildSigner: Sendable {
    private let builder: String
    private let key: (any Signer)?
    private let site: Site
    private let transport: HTTPClient

    init(_ settings: BuildServiceSettings, site: Site) async throws {
        builder = settings.builder
        self.site = site
        key = try await settings.key.map { try KeyReference($0) }?.signer(
            KeyReference.Options(secrets: AuthoritySite.secrets, timeLimit: .seconds(60)))
        let isWhole =
            site.face(TrustRepositoryFace.self) != nil && site.face(CertificateAuthorityFace.self) != nil
            && site.face(IdentityFace.self) != nil && site.face(LogFace.self) != nil
        guard key != nil || isWhole || !settings.isOpen else {
            throw ServeError(
                .configuration,
                "the builds service has nothing to sign with; set services.builds.key, or offer identity, certificates, log, timestamps and trust too"
            )
        }
        var wire = WireSettings(userAgent: "martlet", environment: [:])
        // Its own certificate, where it has made one.
        let own = site.data.appending("tls-certificate.pem")
        if try Files.exists(own) { wire.authorityFiles = [own.string] }
        transport = HTTPClient(wire)
    }

    func close() async { await transport.close() }

    /// The public key, where one signs.
    var publicKey: PublicKey? { key?.publicKey }

    /// A bundle around a statement that `BuildTestimony` has found right.
    func bundle(around statement: Statement, _ bytes: [UInt8]) async throws -> UnverifiedBundle {
        let now = try AuthoritySite.now()
        let content = SigningContent.payload(type: Statement.payloadType, bytes)
        let services = try await services()
        guard let services else {
            guard let key else { throw ServeError(.configuration, "the builds service has nothing to sign with") }
            return try await KeySigner(key).sign(content, at: now).bundle
        }
        let (config, root) = (services.config, services.root)
        if let key {
            return try await KeySigner(key, config: config, trustedRoot: root, transport: transport)
                .sign(content, at: now).bundle
        }
        guard let issuer = site.face(IdentityFace.self)?.issuer else {
            throw ServeError(.configuration, "the builds service has no identity issuer")
        }
        let claims = try BuildClaims(statement, builder: builder).json
        let token = try issuer.token(for: BuildIdentity(JSON.object(claims).text()), at: now)
        return try await KeylessSigner(config: config, trustedRoot: root, transport: transport)
            .sign(content, token: try IdentityToken(token), at: now).bundle
    }

    /// The services that sign, and what they are believed by.
    private struct Services: Sendable {
        var config: SigningConfig
        var root: TrustedRoot
    }

    /// This server's own; `nil` where it has no log.
    private func services() async throws -> Services? {
        guard let trust = site.face(TrustRepositoryFace.self), site.face(LogFace.self) != nil else { return nil }
        let config = try await trust.config()
        guard var signing = config.signingConfig else { return nil }
        // Entries of the first version keep the statement, so that whoever asks the log gets it.
        let first = signing.logs.filter { $0.majorAPIVersion == 1 }
        if !first.isEmpty { signing.logs = first }
        return Services(config: signing, root: config.trustedRoot)
    }
}
