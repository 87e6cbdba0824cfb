package import Bytes
internal import Host
internal import Keys
internal import Sigstore

/// Says who somebody is: an OpenID Connect provider for closed networks (OpenID Connect Core 1.0, RFC 6749, 7636, 8628,
/// 8693).
///
/// It has no sessions and no cookies: whoever wants a token gives name and password.
package actor IdentityIssuer {
    /// Passwords take long to check.
    private nonisolated let lane = BlockingLane(name: "martlet.identity")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    /// The address that tokens name, without a slash at its end.
    package nonisolated let url: String
    package nonisolated let keys: TokenKeys
    private let directory: @Sendable () throws(AuthorityError) -> IdentityDirectory
    /// Issuers whose tokens are taken in exchange.
    private let exchange: TokenVerifier?
    var codes = GrantTable<CodeGrant>(limit: 10_000)
    var devices = GrantTable<DeviceGrant>(limit: 10_000)
    private var failures = LoginFailures()
    private var proven = ProvenSecrets()

    /// How long a token is good, in seconds.
    package static let tokenLife: Int64 = 600
    static let codeLife: Int64 = 120
    static let deviceLife: Int64 = 600

    /// `directory` is asked at each login, so that changes count at once.
    package init(
        url: String, keys: TokenKeys, exchange: TokenVerifier? = nil,
        directory: @escaping @Sendable () throws(AuthorityError) -> IdentityDirectory
    ) {
        self.url = url
        self.keys = keys
        self.directory = directory
        self.exchange = exchange
    }

    // MARK: Documents

    /// OpenID Connect Discovery section 3.
    package nonisolated var discovery: JSON {
        [
            "issuer": .string(url), "authorization_endpoint": .string(url + "/auth"),
            "token_endpoint": .string(url + "/token"), "jwks_uri": .string(url + "/keys"),
            "device_authorization_endpoint": .string(url + "/device/code"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "grant_types_supported": .array(Grant.allCases.map { .string($0.rawValue) }),
            "id_token_signing_alg_values_supported": ["ES256"], "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "email"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nbf", "email", "email_verified", "name"],
        ]
    }

    /// The keys as a JSON Web Key Set.
    package nonisolated var keySet: JSON {
        [
            "keys": .array(
                keys.published.entries.compactMap { WebKeySet.json($0.key, keyID: $0.keyID ?? "") })
        ]
    }

    /// Ways to get a token.
    enum Grant: String, CaseIterable {
        case code = "authorization_code"
        case device = "urn:ietf:params:oauth:grant-type:device_code"
        case exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
        case client = "client_credentials"
    }

    // MARK: Tokens

    /// A token for a build, for the builder in this process.
    package nonisolated func token(
        for build: BuildIdentity, audience: String = TrustedIssuer.defaultAudience, at now: Timestamp
    ) throws(AuthorityError) -> String {
        try token(build.tokenClaims, audience: audience, at: now)
    }

    /// A token for a person.
    package nonisolated func token(
        for user: IdentityDirectory.User, audience: String, nonce: String? = nil, at now: Timestamp
    ) throws(AuthorityError) -> String {
        var claims: JSONObject = [
            "sub": .string(user.name), "email": .string(user.email), "email_verified": true,
            "name": .string(user.name),
        ]
        claims["nonce"] = nonce.map { .string($0) }
        return try token(claims, audience: audience, at: now)
    }

    nonisolated func token(
        _ claims: JSONObject, audience: String, at now: Timestamp
    ) throws(AuthorityError) -> String {
        var all: JSONObject = [
            "iss": .string(url), "aud": .string(audience), "iat": .integer(now.seconds),
            "nbf": .integer(now.seconds), "exp": .integer(now.seconds + Self.tokenLife),
            "jti": .string(Self.random(16)),
        ]
        for member in claims { all[member.key] = member.value }
        return try keys.token(all, at: now)
    }

    /// Random bytes as text for addresses.
    nonisolated static func random(_ count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return Base64.encode(bytes, alphabet: .urlSafe, padded: false)
    }

    // MARK: People

    /// The user of this name, or address, and password. Who guesses is soon made to wait.
    func user(_ name: String, password: String, at now: Timestamp) throws(AuthorityError) -> IdentityDirectory.User {
        guard name.utf8.count <= 320 else { throw AuthorityError(.unauthenticated, "name or password is wrong") }
        if let pause = failures.pause(name, at: now) {
            throw AuthorityError(.limit, "too many wrong passwords for this name; try again in \(pause) seconds")
        }
        let users = try directory().users
        let user = users.first { $0.name.hasSameBytes(as: name) || $0.email.hasSameBytes(as: name) }
        // Somebody who is not there takes as long as somebody who is.
        guard let hash = user?.password ?? Self.nobody, proven.matches(Secret(password), hash), let user else {
            failures.count(name, at: now)
            throw AuthorityError(.unauthenticated, "name or password is wrong")
        }
        failures.forget(name)
        return user
    }

    /// The address of the user of this name and password, for services of the same server.
    package func address(
        of name: String, password: String, at now: Timestamp
    ) throws(AuthorityError) -> String { try user(name, password: password, at: now).email }

    private static let nobody = try? PasswordHash(of: Secret(random(16)))

    // MARK: Programs

    func clients() throws(AuthorityError) -> [IdentityDirectory.Client] { try directory().clients }

    /// The client that a request names, with its secret where it has one.
    func client(_ id: String?, secret: String?, at now: Timestamp) throws(OAuthError) -> IdentityDirectory.Client {
        guard let id, id.utf8.count <= 256 else { throw OAuthError("invalid_client", "client_id is missing") }
        let clients: [IdentityDirectory.Client]
        do {
            clients = try directory().clients
        } catch {
            throw OAuthError("server_error", "the clients can't be read")
        }
        guard let client = clients.first(where: { $0.id.hasSameBytes(as: id) }) else {
            throw OAuthError("invalid_client", "the client is not known here")
        }
        guard let hash = client.secret else { return client }
        guard failures.pause("client \(id)", at: now) == nil else {
            throw OAuthError("slow_down", "too many wrong secrets for this client; try again later")
        }
        guard let secret, proven.matches(Secret(secret), hash) else {
            failures.count("client \(id)", at: now)
            throw OAuthError("invalid_client", "the client's secret is wrong")
        }
        failures.forget("client \(id)")
        return client
    }

    /// Checks a token of another issuer and gives it as claims of one of ours.
    func exchanged(_ token: String, at now: Timestamp) async throws(AuthorityError) -> JSONObject {
        guard let exchange else { throw AuthorityError(.unsupported, "no tokens are taken in exchange here") }
        let identity = try await exchange.identity(in: token, at: now)
        var claims: JSONObject = ["sub": .string(identity.name.text), "origin": .string(identity[8] ?? "")]
        if case .email(let email) = identity.name {
            claims["email"] = .string(email)
            claims["email_verified"] = true
        }
        for (index, name) in BuildIdentity.names.enumerated() {
            let numbers: [UInt] = [10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]
            claims[name] = identity[numbers[index]].map { .string($0) }
        }
        claims["build_signer_uri"] = identity[9].map { .string($0) }
        claims["runner_environment"] = identity[11].map { .string($0) }
        return claims
    }
}

/// An answer that is no, in the words of RFC 6749 section 5.2.
package struct OAuthError: Error, Hashable, Sendable, CustomStringConvertible {
    package let code: String
    package let message: String

    package init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
    package var json: JSON { ["error": .string(code), "error_description": .string(message)] }
    package var status: Int { code == "invalid_client" ? 401 : code == "server_error" ? 500 : 400 }
}

/// What was begun and is to be ended soon, by a secret name. At most so many at once.
struct GrantTable<Value: Sendable>: Sendable {
    private var entries: [String: (value: Value, end: Int64)] = [:]
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func add(_ name: String, _ value: Value, until end: Int64, at now: Timestamp) throws(OAuthError) {
        if entries.count >= limit { entries = entries.filter { $0.value.end > now.seconds } }
        guard entries.count < limit else {
            throw OAuthError("temporarily_unavailable", "too many logins are under way; try again later")
        }
        entries[name] = (value, end)
    }

    func find(_ name: String, at now: Timestamp) -> Value? {
        entries[name].flatMap { $0.end > now.seconds ? $0.value : nil }
    }

    func name(at now: Timestamp, where matches: (Value) -> Bool) -> String? {
        entries.first { $0.value.end > now.seconds && matches($0.value.value) }?.key
    }

    mutating func change(_ name: String, _ change: (inout Value) -> Void) {
        guard var entry = entries[name] else { return }
        change(&entry.value)
        entries[name] = entry
    }

    mutating func take(_ name: String, at now: Timestamp) -> Value? {
        entries.removeValue(forKey: name).flatMap { $0.end > now.seconds ? $0.value : nil }
    }
}

/// Wrong passwords by name.
private struct LoginFailures {
    private var counts: [String: (count: Int, last: Int64)] = [:]
    private static let free = 5
    private static let limit = 10_000

    /// How many seconds must pass; `nil` when one may try.
    func pause(_ name: String, at now: Timestamp) -> Int64? {
        guard let (count, last) = counts[name], count >= Self.free else { return nil }
        let pause = min(Int64(1) << Int64(min(count - Self.free, 8)), 300)
        let left = last + pause - now.seconds
        return left > 0 ? left : nil
    }

    mutating func count(_ name: String, at now: Timestamp) {
        if counts.count >= Self.limit { counts = counts.filter { now.seconds - $0.value.last < 600 } }
        // Made-up names in masses push each other out, and never a name that is being guessed at.
        if counts.count >= Self.limit { counts = counts.filter { $0.value.count >= Self.free } }
        counts[name] = ((counts[name]?.count ?? 0) + 1, now.seconds)
    }

    mutating func forget(_ name: String) { counts[name] = nil }
}
