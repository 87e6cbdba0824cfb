internal import Authority
internal import Bytes
internal import Host
internal import Hummingbird
internal import Keys
internal import Logging
internal import Sigstore
internal import SystemPackage
internal import TileLog
internal import Wire

extension FaceKind {
    /// Certificates for tokens, and the log of them. Settings: docs/formats/authority.md.
    package static let certificates = FaceKind(
        name: "certificates", summary: "Certificate authority (Fulcio v1 and v2) with its certificate log"
    ) { site, settings in
        try settings.check(known: ["log"])
        let files = try await AuthoritySite.files(site)
        var log: CertificateLog?
        if try settings.bool("log") ?? true {
            let roots = [files.issuer.chain] + files.retiredIssuers.map(\.chain)
            let directory = try site.directory("certificate-log")
            log = try await CertificateLog.open(
                directory, origin: try await FileThreads.run { try AuthoritySite.logName(directory, url: site.url) },
                signer: try await files.logSigner(AuthoritySite.secrets),
                roots: try roots.compactMap { try files.chain($0).last })
        }
        let transport = HTTPClient(WireSettings(userAgent: "martlet", environment: ProcessEnvironment.variables))
        var issuers = try TrustedIssuer.list(files.issuers)
        if let identity = site.face(IdentityFace.self) { issuers += identity.trusted }
        return CertificateAuthorityFace(
            site: site, files: files,
            authority: try await files.certificateAuthority(AuthoritySite.secrets, recorder: log), log: log,
            tokens: TokenVerifier(issuers, keys: IssuerKeys(transport: transport), reuse: files.tokenUse),
            transport: transport)
    }
}

/// Fulcio's calls (fulcio, fulcio.proto and openapi.yaml), and those of certificate logs.
struct CertificateAuthorityFace: Face, TrustedFace {
    let name = "certificates"
    let site: Site
    let files: AuthorityFiles
    let authority: CertificateAuthority
    let log: CertificateLog?
    let tokens: TokenVerifier
    let transport: HTTPClient

    private static let requestLimit = 128 << 10

    var notices: [FaceNotice] {
        [FaceNotice("Certificates", at: site.url + "/api/v2/signingCert")]
            + (log == nil ? [] : [FaceNotice("Certificate log", at: site.url + "/ct/v1/get-sth")])
    }

    func stop() async {
        await log?.close()
        await transport.close()
    }

    func health() async -> FaceHealth {
        if let failure = log?.log.failure { return .failing("the certificate log has stopped: \(failure)") }
        return .healthy
    }

    func contribution() async throws -> TrustContribution {
        var out = TrustContribution()
        out.root.certificateAuthorities = try files.trusted(url: site.url).issuers
        out.signing.certificateAuthorities = [
            .init(
                url: site.url, majorAPIVersion: 1, period: ValidityPeriod(start: files.issuer.since),
                operator: files.organization)
        ]
        if let log {
            out.root.certificateLogs = [
                try TrustedRoot.Log(
                    url: site.url, key: log.key, origin: log.log.origin,
                    period: ValidityPeriod(start: files.logSince))
            ]
        }
        return out
    }

    func addRoutes(to routes: Routes) {
        routes.post("/api/v2/signingCert") { request, _ in
            try await authorized { try await certifyV2(request) }
        }
        routes.post("/api/v1/signingCert") { request, _ in
            try await authorized { try await certifyV1(request) }
        }
        routes.get("/api/v2/trustBundle") { _, _ in
            Response.json(["chains": .array(authority.trustBundle.map { ["certificates": Self.list($0)] })])
        }
        routes.get("/api/v2/configuration") { _, _ in Response.json(tokens.configuration) }
        routes.get("/api/v1/rootCert") { _, _ in
            Response.bytes(
                Array((authority.trustBundle.first ?? []).map(\.pem).joined().utf8),
                type: "application/pem-certificate-chain")
        }
        if let log { CertificateLogRoutes(log: log, face: self).add(to: routes) }
    }

    private static func list(_ chain: [Certificate]) -> JSON { .array(chain.map { .string($0.pem) }) }

    // MARK: Certificates

    private func certifyV2(_ request: Request) async throws -> Response {
        let json = try await request.json(limit: Self.requestLimit)
        let credentials = json.member("credentials")
        guard let token = credentials?.member("oidcIdentityToken")?.stringValue ?? Self.bearer(request) else {
            throw Refusal(.unauthorized, "credentials.oidcIdentityToken is missing")
        }
        let chain = try await certify(token) {
            if let text = json.member("certificateSigningRequest")?.stringValue { return try Self.request(text) }
            guard let key = json.member("publicKeyRequest"), let pem = key.member("publicKey")?["content"]?.stringValue,
                let proof = key.member("proofOfPossession")?.stringValue
            else {
                throw Refusal(
                    .badRequest, "a certificateSigningRequest, or a publicKeyRequest with key and proof, is needed")
            }
            return .signature(try Self.key(Array(pem.utf8)), try Self.base64(proof, "proofOfPossession"))
        }
        let list: JSON = ["chain": ["certificates": Self.list(chain)]]
        return Response.json(
            authority.hasLog ? ["signedCertificateEmbeddedSct": list] : ["signedCertificateDetachedSct": list])
    }

    private func certifyV1(_ request: Request) async throws -> Response {
        guard let token = Self.bearer(request) else {
            throw Refusal(.unauthorized, "the Authorization field has no bearer token")
        }
        let json = try await request.json(limit: Self.requestLimit)
        let chain = try await certify(token) {
            if let text = json["certificateSigningRequest"]?.stringValue { return try Self.request(text) }
            guard let key = json["publicKey"]?["content"]?.stringValue,
                let proof = json["signedEmailAddress"]?.stringValue
            else {
                throw Refusal(
                    .badRequest, "a certificateSigningRequest, or a publicKey with a signedEmailAddress, is needed")
            }
            return .signature(
                try Self.key(try Self.base64(key, "publicKey.content")), try Self.base64(proof, "signedEmailAddress"))
        }
        return Response.bytes(
            Array(chain.map(\.pem).joined().utf8), type: "application/pem-certificate-chain", status: .created)
    }

    private func certify(
        _ token: String, _ proof: () throws -> CertificateAuthority.KeyProof
    ) async throws -> [Certificate] {
        let now = try AuthoritySite.now()
        let proof = try proof()
        let identity = try await tokens.identity(in: token, at: now)
        let chain = try await authority.certify(identity, proof, at: now)
        site.logger(name).info(
            "certificate issued",
            metadata: [
                "name": .string(identity.name.text.safeForTerminal),
                "issuer": .string((identity[8] ?? "").safeForTerminal),
                "serial": .string(Hex.encode(chain[0].serialNumber)),
            ])
        site.metrics.add("martlet_certificates_issued_total", labels: [], help: "Certificates that were issued.")
        return chain
    }

    private static func bearer(_ request: Request) -> String? {
        guard let field = request.headers[.authorization], field.utf8.count > 7,
            field.prefix(7).lowercased() == "bearer "
        else { return nil }
        return String(field.dropFirst(7))
    }

    private static func request(_ text: String) throws -> CertificateAuthority.KeyProof {
        .request(pem: try base64(text, "certificateSigningRequest"))
    }

    /// A key in PEM, or, as the first interface has it, in DER.
    private static func key(_ bytes: [UInt8]) throws -> PublicKey {
        do {
            return try bytes.first == 0x30 ? PublicKey(der: bytes) : PublicKey(pem: bytes)
        } catch {
            throw Refusal(.badRequest, "the public key can't be read: \(error)")
        }
    }

    private static func base64(_ text: String, _ what: String) throws -> [UInt8] {
        do {
            return try Base64.decode(text, alphabet: .either, requiresPadding: false)
        } catch {
            throw Refusal(.badRequest, "\(what) is not base64: \(error)")
        }
    }
}

extension JSON {
    /// The member called `name`, or the same in snake_case: readers of the JSON of protocol buffers take both.
    fileprivate func member(_ name: String) -> JSON? {
        if let value = self[name] { return value.isNull ? nil : value }
        var snake = ""
        for character in name { snake += character.isUppercase ? "_" + character.lowercased() : String(character) }
        return self[snake].flatMap { $0.isNull ? nil : $0 }
    }
}
