internal import Authority
internal import Bytes
internal import HTTPTypes
internal import Host
internal import Hummingbird
internal import Sigstore
internal import SystemPackage
internal import Wire

extension FaceKind {
    /// Who somebody is. Settings: docs/formats/identity.md.
    package static let identity = FaceKind(name: "identity", summary: "Identity issuer (OpenID Connect)") {
        site, settings in
        try settings.check(known: [])
        let files = try await AuthoritySite.files(site)
        let url = site.url + "/identity"
        let directory = AuthoritySite.directory(site)
        let keys = try await FileThreads.run {
            try TokenKeys(
                directory.appending("identity-keys"), passphrase: AuthoritySite.passphrase, at: try AuthoritySite.now())
        }
        let transport = HTTPClient(WireSettings(userAgent: "martlet", environment: ProcessEnvironment.variables))
        let exchange = TokenVerifier(
            try TrustedIssuer.list(files.issuers), keys: IssuerKeys(transport: transport), reuse: files.tokenUse)
        let users = files.users
        let issuer = IdentityIssuer(url: url, keys: keys, exchange: exchange) { () throws(AuthorityError) in
            try IdentityDirectory(file: users)
        }
        return IdentityFace(site: site, files: files, issuer: issuer, transport: transport)
    }
}

/// An OpenID Connect provider below `/identity`.
struct IdentityFace: Face, TrustedFace {
    let name = "identity"
    let site: Site
    let files: AuthorityFiles
    let issuer: IdentityIssuer
    let transport: HTTPClient

    private static let formLimit = 64 << 10

    var notices: [FaceNotice] {
        [
            FaceNotice(
                "Identities", at: issuer.url,
                command: "martlet authority user --data \(site.data) --name NAME --email ADDRESS")
        ]
    }

    /// This issuer, as the certificate authority in the same process believes it: people by their addresses, programs and
    /// builds by their URIs.
    var trusted: [TrustedIssuer] {
        [TrustedIssuer(issuer.url, .martlet, keys: .inside { [keys = issuer.keys] in keys.published })]
    }

    func stop() async { await transport.close() }

    func contribution() async throws -> TrustContribution {
        var out = TrustContribution()
        out.signing.tokenIssuers = [
            .init(
                url: issuer.url, majorAPIVersion: 1, period: ValidityPeriod(start: files.issuer.since),
                operator: files.organization)
        ]
        return out
    }

    func addRoutes(to routes: Routes) {
        routes.get("/identity/.well-known/openid-configuration") { _, _ in Response.json(issuer.discovery) }
        routes.get("/identity/keys") { _, _ in Response.json(issuer.keySet, headers: [.cacheControl: "max-age=300"]) }
        routes.get("/identity/auth") { request, _ in
            try await page {
                let wish = try await issuer.authorization(
                    try FormText.members(request.uri.query ?? ""), at: try AuthoritySite.now())
                return IdentityPage.login(wish)
            }
        }
        routes.post("/identity/auth") { request, _ in
            try await page { try await login(try await form(request)) }
        }
        routes.post("/identity/token") { request, _ in
            try await oauth {
                try await issuer.answer(
                    try await form(request), basic: try Self.basic(request), at: try AuthoritySite.now())
            }
        }
        routes.post("/identity/device/code") { request, _ in
            try await oauth {
                try await issuer.deviceAuthorization(try await form(request), at: try AuthoritySite.now())
            }
        }
        routes.get("/identity/device") { request, _ in
            try await page {
                IdentityPage.device(try FormText.members(request.uri.query ?? "")["user_code"] ?? "")
            }
        }
        routes.post("/identity/device") { request, _ in
            try await page {
                let form = try await form(request)
                try await issuer.approve(
                    userCode: form["user_code"] ?? "", name: form["username"] ?? "", password: form["password"] ?? "",
                    isDenied: form["answer"] == "deny", at: try AuthoritySite.now())
                return IdentityPage.message("Done. You can close this page and go back to the device.")
            }
        }
    }

    private func login(_ form: [String: String]) async throws -> IdentityPage {
        let now = try AuthoritySite.now()
        let wish = try await issuer.authorization(form, at: now)
        do {
            let code = try await issuer.code(
                for: wish, name: form["username"] ?? "", password: form["password"] ?? "", at: now)
            if wish.redirect == AuthorizationRequest.outOfBand { return .message("Your code: \(code)") }
            return .redirect(wish.redirect([("code", code)]))
        } catch let error as AuthorityError {
            return IdentityPage.login(wish, problem: error.message)
        }
    }

    // MARK: Forms and answers

    private func form(_ request: Request) async throws -> [String: String] {
        let bytes = try await request.bytes(limit: Self.formLimit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw OAuthError("invalid_request", "the form is not UTF-8")
        }
        return try FormText.members(text)
    }

    /// Name and secret of a client (RFC 6749 section 2.3.1).
    private static func basic(_ request: Request) throws -> (id: String, secret: String)? {
        guard let field = request.headers[.authorization], field.prefix(6).lowercased() == "basic " else { return nil }
        guard let bytes = try? Base64.decode(String(field.dropFirst(6))),
            let text = String(validating: bytes, as: UTF8.self), let colon = text.firstIndex(of: ":"),
            let id = FormText.decoded(text[..<colon]),
            let secret = FormText.decoded(text[text.index(after: colon)...])
        else { throw OAuthError("invalid_client", "the Authorization field can't be read") }
        return (id, secret)
    }

    private func oauth(_ body: () async throws -> JSON) async throws -> Response {
        let headers: HTTPFields = [.cacheControl: "no-store"]
        do {
            return Response.json(try await body(), headers: headers)
        } catch let error as OAuthError {
            return Response.json(error.json, status: HTTPResponse.Status(code: error.status), headers: headers)
        }
    }

    private func page(_ body: () async throws -> IdentityPage) async throws -> Response {
        do {
            return try await body().response
        } catch let error as OAuthError {
            return IdentityPage.message("This can't be done: \(error.message)", status: .badRequest).response
        } catch let error as AuthorityError where error.code != .damaged {
            return IdentityPage.message("This can't be done: \(error.message)", status: .forbidden).response
        }
    }
}

/// The few pages that people see. Nothing is loaded, and nobody may put them into a frame.
struct IdentityPage: Sendable {
    let status: HTTPResponse.Status
    let content: String
    /// Whereto a form may lead.
    var target = ""
    var location: String?

    static func redirect(_ address: String) -> IdentityPage {
        IdentityPage(status: .found, content: "", location: address)
    }

    static func message(_ text: String, status: HTTPResponse.Status = .ok) -> IdentityPage {
        IdentityPage(status: status, content: "<p>\(escaped(text))</p>")
    }

    static func login(_ wish: AuthorizationRequest, problem: String? = nil) -> IdentityPage {
        let hidden = wish.parameters.map {
            "<input type=hidden name=\"\(escaped($0.name))\" value=\"\(escaped($0.value))\">"
        }
        return IdentityPage(
            status: problem == nil ? .ok : .unauthorized,
            content: """
                <h1>Sign in</h1>\(problem.map { "<p role=alert>\(escaped($0))</p>" } ?? "")
                <form method=post action="auth">\(hidden.joined())\(person)
                <button>Sign in</button></form>
                <p>This signs you in to <b>\(escaped(wish.client))</b>, at \(escaped(wish.redirect)).</p>
                """, target: wish.redirectOrigin)
    }

    static func device(_ code: String) -> IdentityPage {
        IdentityPage(
            status: .ok,
            content: """
                <h1>Connect a device</h1>
                <p>Go on only if the device in front of you shows this code.</p>
                <form method=post action="device">
                <label>Code <input name=user_code required value="\(escaped(code))"></label>\(person)
                <button name=answer value=allow>Allow</button> <button name=answer value=deny>Deny</button></form>
                """)
    }

    private static let person = """
        <label>Name <input name=username required autocomplete=username></label>
        <label>Password <input name=password type=password required autocomplete=current-password></label>
        """

    var response: Response {
        var headers: HTTPFields = [
            .cacheControl: "no-store", .contentType: "text/html; charset=utf-8",
            .contentSecurityPolicy:
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' \(target)",
            .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        if let location { headers[.location] = location }
        let page = """
            <!doctype html><html lang=en><meta charset=utf-8><title>martlet</title>
            <style>body{font:16px sans-serif;max-width:26em;margin:4em auto;padding:0 1em}label{display:block;margin:1em 0}\
            input{display:block;width:100%;font:inherit;padding:.4em}button{font:inherit;padding:.4em 1.2em}</style>
            \(content)</html>
            """
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: page)))
    }

    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }
}
