import Bytes
import Sigstore
import Synchronization
import SystemPackage
import TestKit
import Testing
import VirtualSigstore
import Wire

/// Tokens, and where they come from.
@Suite struct IdentityTokenTests {
    private func moment(_ text: String = "2026-01-01T00:05:00Z") throws -> Timestamp { try #require(Timestamp(text)) }

    @Test("a token says who, by whom, for whom and until when")
    func reading() throws {
        let token = try IdentityToken("  " + TestToken.make("a@example.org", expires: moment()) + "\n")
        #expect(token.issuer == "https://accounts.example")
        #expect(token.audiences == ["sigstore"])
        #expect(token.challenge == "a@example.org")
        #expect(try token.expires == moment())
        #expect("\(token)" == "(identity token of a@example.org)")
    }

    @Test("a token that has expired or is for others is refused before it is sent")
    func checks() throws {
        let token = try IdentityToken(TestToken.make("x", expires: moment()))
        try token.check(at: moment("2026-01-01T00:04:59Z"))
        #expect(throws: SigstoreError.self) { try token.check(at: moment()) }
        let other = try IdentityToken(TestToken.make("x", audience: "aws", expires: moment()))
        #expect(throws: SigstoreError.self) { try other.check(at: moment("2026-01-01T00:00:00Z")) }
    }

    @Test("an address that its provider has not verified names nobody")
    func unverified() throws {
        let claims = #"{"iss":"https://i","email":"a@b","email_verified":false,"sub":"123","exp":1767225900}"#
        let payload = Base64.encode(Array(claims.utf8)).filter { $0 != "=" }
        #expect(try IdentityToken("e30.\(payload).AA").challenge == "123")
    }

    @Test(
        "what is no token is refused",
        arguments: [
            "", "a.b", "a.b.c.d", "e30.e30.e30", "e30.!!.e30", "e30.bm90IGpzb24.e30", "....", "e30.W10.e30",
        ])
    func malformed(_ text: String) { #expect(throws: SigstoreError.self) { try IdentityToken(text) } }

    /// Answers one request.
    private final class Answering: HTTPTransport {
        let answer: String
        let request = Mutex<HTTPRequest?>(nil)
        init(_ answer: String) { self.answer = answer }

        func fetch(_ request: HTTPRequest, limit: Int, deadline: Duration?) async throws(WireError) -> HTTPAnswer {
            self.request.withLock { $0 = request }
            return HTTPAnswer(status: 200, fields: [:], url: request.url, bytes: Array(answer.utf8))
        }
    }

    @Test("GitHub Actions is asked for a token with Sigstore's audience")
    func gitHub() async throws {
        let text = TestToken.make("repo:o/r", expires: try moment())
        let transport = Answering(#"{"value": "\#(text)"}"#)
        let found = try await AmbientToken.find(
            environment: [
                "ACTIONS_ID_TOKEN_REQUEST_URL": "https://x.example/token?v=1",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret",
            ], transport: transport, kubernetesFile: "/nonexistent")
        #expect(found?.subject == "repo:o/r")
        let request = try #require(transport.request.withLock { $0 })
        #expect(request.url.text == "https://x.example/token?v=1&audience=sigstore")
        #expect(request.fields["Authorization"] == "bearer secret")
        let wrong = Answering("{}")
        await #expect(throws: SigstoreError.self) {
            try await AmbientToken.find(
                environment: [
                    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://x.example", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret",
                ], transport: wrong, kubernetesFile: "/nonexistent")
        }
    }

    @Test("tokens are found in variables and in a file, and nowhere is nil")
    func others() async throws {
        let transport = Answering("")
        let text = TestToken.make("x", expires: try moment())
        let directory = try TemporaryDirectory()
        let file = try directory.write(text + "\n", to: "token")
        for environment in [
            ["SIGSTORE_ID_TOKEN": text], ["CIRCLE_OIDC_TOKEN_V2": text], ["SIGSTORE_ID_TOKEN_FILE": file.string],
        ] {
            let found = try await AmbientToken.find(
                environment: environment, transport: transport, kubernetesFile: "/nonexistent")
            #expect(found?.subject == "x")
        }
        let mounted = try await AmbientToken.find(environment: [:], transport: transport, kubernetesFile: file.string)
        #expect(mounted?.subject == "x")
        let none = try await AmbientToken.find(environment: [:], transport: transport, kubernetesFile: "/nonexistent")
        #expect(none == nil)
        await #expect(throws: SigstoreError.self) {
            try await AmbientToken.find(
                environment: ["SIGSTORE_ID_TOKEN_FILE": "/nonexistent"], transport: transport,
                kubernetesFile: "/nonexistent")
        }
    }
}
