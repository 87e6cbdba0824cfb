import Bytes
import Host
import LoopbackServer
import Synchronization
import SystemPackage
import TestKit
import Testing
import Wire

@testable import Registry

struct AuthChallengeTests {
    @Test(
        "challenges are read",
        arguments: [
            (
                #"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#,
                [
                    "bearer": [
                        "realm": "https://auth.example/token", "service": "registry.example",
                        "scope": "repository:a/b:pull,push",
                    ]
                ]
            ),
            (#"Basic realm="a \"quoted\" one""#, ["basic": ["realm": "a \"quoted\" one"]]),
            ("Negotiate", ["negotiate": [:]]),
            (
                #"Negotiate, Basic realm="x", charset=UTF-8"#,
                ["negotiate": [:], "basic": ["realm": "x", "charset": "UTF-8"]]
            ),
            (#"basic Realm = "x" , Bearer realm=y"#, ["basic": ["realm": "x"], "bearer": ["realm": "y"]]),
            ("", [:]), (" , ,", [:]),
        ])
    func good(_ text: String, _ expected: [String: [String: String]]) throws {
        let read = try AuthChallenge.parse([text])
        #expect(Dictionary(read.map { ($0.scheme, $0.parameters) }) { $1 } == expected)
    }

    @Test(
        "what can't be read is refused, not guessed",
        arguments: [
            "=", "\"", "Bearer realm=\"x", "Bearer realm=\"x\"y", "Bearer realm=", "Bearer a=b a=c", "Bearer a=b, a=c",
            "Bearer realm=\"a\nb\"", String(repeating: "a", count: 20_000), "Bearer a b",
        ])
    func bad(_ text: String) { #expect(throws: RegistryError.self) { try AuthChallenge.parse([text]) } }

    /// A registry that wants a token, and where tokens are given out.
    private func tokens(
        _ credential: Credential?, expires: Int = 300,
        answer: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply?
    ) async throws -> (registry: HostileRegistry, desk: LoopbackServer, settings: RegistrySettings) {
        let desk = try await LoopbackServer { request in
            answer(request) ?? LoopbackServer.Reply(200, #"{"token":"good","expires_in":\#(expires)}"#)
        }
        let realm = desk.address("/token")
        let registry = try await HostileRegistry { request, _ in
            guard request["authorization"] != "Bearer good" else { return nil }
            return .answer(
                LoopbackServer.Reply(
                    401, "",
                    fields: [
                        (
                            "WWW-Authenticate",
                            "Bearer realm=\"\(realm)\",service=\"s\",scope=\"repository:team/app:pull\""
                        )
                    ]))
        }
        return (registry, desk, RegistryClientTests.settings { $0.credentials.given = credential })
    }

    @Test("a token is asked for with the password, kept, and used for all that follows")
    func bearer() async throws {
        let asked = Mutex<[LoopbackServer.Request]>([])
        let (registry, desk, settings) = try await tokens(.password(user: "u", password: "p")) { request in
            asked.withLock { $0.append(request) }
            return nil
        }
        let client = RegistryClient(settings)
        let repository = client.repository(try registry.reference())
        for _ in 0..<3 { #expect(try await repository.tags() == ["a", "b"]) }
        let requests = asked.withLock { $0 }
        #expect(requests.count == 1)
        #expect(requests[0]["authorization"] == "Basic dTpw")
        #expect(requests[0].target == "/token?service=s&scope=repository%3Ateam%2Fapp%3Apull")
        // What may be read may not be written: that takes another token.
        _ = try await repository.hasBlob(.empty)
        #expect(asked.withLock { $0.count } == 2)
        #expect(asked.withLock { $0[1].target }.contains("pull%2Cpush"))
        await client.close()
        await registry.close()
        await desk.close()
    }

    @Test("an identity token is posted, and never put into an address")
    func refresh() async throws {
        let asked = Mutex<[LoopbackServer.Request]>([])
        let (registry, desk, settings) = try await tokens(.identityToken("refresh me")) { request in
            asked.withLock { $0.append(request) }
            return LoopbackServer.Reply(200, #"{"access_token":"good"}"#)
        }
        let client = RegistryClient(settings)
        _ = try await client.repository(try registry.reference()).tags()
        let request = try #require(asked.withLock { $0.first })
        #expect(request.method == "POST")
        #expect(!request.target.contains("refresh"))
        #expect(String(decoding: request.body, as: UTF8.self).contains("grant_type=refresh_token"))
        #expect(String(decoding: request.body, as: UTF8.self).contains("refresh_token=refresh%20me"))
        await client.close()
        await registry.close()
        await desk.close()
    }

    @Test("a wrong password is a refusal, and is not tried again and again")
    func refused() async throws {
        let count = Mutex(0)
        let (registry, desk, settings) = try await tokens(.password(user: "u", password: "p")) { _ in
            count.withLock { $0 += 1 }
            return LoopbackServer.Reply(401, "no")
        }
        let client = RegistryClient(settings)
        let repository = client.repository(try registry.reference())
        do {
            _ = try await repository.tags()
            Issue.record("it let in")
        } catch {
            #expect((error as? RegistryError)?.code == .refused)
            #expect(!"\(error)".contains("dTpw"))
        }
        #expect(count.withLock { $0 } == 1)
        await client.close()
        await registry.close()
        await desk.close()
    }

    @Test("credentials are found where docker and podman keep them")
    func store() async throws {
        let directory = try TemporaryDirectory()
        try directory.write(
            #"""
            {"auths":{"https://index.docker.io/v1/":{"auth":"ZDpkcA=="},"one.example":{"auth":"dTpw"},
            "two.example":{"identitytoken":"t"},"three.example":{}},"credHelpers":{"four.example":"test"}}
            """#, to: "docker/config.json")
        try directory.write(
            #"{"auths":{"five.example/team":{"auth":"ZjpnOmg="},"five.example":{"auth":"dTpw"}}}"#, to: "auth.json")
        try directory.write(
            "#!/bin/sh\nread -r host\n[ \"$host\" = four.example ] || exit 1\nprintf '{\"ServerURL\":\"%s\",\"Username\":\"<token>\",\"Secret\":\"s\"}' \"$host\"\n",
            to: "bin/docker-credential-test", mode: 0o755)
        let store = CredentialStore(environment: [
            "DOCKER_CONFIG": directory["docker"].string, "REGISTRY_AUTH_FILE": directory["auth.json"].string,
            "PATH": "\(directory["bin"]):/usr/bin:/bin",
        ])
        func find(_ registry: String, _ repository: String = "a") async throws -> Credential {
            try await store.credential(registry: registry, repository: repository)
        }
        #expect(try await find("one.example") == .password(user: "u", password: "p"))
        #expect(try await find("two.example") == .identityToken("t"))
        #expect(try await find("three.example") == .anonymous)
        #expect(try await find("four.example") == .identityToken("s"))
        #expect(try await find("docker.io", "library/x") == .password(user: "d", password: "dp"))
        #expect(try await find("five.example", "team/app") == .password(user: "f", password: "g:h"))
        #expect(try await find("five.example", "other") == .password(user: "u", password: "p"))
        #expect(try await find("evil-one.example") == .anonymous)
        try directory.write("{", to: "docker/config.json")
        await #expect(throws: RegistryError.self) { try await find("one.example") }
    }

    @Test("a helper's name can't lead to another program", arguments: ["../x", "a/b", "", ".x"])
    func helperNames(_ name: String) async throws {
        let directory = try TemporaryDirectory()
        try directory.write(#"{"credHelpers":{"r.example":"\#(name)"}}"#, to: "config.json")
        let store = CredentialStore(environment: ["PATH": "/usr/bin"], dockerConfig: directory["config.json"].string)
        await #expect(throws: RegistryError.self) { try await store.credential(registry: "r.example", repository: "a") }
    }
}
