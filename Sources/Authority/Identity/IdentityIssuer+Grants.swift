package import Bytes

/// A code that a person's login gave, and what the program must show to get its token.
struct CodeGrant: Sendable {
    let client: String
    let redirect: String
    let challenge: String
    let nonce: String?
    let user: IdentityDirectory.User
}

/// A device that waits for its person.
struct DeviceGrant: Sendable {
    let client: String
    let userCode: String
    let nonce: String?
    var user: IdentityDirectory.User?
    var isDenied = false
    var lastPoll: Int64 = 0
}

/// A program's wish that a person log in (RFC 6749 section 4.1.1), checked.
package struct AuthorizationRequest: Hashable, Sendable {
    package let client: String
    package let redirect: String
    package let challenge: String
    package let state: String?
    package let nonce: String?

    /// For programs without a browser's address: the person copies the code.
    package static let outOfBand = "urn:ietf:wg:oauth:2.0:oob"

    /// The parameters, for the form that the person sends.
    package var parameters: [(name: String, value: String)] {
        [
            ("response_type", "code"), ("client_id", client), ("redirect_uri", redirect),
            ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ] + (state.map { [("state", $0)] } ?? []) + (nonce.map { [("nonce", $0)] } ?? [])
    }

    /// The origin of the redirect, for the page's policy.
    package var redirectOrigin: String {
        guard let mark = redirect.firstRange(of: "://") else { return "" }
        return String(redirect[..<mark.upperBound] + redirect[mark.upperBound...].prefix { $0 != "/" && $0 != "?" })
    }

    /// The address to send the person's browser to, with `parameters`.
    package func redirect(_ parameters: [(String, String)]) -> String {
        let all = parameters + (state.map { [("state", $0)] } ?? [])
        return redirect + (redirect.contains("?") ? "&" : "?")
            + all.map { "\($0.0)=\(FormText.encoded($0.1))" }.joined(separator: "&")
    }
}

extension IdentityIssuer {
    // MARK: In a browser

    /// Checks a wish for a login. An address that the client may not send people to is never sent to.
    package func authorization(
        _ form: [String: String], at now: Timestamp
    ) throws(OAuthError) -> AuthorizationRequest {
        let client = try publicClient(form["client_id"])
        guard let redirect = form["redirect_uri"], Self.isAllowed(redirect, client) else {
            throw OAuthError("invalid_request", "the client may not send people to this redirect_uri")
        }
        guard form["response_type"] == "code" else {
            throw OAuthError("unsupported_response_type", "only response_type=code is known")
        }
        // Without it, whoever reads the redirect could take the code (RFC 9700 section 2.1.1).
        guard let challenge = form["code_challenge"], challenge.utf8.count == 43,
            form["code_challenge_method"] == "S256"
        else { throw OAuthError("invalid_request", "a code_challenge with the method S256 is needed") }
        guard (form["state"]?.utf8.count ?? 0) <= 1024, (form["nonce"]?.utf8.count ?? 0) <= 1024 else {
            throw OAuthError("invalid_request", "state or nonce is longer than 1024 bytes")
        }
        return AuthorizationRequest(
            client: client.id, redirect: redirect, challenge: challenge, state: form["state"], nonce: form["nonce"])
    }

    /// The code for who logged in.
    package func code(
        for request: AuthorizationRequest, name: String, password: String, at now: Timestamp
    ) throws -> String {
        let user = try user(name, password: password, at: now)
        let code = Self.random(32)
        try codes.add(
            code,
            CodeGrant(
                client: request.client, redirect: request.redirect, challenge: request.challenge,
                nonce: request.nonce, user: user), until: now.seconds + Self.codeLife, at: now)
        return code
    }

    private func publicClient(_ id: String?) throws(OAuthError) -> IdentityDirectory.Client {
        guard let client = try? clients().first(where: { $0.id.hasSameBytes(as: id ?? "") }) else {
            throw OAuthError("invalid_request", "the client is not known here")
        }
        return client
    }

    /// The addresses of the client's own, and any port of this machine (RFC 8252 section 7.3).
    private static func isAllowed(_ redirect: String, _ client: IdentityDirectory.Client) -> Bool {
        guard redirect.utf8.count <= 2048, redirect.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), !redirect.contains("#")
        else { return false }
        if redirect == AuthorizationRequest.outOfBand { return true }
        if client.redirects.contains(where: { $0.hasSameBytes(as: redirect) }) { return true }
        for host in ["http://localhost", "http://127.0.0.1", "http://[::1]"] where redirect.hasPrefix(host) {
            let rest = redirect.dropFirst(host.count)
            guard let next = rest.first else { return true }
            if next == "/" || next == "?" { return true }
            if next == ":" {
                let port = rest.dropFirst().prefix { $0.isNumber }
                let after = rest.dropFirst(1 + port.count).first
                return UInt16(port) != nil && (after == nil || after == "/" || after == "?")
            }
        }
        return false
    }

    // MARK: On another device

    /// The codes of a device that has no browser (RFC 8628 section 3.2).
    package func deviceAuthorization(_ form: [String: String], at now: Timestamp) throws(OAuthError) -> JSON {
        let client = try publicClient(form["client_id"])
        let name = Self.random(32)
        // No vowels, so no words; 20^8 are enough for ten minutes.
        let letters = Array("BCDFGHJKLMNPQRSTVWXZ")
        var generator = SystemRandomNumberGenerator()
        let code = String((0..<8).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
        try devices.add(
            name, DeviceGrant(client: client.id, userCode: code, nonce: form["nonce"]),
            until: now.seconds + Self.deviceLife, at: now)
        let shown = "\(code.prefix(4))-\(code.suffix(4))"
        return [
            "device_code": .string(name), "user_code": .string(shown), "verification_uri": .string(url + "/device"),
            "verification_uri_complete": .string(url + "/device?user_code=\(shown)"),
            "expires_in": .integer(Self.deviceLife), "interval": 5,
        ]
    }

    /// A person's word that the device with this code may act for them.
    package func approve(
        userCode: String, name: String, password: String, isDenied: Bool = false, at now: Timestamp
    ) throws(AuthorityError) {
        let user = try user(name, password: password, at: now)
        let letters = userCode.uppercased().filter(\.isLetter)
        guard let device = devices.name(at: now, where: { $0.userCode == letters && $0.user == nil && !$0.isDenied })
        else { throw AuthorityError(.absent, "no device waits with this code; ask it for a new one") }
        devices.change(device) { grant in
            if isDenied { grant.isDenied = true } else { grant.user = user }
        }
    }

    // MARK: The token endpoint

    /// The answer to a program that wants a token. `basic` is the user and password of its Authorization field.
    package func answer(
        _ form: [String: String], basic: (id: String, secret: String)? = nil, at now: Timestamp
    ) async throws(OAuthError) -> JSON {
        guard let grant = Grant(rawValue: form["grant_type"] ?? "") else {
            throw OAuthError("unsupported_grant_type", "the grant_type is not known")
        }
        let client = try client(
            basic?.id ?? form["client_id"] ?? (grant == .exchange ? IdentityDirectory.publicClient.id : nil),
            secret: basic?.secret ?? form["client_secret"], at: now)
        do {
            try keys.renew(at: now)
            switch grant {
            case .code: return try Self.reply(try codeToken(form, client, at: now))
            case .device: return try Self.reply(try deviceToken(form, client, at: now))
            case .exchange:
                guard let subject = form["subject_token"] else {
                    throw OAuthError("invalid_request", "subject_token is missing")
                }
                let claims = try await exchanged(subject, at: now)
                var reply =
                    try Self.reply(
                        try token(claims, audience: form["audience"] ?? client.id, at: now)
                    ).objectValue ?? JSONObject()
                reply["issued_token_type"] = "urn:ietf:params:oauth:token-type:id_token"
                return .object(reply)
            case .client: return try Self.reply(try clientToken(form, client, at: now))
            }
        } catch let error as OAuthError {
            throw error
        } catch let error as AuthorityError {
            let isOurs = error.code == .damaged || error.code == .unreachable
            throw OAuthError(isOurs ? "server_error" : "invalid_grant", error.message)
        } catch {
            throw OAuthError("server_error", "the token could not be made")
        }
    }

    private static func reply(_ token: String) throws -> JSON {
        [
            "access_token": .string(token), "id_token": .string(token), "token_type": "Bearer",
            "expires_in": .integer(tokenLife),
        ]
    }

    private func codeToken(
        _ form: [String: String], _ client: IdentityDirectory.Client, at now: Timestamp
    ) throws -> String {
        guard let grant = codes.take(form["code"] ?? "", at: now), grant.client.hasSameBytes(as: client.id) else {
            throw OAuthError("invalid_grant", "the code is not known, was used, or is too old")
        }
        guard grant.redirect.hasSameBytes(as: form["redirect_uri"] ?? "") else {
            throw OAuthError("invalid_grant", "redirect_uri is not that of the login")
        }
        let verifier = form["code_verifier"] ?? ""
        guard 43...128 ~= verifier.utf8.count,
            Base64.encode(Digest.of(verifier).bytes, alphabet: .urlSafe, padded: false) == grant.challenge
        else { throw OAuthError("invalid_grant", "code_verifier is not that of the login") }
        return try token(for: grant.user, audience: client.id, nonce: grant.nonce, at: now)
    }

    private func deviceToken(
        _ form: [String: String], _ client: IdentityDirectory.Client, at now: Timestamp
    ) throws -> String {
        let name = form["device_code"] ?? ""
        guard let grant = devices.find(name, at: now), grant.client.hasSameBytes(as: client.id) else {
            throw OAuthError("expired_token", "the device's code is not known or too old")
        }
        if grant.isDenied {
            _ = devices.take(name, at: now)
            throw OAuthError("access_denied", "the person said no")
        }
        guard let user = grant.user else {
            devices.change(name) { $0.lastPoll = now.seconds }
            if now.seconds - grant.lastPoll < 3 { throw OAuthError("slow_down", "ask every five seconds") }
            throw OAuthError("authorization_pending", "the person has not answered yet")
        }
        _ = devices.take(name, at: now)
        return try token(for: user, audience: client.id, nonce: grant.nonce, at: now)
    }

    private func clientToken(
        _ form: [String: String], _ client: IdentityDirectory.Client, at now: Timestamp
    ) throws -> String {
        guard client.secret != nil else { throw OAuthError("unauthorized_client", "the client has no secret") }
        let audience = form["audience"] ?? TrustedIssuer.defaultAudience
        if let text = form["build"] {
            let build = try BuildIdentity(text)
            guard let prefix = client.builds,
                build.buildSignerURI.hasSameBytes(as: prefix)
                    || build.buildSignerURI.hasPrefix(prefix.hasSuffix("/") ? prefix : prefix + "/")
            else { throw OAuthError("unauthorized_client", "the client may not say that it is this builder") }
            return try token(for: build, audience: audience, at: now)
        }
        guard let subject = client.subject else {
            throw OAuthError("unauthorized_client", "the client has no subject of its own")
        }
        return try token(["sub": .string(subject)], audience: audience, at: now)
    }
}

extension FormText {
    /// The most bytes and members of a form.
    package static let greatestByteCount = 64 << 10
    private static let greatestCount = 64

    /// The members of a form. One that is there twice is refused: readers differ in which of them counts.
    package static func members(_ text: String) throws(OAuthError) -> [String: String] {
        guard text.utf8.count <= greatestByteCount else { throw OAuthError("invalid_request", "the form is too long") }
        var out: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(sides[0]), let value = decoded(sides.count > 1 ? sides[1] : ""),
                out.updateValue(value, forKey: name) == nil, out.count <= greatestCount
            else { throw OAuthError("invalid_request", "the form can't be read, or says something twice") }
        }
        return out
    }
}
