import Bytes
import Host
import Hummingbird
import ServiceLifecycle
import Synchronization
import SystemPackage
import TestKit
import Testing
import Wire

@testable import Serve

/// A face for tests: it answers, refuses, fails, and notes its life.
private final class EchoFace: Face {
    let name: String
    let site: Site
    let life = Mutex<[String]>([])
    let state: FaceHealth

    init(_ name: String, _ site: Site, state: FaceHealth = .healthy) {
        self.name = name
        self.site = site
        self.state = state
    }

    var notices: [FaceNotice] { [FaceNotice("Echo", at: site.url + "/echo", command: "curl \(site.url)/echo")] }

    func addRoutes(to routes: Routes) {
        routes.post("/\(name)/echo") { request, _ in
            Response.bytes(try await request.bytes(limit: 1000), type: "application/octet-stream")
        }
        routes.get("/\(name)/full") { _, _ -> Response in throw Refusal.unavailable("later", retryAfter: 7) }
        routes.get("/\(name)/disk") { _, _ -> Response in throw HostError(.noSpace, "no space on /secret/path") }
        routes.get("/\(name)/bug") { _, _ -> Response in throw HostError(.system, "/secret/path broke") }
    }

    func health() async -> FaceHealth { state }

    func run() async throws {
        life.withLock { $0.append("run") }
        try? await gracefulShutdown()
        life.withLock { $0.append("asked to stop") }
    }

    func stop() async { life.withLock { $0.append("stop") } }
}

private func echo(_ name: String = "echo", state: FaceHealth = .healthy) -> FaceKind {
    FaceKind(name: name, summary: "Says what it hears.") { site, settings in
        try settings.check(known: ["size"])
        return EchoFace(name, site, state: state)
    }
}

struct ServerTests {
    @Test("A face is made, answers, and is stopped after the requests")
    func life() async throws {
        let held = Mutex<EchoFace?>(nil)
        let kind = FaceKind(name: "echo", summary: "") { site, _ in
            let face = EchoFace("echo", site)
            held.withLock { $0 = face }
            return face
        }
        try await RunningServer.with([kind]) { server in
            let answer = try await server.ask(.post, "/echo/echo", body: Array("words".utf8))
            #expect(answer.status == 200)
            #expect(answer.bytes == Array("words".utf8))
            #expect(answer.fields["x-request-id"]?.isEmpty == false)
            #expect(answer.fields["server"] == "martlet")
        }
        #expect(held.withLock { $0?.life.withLock { $0 } } == ["run", "asked to stop", "stop"])
    }

    @Test("Refusals have one form, with Retry-After and without what is not for strangers")
    func refusals() async throws {
        try await RunningServer.with([echo()]) { server in
            let full = try await server.ask(.get, "/echo/full")
            #expect(full.status == 503)
            #expect(full.fields["retry-after"] == "7")
            #expect(try JSON(parsing: full.bytes) == ["code": 503, "message": "later", "reason": "unavailable"])
            let disk = try await server.ask(.get, "/echo/disk")
            #expect(disk.status == 507)
            let bug = try await server.ask(.get, "/echo/bug")
            #expect(bug.status == 500)
            for answer in [disk, bug] {
                #expect(!String(decoding: answer.bytes, as: UTF8.self).contains("secret"))
            }
            let absent = try await server.ask(.get, "/nothing")
            #expect(absent.status == 404)
            #expect(try JSON(parsing: absent.bytes)["code"] == 404)
            let large = try await server.ask(.post, "/echo/echo", body: [UInt8](repeating: 1, count: 1001))
            #expect(large.status == 413)
        }
    }

    @Test("Health says which service can't work")
    func health() async throws {
        try await RunningServer.with([echo("one"), echo("two", state: .degraded("read-only"))]) { server in
            let answer = try await server.ask(.get, "/healthz")
            #expect(answer.status == 200)
            #expect(
                try JSON(parsing: answer.bytes) == [
                    "status": "ok",
                    "services": ["one": ["status": "ok"], "two": ["status": "degraded", "reason": "read-only"]],
                ])
        }
        try await RunningServer.with([echo(state: .failing("no disk"))]) { server in
            let answer = try await server.ask(.get, "/healthz")
            #expect(answer.status == 503)
        }
    }

    @Test("Metrics count requests by service, method and status")
    func metrics() async throws {
        try await RunningServer.with([echo()]) { server in
            _ = try await server.ask(.post, "/echo/echo", body: [1])
            _ = try await server.ask(.get, "/echo/full")
            let text = String(decoding: try await server.ask(.get, "/metrics").bytes, as: UTF8.self)
            #expect(text.contains("martlet_requests_total{face=\"echo\",method=\"POST\",status=\"200\"} 1\n"))
            #expect(text.contains("martlet_requests_total{face=\"echo\",method=\"GET\",status=\"503\"} 1\n"))
            #expect(text.contains("martlet_request_seconds_count{face=\"echo\"} 2\n"))
        }
    }

    @Test("Two servers on one data directory are refused")
    func twoServers() async throws {
        let directory = try TemporaryDirectory()
        try await RunningServer.with([echo()], in: directory) { _ in
            let error = await #expect(throws: ServeError.self) {
                try await RunningServer.with([echo()], in: directory) { _ in }
            }
            #expect(error?.code == .busy)
        }
        // The lock ends with the server.
        try await RunningServer.with([echo()], in: directory) { _ in }
    }

    @Test("An address in use is told as such")
    func addressInUse() async throws {
        try await RunningServer.with([echo()]) { server in
            let port = Int(server.site.url.split(separator: ":").last ?? "") ?? 0
            let error = await #expect(throws: ServeError.self) {
                try await RunningServer.with([echo()], settings: { $0.address.port = port }) { _ in }
            }
            #expect(error?.code == .unreachable)
        }
    }

    @Test("A service that can't be made ends the start, and frees those before it")
    func failingKind() async throws {
        let held = Mutex<EchoFace?>(nil)
        let first = FaceKind(name: "first", summary: "") { site, _ in
            let face = EchoFace("first", site)
            held.withLock { $0 = face }
            return face
        }
        let second = FaceKind(name: "second", summary: "") { _, _ in throw ServeError(.damaged, "broken") }
        let error = await #expect(throws: ServeError.self) {
            try await RunningServer.with([first, second]) { _ in }
        }
        #expect(error == ServeError(.damaged, "broken"))
        #expect(held.withLock { $0?.life.withLock { $0 } } == ["stop"])
    }

    @Test("Services are chosen by name, and unknown ones are refused")
    func choice() async throws {
        try await RunningServer.with([echo("one"), echo("two")], settings: { $0.only = ["two"] }) { server in
            #expect(server.site.faces.map(\.name) == ["two"])
        }
        for change: (inout ServerSettings) -> Void in [{ $0.only = ["three"] }, { $0.only = [] }] {
            let error = await #expect(throws: ServeError.self) {
                try await RunningServer.with([echo("one")], settings: change) { _ in }
            }
            #expect(error?.code == .configuration)
        }
    }

    @Test("TLS with a certificate that the server makes itself, kept for the next start")
    func tls() async throws {
        let directory = try TemporaryDirectory()
        var certificates: [String] = []
        for _ in 0..<2 {
            try await RunningServer.with([echo()], in: directory, settings: { $0.tls = .selfMade(names: []) }) {
                server in
                #expect(server.site.url.hasPrefix("https://127.0.0.1:"))
                var settings = WireSettings(userAgent: "martlet-test")
                settings.attempts = 1
                let stranger = Wire.HTTPClient(settings)
                settings.authorityFiles = [directory["tls-certificate.pem"].string]
                let friend = Wire.HTTPClient(settings)
                let request = Wire.HTTPRequest(.get, try server.url("/healthz"))
                for (client, isTrusted) in [(friend, true), (stranger, false)] {
                    do {
                        #expect(try await client.fetch(request, limit: 1000, deadline: nil).status == 200)
                        #expect(isTrusted)
                    } catch let error as WireError {
                        #expect(!isTrusted, "\(error)")
                    }
                    await client.close()
                }
            }
            certificates.append(try directory.read("tls-certificate.pem"))
        }
        #expect(certificates[0] == certificates[1])
        #expect(try Files.status(directory["tls-key.pem"])?.mode == 0o600)
    }
}
