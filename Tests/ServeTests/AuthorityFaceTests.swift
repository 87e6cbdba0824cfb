import Authority
import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing
import Wire

@testable import Serve

/// The faces of an authority, over real HTTP.
@Suite struct AuthorityFaceTests {
    private static let kinds: [FaceKind] = [.identity, .certificates, .timestamps, .trust]

    /// A directory with a user and a client.
    private static func directory() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try Files.createDirectories(directory["authority"])
        try IdentityDirectory(
            users: [.init(name: "alice", email: "alice@example.org", password: try PasswordHash(of: Secret("pw")))],
            clients: [
                IdentityDirectory.publicClient,
                .init(
                    id: "ci", secret: try PasswordHash(of: Secret("hush")), builds: "https://ci.example/builders"),
            ]
        ).write(to: directory["authority/users.json"])
        return directory
    }

    private static func form(_ members: [(String, String)]) -> [UInt8] {
        Array(members.map { "\($0.0)=\(FormText.encoded($0.1))" }.joined(separator: "&").utf8)
    }

    private static let fields: Wire.HTTPFields = ["Content-Type": "application/x-www-form-urlencoded"]

    @Test("a build signs without a key of its own against a server, and its bundle's certificate says which build")
    func certificate() async throws {
        try await RunningServer.with(Self.kinds, in: Self.directory()) { server in
            let build = #"{"build_signer_uri": "https://ci.example/builders/main", "source_repository_digest": "aaaa"}"#
            let answer = try await server.ask(
                .post, "/identity/token", fields: Self.fields,
                body: Self.form([
                    ("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "hush"),
                    ("build", build),
                ]))
            #expect(answer.status == 200)
            let token = try #require(try JSON(parsing: answer.bytes)["id_token"]?.stringValue)
            let key = try PrivateKey.generate(.ecdsaP256)
            let proof = try key.signature(of: .bytes(Array("https://ci.example/builders/main".utf8)))
            let request: JSON = [
                "credentials": ["oidcIdentityToken": .string(token)],
                "publicKeyRequest": [
                    "publicKey": ["algorithm": "ECDSA", "content": .string(key.publicKey.pem)],
                    "proofOfPossession": .string(Base64.encode(proof)),
                ],
            ]
            let certified = try await server.ask(.post, "/api/v2/signingCert", body: request.bytes())
            #expect(certified.status == 200)
            let list = try JSON(parsing: certified.bytes)["signedCertificateEmbeddedSct"]?["chain"]?["certificates"]
            let chain = try #require(list?.arrayValue).flatMap {
                try Certificate.list(pem: Array(($0.stringValue ?? "").utf8))
            }
            #expect(chain.count == 3)
            #expect(try chain[0].signerName() == .uri("https://ci.example/builders/main"))
            #expect(try chain[0].claim(.buildSignerURI) == "https://ci.example/builders/main")
            #expect(try chain[0].claim(.sourceRepositoryDigest) == "aaaa")
            #expect(try chain[0].claim(.issuer) == server.site.url + "/identity")

            // The same in the words of the first interface, and of other writers of protocol buffers' JSON.
            let old: JSON = [
                "publicKey": ["algorithm": "ecdsa", "content": .string(Base64.encode(key.publicKey.der))],
                "signedEmailAddress": .string(Base64.encode(proof)),
            ]
            let v1 = try await server.ask(
                .post, "/api/v1/signingCert", fields: ["Authorization": "Bearer \(token)"], body: old.bytes())
            #expect(v1.status == 201)
            #expect(try Certificate.list(pem: v1.bytes).count == 3)
            let snake = request.text().replacing("oidcIdentityToken", with: "oidc_identity_token").replacing(
                "proofOfPossession", with: "proof_of_possession")
            #expect(try await server.ask(.post, "/api/v2/signingCert", body: Array(snake.utf8)).status == 200)

            // The log has all three, and proves it.
            let head = try JSON(parsing: try await server.ask(.get, "/ct/v1/get-sth").bytes)
            #expect(head["tree_size"] == 3)
            let entries = try await server.ask(.get, "/ct/v1/get-entries?start=0&end=10")
            #expect(try JSON(parsing: entries.bytes)["entries"]?.arrayValue?.count == 3)
            for path in [
                "/ct/v1/get-roots", "/ct/v1/get-sth-consistency?first=1&second=3",
                "/ct/v1/get-entry-and-proof?leaf_index=1&tree_size=3", "/ct/checkpoint", "/ct/tile/0/000.p/3",
                "/ct/tile/data/000.p/3", "/api/v2/trustBundle", "/api/v2/configuration", "/api/v1/rootCert",
                "/api/v1/timestamp/certchain",
            ] {
                #expect(try await server.ask(.get, path).status == 200, "\(path)")
            }
            for path in [
                "/ct/tile/0/000", "/ct/tile/entries/000.p/3", "/ct/issuer/00", "/ct/v1/get-entries?start=3&end=3",
            ] {
                #expect(try await server.ask(.get, path).status == 404, "\(path)")
            }
        }
    }

    @Test("requests that are wrong are refused, each with its status")
    func refusals() async throws {
        try await RunningServer.with(Self.kinds) { server in
            let cases: [(String, String, Int)] = [
                ("/api/v2/signingCert", "{}", 401), ("/api/v2/signingCert", "no", 400),
                ("/api/v2/signingCert", #"{"credentials":{"oidcIdentityToken":"a.b.c"}}"#, 400),
                (
                    "/api/v2/signingCert",
                    #"{"credentials":{"oidcIdentityToken":"a.b.c"},"certificateSigningRequest":"AAAA"}"#, 401
                ), ("/api/v1/signingCert", "{}", 401),
                ("/api/v2/signingCert", String(repeating: " ", count: 200_000), 413),
                ("/ct/v1/add-chain", #"{"chain":["AAAA"]}"#, 400), ("/ct/v1/add-chain", #"{"chain":[]}"#, 400),
                ("/ct/v1/add-pre-chain", #"{"chain":[1]}"#, 400), ("/api/v1/timestamp", "x", 415),
                ("/identity/token", "grant_type=password", 400), ("/identity/token", "a=1&a=2", 400),
                ("/identity/token", "grant_type=client_credentials&client_id=nobody", 401),
                ("/identity/auth", "client_id=sigstore&redirect_uri=https://evil.example", 400),
                ("/identity/device", "user_code=BBBBBBBB&username=a&password=b", 403),
            ]
            for (path, body, status) in cases {
                let answer = try await server.ask(
                    .post, path, fields: ["Content-Type": "text/plain"], body: Array(body.utf8))
                #expect(
                    answer.status == status,
                    "\(path) \(body.prefix(40)): \(String(decoding: answer.bytes, as: UTF8.self).prefix(200))")
            }
            let wrong = try await server.ask(
                .post, "/api/v1/timestamp", fields: ["Content-Type": "application/timestamp-query"], body: [1, 2, 3])
            #expect(wrong.status == 400)
            #expect(wrong.fields["Content-Type"] == "application/timestamp-reply")
        }
    }

    @Test("a person signs in in a browser, and the page is safe from what stands in addresses")
    func login() async throws {
        try await RunningServer.with(Self.kinds, in: Self.directory()) { server in
            let verifier = String(repeating: "v", count: 43)
            let challenge = Base64.encode(Digest.of(verifier).bytes, alphabet: .urlSafe, padded: false)
            let wish = [
                ("response_type", "code"), ("client_id", "sigstore"), ("redirect_uri", "http://localhost:1/cb"),
                ("code_challenge", challenge), ("code_challenge_method", "S256"), ("state", "\"><script>"),
            ]
            let page = try await server.ask(
                .get, "/identity/auth?" + String(decoding: Self.form(wish), as: UTF8.self))
            #expect(page.status == 200)
            #expect(!String(decoding: page.bytes, as: UTF8.self).contains("<script"))
            #expect(page.fields["Content-Security-Policy"]?.contains("default-src 'none'") == true)
            let wrong = try await server.ask(
                .post, "/identity/auth", fields: Self.fields,
                body: Self.form(wish + [("username", "alice"), ("password", "guess")]))
            #expect(wrong.status == 401)
        }
    }

    @Test("clients follow the trust repository, and what it vouches for is what signs here")
    func trust() async throws {
        let directory = try Self.directory()
        try await RunningServer.with(Self.kinds, in: directory) { server in
            let config = try ClientTrustConfig(parsing: try await server.ask(.get, "/trust/config.json").bytes)
            #expect(config.trustedRoot.certificateAuthorities.count == 1)
            #expect(config.trustedRoot.certificateLogs.count == 1)
            #expect(config.trustedRoot.timestampAuthorities.count == 1)
            #expect(config.signingConfig?.tokenIssuers.first?.url == server.site.url + "/identity")
            for path in ["/tuf/root.json", "/tuf/1.root.json", "/tuf/timestamp.json", "/tuf/1.snapshot.json"] {
                #expect(try await server.ask(.get, path).status == 200, "\(path)")
            }
            for path in ["/tuf/2.root.json", "/tuf/../authority/root.key", "/tuf/%2e%2e%2froot.key", "/tuf/keys"] {
                #expect(try await server.ask(.get, path).status == 404, "\(path)")
            }
        }
        // The same directory serves again, with the same authority.
        try await RunningServer.with(Self.kinds, in: directory) { server in
            let files = try #require(try AuthorityFiles(directory["authority"]))
            let config = try ClientTrustConfig(parsing: try await server.ask(.get, "/trust/config.json").bytes)
            #expect(config.trustedRoot.certificateAuthorities.first?.chain == (try files.chain(files.issuer.chain)))
        }
    }
}
