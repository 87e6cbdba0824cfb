internal import Authority
internal import Bytes
internal import HTTPTypes
internal import Host
internal import Hummingbird
internal import Sigstore
internal import Wire

/// Who may have something built: owners of tokens that are meant for this service, and users of the server's identity
/// issuer by name and password.
struct BuildClients: Sendable {
    private let tokens: TokenVerifier
    private let issuer: IdentityIssuer?
    private let names: Set<String>?
    private let transport: HTTPClient

    /// A client as provenance names it.
    struct Client: Hashable, Sendable, CustomStringConvertible {
        let issuer: String
        let name: String

        var description: String { "\(issuer)#\(name)" }
    }

    init(_ settings: BuildServiceSettings, site: Site) async throws {
        names = settings.clients
        issuer = site.face(IdentityFace.self)?.issuer
        transport = HTTPClient(WireSettings(userAgent: "martlet", environment: ProcessEnvironment.variables))
        var issuers: [TrustedIssuer] = []
        if site.face(IdentityFace.self) != nil || site.face(CertificateAuthorityFace.self) != nil {
            let files = try await AuthoritySite.files(site)
            issuers = try TrustedIssuer.list(files.issuers) + (site.face(IdentityFace.self)?.trusted ?? [])
        }
        // A token for another service must not build anything: whoever got it could.
        for index in issuers.indices { issuers[index].audience = settings.audience }
        tokens = TokenVerifier(issuers, keys: IssuerKeys(transport: transport))
    }

    func close() async { await transport.close() }

    /// The client that a request comes from.
    func client(of request: Request) async throws -> Client {
        guard let field = request.headers[.authorization], field.utf8.count <= 64 << 10 else {
            throw Self.unauthorized("say who you are: with a token, or with name and password")
        }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { throw Self.unauthorized("the Authorization field can't be read") }
        let client: Client
        do {
            switch parts[0].lowercased() {
            case "bearer":
                let identity = try await tokens.identity(in: String(parts[1]), at: try AuthoritySite.now())
                client = Client(issuer: identity[8] ?? identity[1] ?? "", name: identity.name.text)
            case "basic": client = try await user(parts[1])
            default: throw Self.unauthorized("a token or name and password are known here")
            }
        } catch let error as AuthorityError {
            if error.code == .limit { throw Refusal(.tooManyRequests, error.message, retryAfter: 10) }
            guard error.code == .unauthenticated || error.code == .malformed else { throw Refusal(error) }
            throw Self.unauthorized(error.message)
        }
        guard isAllowed(client) else { throw Refusal(.forbidden, "\(client.name.safeForTerminal) may not build here") }
        return client
    }

    /// Names alone are those of the server's own issuer: another one could give them to anybody.
    private func isAllowed(_ client: Client) -> Bool {
        let isOwn = issuer.map { $0.url.hasSameBytes(as: client.issuer) } ?? false
        guard let names else { return isOwn }
        return names.contains {
            $0.hasSameBytes(as: client.description) || (isOwn && $0.hasSameBytes(as: client.name))
        }
    }

    private func user(_ text: Substring) async throws -> Client {
        guard let issuer else { throw Self.unauthorized("this server knows no users") }
        guard let bytes = try? Base64.decode(String(text)), let cut = bytes.firstIndex(of: UInt8(ascii: ":")),
            let name = String(validating: bytes[..<cut], as: UTF8.self),
            let password = String(validating: bytes[(cut + 1)...], as: UTF8.self)
        else { throw Self.unauthorized("the Authorization field can't be read") }
        let address = try await issuer.address(of: name, password: password, at: try AuthoritySite.now())
        return Client(issuer: issuer.url, name: address)
    }

    static func unauthorized(_ message: String) -> Refusal {
        Refusal(
            .unauthorized, message, code: "unauthorized",
            headers: [.wwwAuthenticate: "Bearer realm=\"martlet builds\", Basic realm=\"martlet builds\""])
    }
}
