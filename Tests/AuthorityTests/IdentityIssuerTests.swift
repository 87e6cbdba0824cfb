import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing

@testable import Authority

/// Who gets which token.
@Suite struct IdentityIssuerTests {
    private static let url = "https://identity.example"

    private struct Fixture {
        let scratch: TemporaryDirectory
        let issuer: IdentityIssuer
        let foreign: TestIssuer
        let now: Timestamp

        init() throws {
            scratch = try TemporaryDirectory()
            now = try TestIssuer.now()
            foreign = try TestIssuer()
            let keys = try TokenKeys(scratch["keys"], passphrase: Secret(""), at: now)
            let directory = IdentityDirectory(
                users: [
                    .init(
                        name: "alice", email: "alice@example.org",
                        password: try PasswordHash(of: Secret("pw"), costExponent: 4))
                ],
                clients: [
                    IdentityDirectory.publicClient,
                    .init(
                        id: "ci", secret: try PasswordHash(of: Secret("hush"), costExponent: 4),
                        redirects: ["https://ci.example/back"],
                        subject: "https://ci.example/job", builds: "https://ci.example/builders"),
                ])
            let exchange = TokenVerifier(
                [TrustedIssuer(TestIssuer.url, .email, keys: .known(foreign.keySet))],
                keys: IssuerKeys(transport: TableTransport()))
            issuer = IdentityIssuer(url: IdentityIssuerTests.url, keys: keys, exchange: exchange) {
                () throws(AuthorityError) in directory
            }
        }

        /// What the token in an answer says, checked as a certificate authority checks it.
        func identity(_ answer: JSON, _ kind: TrustedIssuer.Kind) async throws -> CertifiedIdentity {
            let verifier = TokenVerifier(
                [TrustedIssuer(issuer.url, kind, keys: .inside { issuer.keys.published })],
                keys: IssuerKeys(transport: TableTransport()))
            return try await verifier.identity(in: #require(answer["id_token"]?.stringValue), at: now)
        }

        func refusal(_ form: [String: String], basic: (id: String, secret: String)? = nil) async -> String {
            do {
                _ = try await issuer.answer(form, basic: basic, at: now)
                return "granted"
            } catch {
                return error.code
            }
        }
    }

    private static let verifierText = String(repeating: "v", count: 43)
    private static var challenge: String {
        Base64.encode(Digest.of(verifierText).bytes, alphabet: .urlSafe, padded: false)
    }
    private static func wish(_ change: [String: String] = [:]) -> [String: String] {
        [
            "response_type": "code", "client_id": "sigstore", "redirect_uri": "http://localhost:8080/auth/callback",
            "code_challenge": challenge, "code_challenge_method": "S256", "state": "s&t", "nonce": "n",
        ].merging(change) { $1 }
    }

    @Test("a login in a browser gives a code, and the code once a token")
    func code() async throws {
        let fixture = try Fixture()
        let request = try await fixture.issuer.authorization(Self.wish(), at: fixture.now)
        #expect(request.redirect([("code", "c")]) == "http://localhost:8080/auth/callback?code=c&state=s%26t")
        let code = try await fixture.issuer.code(for: request, name: "alice", password: "pw", at: fixture.now)
        var form = [
            "grant_type": "authorization_code", "client_id": "sigstore", "code": code,
            "redirect_uri": "http://localhost:8080/auth/callback", "code_verifier": Self.verifierText,
        ]
        let answer = try await fixture.issuer.answer(form, at: fixture.now)
        let identity = try await fixture.identity(answer, .martlet)
        #expect(identity.name == .email("alice@example.org"))
        #expect(identity[8] == Self.url)
        let claims = try WebToken(#require(answer["id_token"]?.stringValue)).claims
        #expect(claims["nonce"] == "n")
        #expect(await fixture.refusal(form) == "invalid_grant")
        // Neither another's verifier nor another's address gets a token, and the code is gone after the try.
        for (key, value) in [
            ("code_verifier", String(repeating: "w", count: 43)), ("redirect_uri", "http://localhost/x"),
        ] {
            form["code"] = try await fixture.issuer.code(for: request, name: "alice", password: "pw", at: fixture.now)
            #expect(await fixture.refusal(form.merging([key: value]) { $1 }) == "invalid_grant")
            #expect(await fixture.refusal(form) == "invalid_grant")
        }
    }

    @Test("people are sent to no address but the client's own and this machine's")
    func redirects() async throws {
        let fixture = try Fixture()
        for address in [
            "http://localhost/cb", "http://127.0.0.1:1234/cb", "http://[::1]:1?x", "urn:ietf:wg:oauth:2.0:oob",
        ] {
            _ = try await fixture.issuer.authorization(Self.wish(["redirect_uri": address]), at: fixture.now)
        }
        _ = try await fixture.issuer.authorization(
            Self.wish(["client_id": "ci", "redirect_uri": "https://ci.example/back"]), at: fixture.now)
        for change in [
            ["redirect_uri": "https://evil.example"], ["redirect_uri": "http://localhost.evil.example/"],
            ["redirect_uri": "http://localhost:80@evil.example/"], ["redirect_uri": "http://localhost@evil.example"],
            ["redirect_uri": "https://ci.example/back"], ["redirect_uri": "javascript:alert(1)"],
            ["redirect_uri": "http://127.0.0.1:99999/"], ["redirect_uri": "http://localhost/#a"],
            ["client_id": "nobody"], ["response_type": "token"], ["code_challenge_method": "plain"],
            ["code_challenge": "short"], ["state": String(repeating: "s", count: 2000)],
        ] {
            await #expect(throws: OAuthError.self, "\(change)") {
                try await fixture.issuer.authorization(Self.wish(change), at: fixture.now)
            }
        }
    }

    @Test("who guesses passwords is made to wait, and nobody learns which names exist")
    func passwords() async throws {
        let fixture = try Fixture()
        for name in ["alice", "nobody"] {
            var messages: [String] = []
            for _ in 0..<6 {
                do {
                    _ = try await fixture.issuer.user(name, password: "guess", at: fixture.now)
                } catch {
                    messages.append(error.message)
                }
            }
            #expect(Set(messages.prefix(5)) == ["name or password is wrong"])
            #expect(messages.last?.contains("try again in") == true)
        }
        // The right password too has to wait, or guessing would go on.
        await #expect(throws: AuthorityError.self) {
            try await fixture.issuer.user("alice", password: "pw", at: fixture.now)
        }
        let later = try #require(Timestamp(seconds: fixture.now.seconds + 10))
        _ = try await fixture.issuer.user("alice@example.org", password: "pw", at: later).name
    }

    @Test("a device waits for its person")
    func device() async throws {
        let fixture = try Fixture()
        let begun = try await fixture.issuer.deviceAuthorization(["client_id": "sigstore"], at: fixture.now)
        let form = [
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "sigstore",
            "device_code": try #require(begun["device_code"]?.stringValue),
        ]
        #expect(await fixture.refusal(form) == "authorization_pending")
        #expect(await fixture.refusal(form) == "slow_down")
        let code = try #require(begun["user_code"]?.stringValue)
        await #expect(throws: AuthorityError.self) {
            try await fixture.issuer.approve(userCode: "BBBB-BBBB", name: "alice", password: "pw", at: fixture.now)
        }
        try await fixture.issuer.approve(
            userCode: code.lowercased(), name: "alice", password: "pw", at: fixture.now)
        let identity = try await fixture.identity(fixture.issuer.answer(form, at: fixture.now), .martlet)
        #expect(identity.name == .email("alice@example.org"))
        #expect(await fixture.refusal(form) == "expired_token")
    }

    @Test("programs get tokens for themselves, and for builds below their prefix")
    func clients() async throws {
        let fixture = try Fixture()
        let form = ["grant_type": "client_credentials", "client_id": "ci", "client_secret": "hush"]
        let own = try await fixture.issuer.answer(form, at: fixture.now)
        #expect(try await fixture.identity(own, .martlet).name == .uri("https://ci.example/job"))
        let build = """
            {"build_signer_uri": "https://ci.example/builders/main", "source_repository_digest": "aaaa",
             "build_config_uri": "https://ci.example/config", "build_config_digest": "bbbb"}
            """
        let answer = try await fixture.issuer.answer(form.merging(["build": build]) { $1 }, at: fixture.now)
        let identity = try await fixture.identity(answer, .martlet)
        #expect(identity.name == .uri("https://ci.example/builders/main"))
        #expect(identity[9] == "https://ci.example/builders/main")
        #expect(identity[11] == "self-hosted")
        #expect(identity[13] == "aaaa")
        #expect(identity[19] == "bbbb")
        for uri in ["https://ci.example/buildersevil", "https://other.example", "https://ci.example"] {
            let other = form.merging(["build": #"{"build_signer_uri": "\#(uri)"}"#]) { $1 }
            #expect(await fixture.refusal(other) == "unauthorized_client")
        }
        #expect(await fixture.refusal(form.merging(["build": #"{"build_signer_uri": 1}"#]) { $1 }) == "invalid_grant")
        #expect(await fixture.refusal(form.merging(["client_secret": "guess"]) { $1 }) == "invalid_client")
        #expect(await fixture.refusal(["grant_type": "client_credentials"], basic: ("ci", "hush")) == "granted")
        #expect(
            await fixture.refusal(["grant_type": "client_credentials", "client_id": "sigstore"])
                == "unauthorized_client")
        #expect(await fixture.refusal(["grant_type": "password"]) == "unsupported_grant_type")
    }

    @Test("a secret that was proven is proven for the hash that it matched alone")
    func provenSecrets() throws {
        var proven = ProvenSecrets()
        let hash = try PasswordHash(of: Secret("hush"), costExponent: 4)
        let same = try PasswordHash(of: Secret("hush"), costExponent: 4)
        let other = try PasswordHash(of: Secret("other"), costExponent: 4)
        for _ in 0..<2 {
            for (secret, hash, expected) in [
                ("hush", hash, true), ("hush", same, true), ("hush", other, false), ("other", other, true),
                ("other", hash, false), ("", hash, false), ("hush ", hash, false), ("\(hash)\nhush", hash, false),
            ] {
                let matches = proven.matches(Secret(secret), hash)
                #expect(matches == expected, "\(secret)")
            }
        }
    }

    @Test("a token of a trusted issuer is exchanged, and no other")
    func exchange() async throws {
        let fixture = try Fixture()
        let token = try fixture.foreign.token(TestIssuer.claims())
        let form = [
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        ]
        let answer = try await fixture.issuer.answer(form, at: fixture.now)
        #expect(answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:id_token")
        #expect(try await fixture.identity(answer, .email).name == .email("someone@example.org"))
        let forged = try TestIssuer().token(TestIssuer.claims())
        #expect(await fixture.refusal(form.merging(["subject_token": forged]) { $1 }) == "invalid_grant")
    }

    @Test("keys are renewed, shown before they sign, and forgotten when no token of theirs lives")
    func rotation() throws {
        let scratch = try TemporaryDirectory()
        let now = try TestIssuer.now()
        func moment(_ seconds: Int64) throws -> Timestamp { try #require(Timestamp(seconds: now.seconds + seconds)) }
        let keys = try TokenKeys(scratch["keys"], passphrase: Secret("p"), at: now)
        let first = try keys.current(at: now).keyID
        try keys.renew(at: moment(86400))
        #expect(keys.published.entries.count == 1)
        try keys.renew(at: moment(TokenKeys.period))
        #expect(keys.published.entries.count == 2)
        #expect(try keys.current(at: moment(TokenKeys.period + 10)).keyID == first)
        #expect(try keys.current(at: moment(TokenKeys.period + TokenKeys.notice)).keyID != first)
        try keys.renew(at: moment(TokenKeys.period + TokenKeys.notice + TokenKeys.keeping + 1))
        #expect(keys.published.entries.map(\.keyID) != [first])
        #expect(keys.published.entries.count == 1)
        let reopened = try TokenKeys(scratch["keys"], passphrase: Secret("p"), at: now)
        #expect(reopened.published.entries == keys.published.entries)
        #expect(throws: AuthorityError.self) {
            try TokenKeys(scratch["keys"], passphrase: Secret("q"), at: now)
        }
    }

    @Test("forms that say something twice, or can't be read, are refused")
    func forms() throws {
        #expect(try FormText.members("a=b+c&d=%26%C3%A9&e") == ["a": "b c", "d": "&é", "e": ""])
        for text in ["a=1&a=2", "a=%", "a=%zz", "a=%C3"] {
            #expect(throws: OAuthError.self) { try FormText.members(text) }
        }
        #expect(FormText.encoded("a b/é") == "a%20b%2F%C3%A9")
    }
}
