internal import Bytes
internal import Host
internal import Synchronization
internal import Wire

/// For what an authorization is good.
struct AuthorizationKey: Hashable {
    let origin: String
    let repository: String
    /// A second repository that the token must let be read.
    let from: String?
}

/// What proves to a registry who asks.
struct Authorization {
    /// The field's value. Never shown.
    let field: String
    let access: RegistryClient.Access
    /// By the machine's monotonic clock, in nanoseconds; `nil` where it does not end.
    let ends: Int64?
}

extension RegistryClient {
    /// What is known to let in, if it does so long enough.
    func authorization(_ key: AuthorizationKey, _ access: Access) -> Authorization? {
        let found = known.withLock { $0.authorizations[key] }
        guard let found, found.access == access || found.access == .delete || access == .pull else { return nil }
        guard let ends = found.ends, ends <= Clocks.monotonicNanoseconds() else { return found }
        return nil
    }

    /// Gets what `challenges` ask for; `false` where there is nothing to answer with.
    func logIn(
        _ challenges: [AuthChallenge], _ key: AuthorizationKey, _ reference: Reference, _ ask: Ask
    ) async throws -> Bool {
        let credential = try await settings.credentials.credential(
            registry: reference.registry, repository: reference.repository)
        if case .registryToken(let token) = credential {
            keep(Authorization(field: "Bearer \(token)", access: .delete, ends: nil), key)
            return true
        }
        if let challenge = challenges.first(where: { $0.scheme == "bearer" }) {
            keep(try await token(challenge, credential, key, reference, ask), key)
            return true
        }
        if challenges.contains(where: { $0.scheme == "basic" }), let field = credential.basic {
            keep(Authorization(field: field, access: .delete, ends: nil), key)
            return true
        }
        return false
    }

    private func keep(_ authorization: Authorization, _ key: AuthorizationKey) {
        known.withLock { $0.authorizations[key] = authorization }
    }

    /// Gets a token from where the registry says (distribution's token and OAuth 2 specifications).
    private func token(
        _ challenge: AuthChallenge, _ credential: Credential, _ key: AuthorizationKey, _ reference: Reference,
        _ ask: Ask
    ) async throws -> Authorization {
        guard let text = challenge.parameters["realm"], let realm = try? HTTPURL(text) else {
            throw RegistryError(.malformed, "\(reference.registry) names no address that gives tokens")
        }
        // Whoever sits between could read the password and the token.
        guard realm.isConfidential || settings.allowsPlainHTTP else {
            throw RegistryError(
                .refused, "\(reference.registry) gives its tokens at \(realm.shown), which is not encrypted")
        }
        var scopes = ["repository:\(reference.repository):\(ask.access.rawValue)"]
        if let from = ask.mountedFrom { scopes.append("repository:\(from):pull") }
        for scope in challenge.parameters["scope"]?.split(separator: " ").map(String.init) ?? []
        where !scope.hasPrefix("repository:\(reference.repository):") && !scopes.contains(scope) && scopes.count < 10 {
            scopes.append(scope)
        }
        let began = Clocks.monotonicNanoseconds()
        let request = try tokenRequest(realm, challenge.parameters["service"], scopes, credential)
        let answer: HTTPAnswer
        do {
            answer = try await http.fetch(request, limit: 1 << 20)
        } catch {
            throw RegistryError(error)
        }
        guard answer.isSuccess else {
            throw 401...403 ~= answer.status || answer.status == 400
                ? RegistryError(
                    .refused,
                    "\(realm.shown) gives no token for \(reference.name) (\(answer.status)): \(Self.words(answer.bytes)); is the password right?"
                ) : failure(answer)
        }
        let fields = try ManifestFields(parsing: answer.bytes, limit: 1 << 20, "the answer of \(realm.shown)")
        let token = try fields.text("token") ?? fields.text("access_token")
        guard let token, !token.isEmpty, token.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw RegistryError(.malformed, "the answer of \(realm.shown) has no token")
        }
        // A little less than it says, for the request that carries it takes time too.
        let seconds = max(1, min(try fields.number("expires_in") ?? 60, 86400) * 9 / 10)
        return Authorization(
            field: "Bearer \(token)", access: ask.access, ends: began + Int64(seconds) * 1_000_000_000)
    }

    private func tokenRequest(
        _ realm: HTTPURL, _ service: String?, _ scopes: [String], _ credential: Credential
    ) throws -> HTTPRequest {
        var parameters: [(String, String)] = []
        if let service { parameters.append(("service", service)) }
        if case .identityToken(let token) = credential {
            parameters += [
                ("grant_type", "refresh_token"), ("client_id", "martlet"), ("refresh_token", token),
                ("scope", scopes.joined(separator: " ")),
            ]
            return HTTPRequest(
                .post, realm, fields: ["Content-Type": "application/x-www-form-urlencoded"],
                body: .bytes(Array(Self.form(parameters).utf8)), isRepeatable: true
            ).stayingAtOrigin()
        }
        parameters += scopes.map { ("scope", $0) }
        let mark = realm.text.contains("?") ? "&" : "?"
        var request = HTTPRequest(.get, try HTTPURL(realm.text + mark + Self.form(parameters)))
        if let basic = credential.basic { request.fields["Authorization"] = basic }
        return request
    }

    /// `application/x-www-form-urlencoded`.
    private static func form(_ parameters: [(String, String)]) -> String {
        parameters.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
    }

    /// `text` with everything but letters, digits, `-`, `.`, `_`, `~` as `%XX` (RFC 3986 section 2.3).
    static func escaped(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return out
    }
}

extension HTTPRequest {
    /// The request, which no redirect takes to another server.
    fileprivate func stayingAtOrigin() -> HTTPRequest {
        var out = self
        out.staysAtOrigin = true
        return out
    }
}
