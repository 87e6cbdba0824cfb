import Bytes
import Keys
import Sigstore
import Testing

@testable import Authority

/// Which tokens are believed.
@Suite struct TokenVerifierTests {
    private static func verifier(
        _ issuer: TestIssuer, kind: TrustedIssuer.Kind = .email, reuse: TokenVerifier.Reuse = .untilExpiry
    ) -> TokenVerifier {
        TokenVerifier(
            [TrustedIssuer(TestIssuer.url, kind, keys: .known(issuer.keySet))],
            keys: IssuerKeys(transport: TableTransport()), reuse: reuse)
    }

    private static func refusal(_ token: String, by verifier: TokenVerifier) async throws -> String {
        do {
            _ = try await verifier.identity(in: token, at: TestIssuer.now())
            return "accepted"
        } catch let error as AuthorityError {
            return error.message
        }
    }

    @Test("a token of a trusted issuer names its owner")
    func accepted() async throws {
        let issuer = try TestIssuer()
        let identity = try await Self.verifier(issuer).identity(
            in: issuer.token(TestIssuer.claims()), at: TestIssuer.now())
        #expect(identity.name == .email("someone@example.org"))
        #expect(identity[1] == TestIssuer.url)
        #expect(identity[8] == TestIssuer.url)
        #expect(identity[24] == "subject")
        #expect(identity.challenge == "someone@example.org")
    }

    @Test(
        "every algorithm that issuers use is checked",
        arguments: [
            ("ES256", KeyAlgorithm.ecdsaP256), ("ES384", .ecdsaP384), ("ES512", .ecdsaP521), ("EdDSA", .ed25519),
            ("RS256", .rsa(bits: 2048)), ("RS512", .rsa(bits: 2048)), ("PS256", .rsa(bits: 2048)),
        ])
    func algorithms(name: String, algorithm: KeyAlgorithm) async throws {
        let issuer = try TestIssuer(key: SharedKey.make(algorithm))
        let token = try issuer.token(
            TestIssuer.claims(), algorithm: name, hash: name == "RS512" ? .sha512 : nil,
            padding: name.hasPrefix("PS") ? .pss : .pkcs1v15)
        #expect(try await Self.refusal(token, by: Self.verifier(issuer)) == "accepted")
        let signature = try #require(token.split(separator: ".").last)
        let other = signature.hasPrefix("A") ? "B" : "A"
        let broken = token.dropLast(signature.count) + other + signature.dropFirst()
        #expect(try await Self.refusal(String(broken), by: Self.verifier(issuer)).contains("not signed by"))
    }

    @Test("wrong times, audiences and issuers each are a refusal of their own")
    func claims() async throws {
        let issuer = try TestIssuer()
        let now = try TestIssuer.now().seconds
        let cases: [(JSONObject, String)] = [
            (["exp": .integer(now - 60)], "was good until"),
            (["exp": .null], "until when"), (["exp": "tomorrow"], "no moment"),
            (["nbf": .integer(now + 60)], "is good from"), (["iat": .integer(now + 60)], "is to come"),
            (["exp": .integer(now + 86400 * 365)], "longer than two days"),
            (["aud": "another"], "is meant for another"), (["aud": .null], "is meant for"),
            (["aud": ["one", "two"]], "one, two"), (["iss": "https://other.example"], "not trusted"),
            (["iss": .null], "nobody are not trusted"), (["email": .null], "no e-mail address"),
            (["email": "a@b@c"], "no e-mail address"), (["email_verified": false], "the owner's address"),
            (["email_verified": .null], "the owner's address"),
        ]
        for (change, words) in cases {
            let token = try issuer.token(TestIssuer.claims(change))
            let refusal = try await Self.refusal(token, by: Self.verifier(issuer))
            #expect(refusal.contains(words), "\(change): \(refusal)")
        }
        let list = try issuer.token(TestIssuer.claims(["aud": ["other", "sigstore"]]))
        #expect(try await Self.refusal(list, by: Self.verifier(issuer)) == "accepted")
    }

    @Test("no token chooses how its signature is checked")
    func confusion() async throws {
        let issuer = try TestIssuer(key: SharedKey.rsa())
        let verifier = Self.verifier(issuer)
        let claims = try TestIssuer.claims()
        func unsigned(_ header: JSON, _ signature: String) -> String {
            TestIssuer.part(header.bytes()) + "." + TestIssuer.part(JSON.object(claims).bytes()) + "." + signature
        }
        let cases: [(String, String)] = [
            (unsigned(["alg": "none"], ""), "none"), (unsigned(["alg": "NONE"], "AAAA"), "NONE"),
            (unsigned(["alg": "HS256", "kid": "1"], TestIssuer.part(issuer.key.publicKey.der)), "HS256"),
            (unsigned(["alg": "ES256", "kid": "1"], "AAAA"), "no key that the token can be signed with"),
            (unsigned(["typ": "JWT"], "AAAA"), "names no algorithm"),
            (try issuer.token(claims, algorithm: "RS256", header: ["crit": ["b64"], "b64": false]), "critical"),
            (try issuer.token(claims, algorithm: "RS256", header: ["typ": "logout+jwt"]), "no JWT"),
            (try issuer.token(claims, algorithm: "RS256", header: ["kid": "2"]), "no key"),
            (try TestIssuer(key: SharedKey.otherRSA()).token(claims, algorithm: "RS256"), "not signed by"),
            // A key that the token brings along counts for nothing.
            (
                try TestIssuer(key: SharedKey.otherRSA()).token(
                    claims, algorithm: "RS256", header: ["jwk": ["kty": "RSA"], "x5u": "https://evil.example"]),
                "not signed by"
            ),
            (String(repeating: "a", count: 40_000), "limit"), ("a.b", "three parts"), ("a.b.c.d", "three parts"),
            ("!!.e30.AAAA", "base64url"), ("e30.W10.AAAA", "algorithm"), ("", "three parts"),
            (TestIssuer.part(Array(#"{"alg":"RS256","alg":"none"}"#.utf8)) + ".e30.AAAA", "no JSON object"),
        ]
        for (token, words) in cases {
            let refusal = try await Self.refusal(token, by: verifier)
            #expect(refusal.contains(words), "\(token.prefix(60)): \(refusal)")
        }
    }

    @Test("a token that may be used once is refused the second time, whatever its signature")
    func replay() async throws {
        let issuer = try TestIssuer()
        let verifier = Self.verifier(issuer, reuse: .once)
        let claims = try TestIssuer.claims()
        #expect(try await Self.refusal(issuer.token(claims), by: verifier) == "accepted")
        // Signatures of ECDSA differ each time.
        #expect(try await Self.refusal(issuer.token(claims), by: verifier).contains("used before"))
        #expect(try await Self.refusal(issuer.token(TestIssuer.claims(["jti": "2"])), by: verifier) == "accepted")
    }

    @Test("keys come from the issuer's own documents, and are asked for again when there are new ones")
    func discovery() async throws {
        let (issuer, renewed) = (try TestIssuer(keyID: "1"), try TestIssuer(keyID: "2"))
        func set(_ issuer: TestIssuer) throws -> [UInt8] {
            let key = try #require(WebKeySet.json(issuer.key.publicKey, keyID: issuer.keyID))
            return JSON(dictionaryLiteral: ("keys", [key, ["kty": "oct", "k": "AAAA", "kid": "9"]])).bytes()
        }
        func document(_ name: String) -> [UInt8] {
            JSON(
                dictionaryLiteral: ("issuer", .string(name)), ("jwks_uri", .string(TestIssuer.url + "/keys"))
            ).bytes()
        }
        let address = TestIssuer.url + "/.well-known/openid-configuration"
        let transport = TableTransport([address: document(TestIssuer.url), TestIssuer.url + "/keys": try set(issuer)])
        let verifier = TokenVerifier(
            [TrustedIssuer(TestIssuer.url, .email)], keys: IssuerKeys(transport: transport))
        let now = try TestIssuer.now()
        _ = try await verifier.identity(in: issuer.token(TestIssuer.claims()), at: now)
        _ = try await verifier.identity(in: issuer.token(TestIssuer.claims()), at: now)
        #expect(await transport.requests.count == 2)
        // A key that is not known is asked for, but not without end.
        let later = try #require(Timestamp(seconds: now.seconds + 20))
        for _ in 0..<3 {
            await #expect(throws: AuthorityError.self) {
                try await verifier.identity(in: renewed.token(TestIssuer.claims()), at: later)
            }
        }
        #expect(await transport.requests.count == 4)
        await transport.set(TestIssuer.url + "/keys", try set(renewed))
        let muchLater = try #require(Timestamp(seconds: now.seconds + 60))
        _ = try await verifier.identity(in: renewed.token(TestIssuer.claims()), at: muchLater)

        // One issuer can't speak for another.
        let liar = TableTransport([address: document("https://other.example")])
        let deceived = TokenVerifier([TrustedIssuer(TestIssuer.url, .email)], keys: IssuerKeys(transport: liar))
        #expect(try await Self.refusal(issuer.token(TestIssuer.claims()), by: deceived).contains("says that it is"))
        let down = TokenVerifier(
            [TrustedIssuer(TestIssuer.url, .email)], keys: IssuerKeys(transport: TableTransport()))
        await #expect {
            try await down.identity(in: issuer.token(TestIssuer.claims()), at: now)
        } throws: {
            ($0 as? AuthorityError)?.code == .unreachable
        }
    }
}
