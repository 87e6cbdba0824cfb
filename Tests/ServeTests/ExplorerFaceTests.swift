import Attest
import Bytes
import Hummingbird
import Keys
import Ledger
import Sigstore
import TestKit
import Testing
import Wire

@testable import Serve

/// The explorer's pages over HTTP, without a browser.
struct ExplorerFaceTests {
    private static let hostile = "\"><script>alert(1)</script>\u{202e}fdp.exe\u{200b}&amp;"

    private static func payload(
        subject: String = "app.tar.gz", digest: Digest, package: String = "app:app", from: [String: Digest] = [:]
    ) -> [UInt8] {
        let dependencies = from.keys.sorted().map { name -> JSON in
            [
                "name": .string(name), "uri": .string("martlet:package/\(name)"),
                "digest": ["sha256": .string(from[name]?.hex ?? "")], "annotations": ["role": "package"],
            ]
        }
        let commit: JSON = [
            "uri": "git+https://git.example/team", "digest": ["gitCommit": .string(String(repeating: "ab", count: 20))],
            "annotations": ["role": "source", "clean": true],
        ]
        let statement: JSON = [
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [["name": .string(subject), "digest": ["sha256": .string(digest.hex)]]],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": [
                "buildDefinition": [
                    "buildType": "https://martlet.dev/build/v1",
                    "externalParameters": ["package": .string(package), "type": "generic"],
                    "resolvedDependencies": .array([commit] + dependencies),
                ],
                "runDetails": [
                    "builder": ["id": "https://martlet.dev/builder:1.0"],
                    "metadata": ["startedOn": "2026-01-02T03:04:05Z", "finishedOn": "2026-01-02T03:04:07Z"],
                ],
            ],
        ]
        return statement.bytes()
    }

    /// Logs a statement and gives its place.
    private static func log(_ payload: [UInt8], by key: PrivateKey, on server: RunningServer) async throws -> Int {
        var envelope = Envelope(payloadType: Statement.payloadType, payload: payload)
        envelope.signatures.append(.init(signature: try key.signature(of: .bytes(envelope.signedBytes))))
        let entry: JSON = [
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": [
                "proposedContent": [
                    "envelope": .string(String(decoding: envelope.line, as: UTF8.self)),
                    "verifiers": [.string(Base64.encode(Array(key.publicKey.pem.utf8)))],
                ]
            ],
        ]
        let answer = try await server.ask(
            .post, "/api/v1/log/entries", fields: ["Content-Type": "application/json"], body: entry.bytes())
        try #require(answer.status == 201)
        let entries = try #require(try JSON(parsing: answer.bytes).objectValue)
        return try #require(entries.members.first?.value["logIndex"]?.intValue)
    }

    /// A page as text, with the fields that all pages have checked.
    private static func page(_ path: String, on server: RunningServer, status: Int = 200) async throws -> String {
        let answer = try await server.ask(.get, path)
        #expect(answer.status == status, "\(path)")
        #expect(answer.fields["Content-Type"] == "text/html; charset=utf-8")
        #expect(answer.fields["Content-Security-Policy"]?.hasPrefix("default-src 'none'; script-src 'self';") == true)
        #expect(answer.fields["X-Content-Type-Options"] == "nosniff")
        let text = String(decoding: answer.bytes, as: UTF8.self)
        for landmark in ["<header", "<main", "<footer", "role=\"search\""] {
            #expect(text.contains(landmark), "\(path) has no \(landmark)")
        }
        #expect(!text.contains("<script>") && !text.contains(" style=") && !text.contains(" on" + "click="))
        return text
    }

    @Test("an entry's page shows statement, signer and the server's own checks")
    func entry() async throws {
        try await RunningServer.with([.log, .explorer]) { server in
            let key = try PrivateKey.generate(.ecdsaP256)
            let digest = Digest.of("app")
            let index = try await Self.log(Self.payload(digest: digest), by: key, on: server)
            let page = try await Self.page("/explore/entry/\(index)", on: server)
            for word in ["Provenance of <bdi>app:app</bdi>", digest.hex, "ECDSA P-256", "git.example", "2026-01-02"] {
                #expect(page.contains(word), "\(word) is missing")
            }
            #expect(page.ranges(of: "class=\"verdict good\"").count == 5)
            #expect(!page.contains("class=\"verdict bad\""))
            let raw = try await server.ask(.get, "/explore/entry/\(index)/statement")
            #expect(raw.bytes == Self.payload(digest: digest))
            #expect(raw.fields["Content-Disposition"]?.hasPrefix("attachment") == true)
            _ = try await Self.page("/explore/entry/7", on: server, status: 404)
            _ = try await Self.page("/explore/entry/07", on: server, status: 404)
            _ = try await Self.page("/explore/entry/x", on: server, status: 404)
        }
    }

    @Test("what is logged is found by number, name, digest, commit and package, without an import by hand")
    func search() async throws {
        try await RunningServer.with([.log, .explorer]) { server in
            let key = try PrivateKey.generate(.ed25519)
            let (app, lib) = (Digest.of("app"), Digest.of("lib"))
            let first = try await Self.log(
                Self.payload(subject: "lib.tar", digest: lib, package: "lib:lib"), by: key, on: server)
            let second = try await Self.log(
                Self.payload(digest: app, from: ["lib:lib": lib]), by: key, on: server)
            func found(_ query: String) async throws -> String {
                try await Self.page("/explore/search?q=\(FormQuery.encoded(query))", on: server)
            }
            let byDigest = try await found(lib.hex)
            #expect(byDigest.contains("/explore/entry/\(first)\"") && byDigest.contains("/explore/entry/\(second)\""))
            let commit = String(repeating: "ab", count: 20)
            for query in ["sha256:\(app.hex)", "  \(app.hex.uppercased())  ", commit, "app:app"] {
                #expect(try await found(query).contains("app"), "\(query)")
            }
            #expect(try await found(commit).contains("/explore/entry/\(second)\""))
            #expect(try await found("nobody@example.org").contains("Nothing here is known"))
            // The client follows to the entry.
            #expect(
                try await Self.page("/explore/search?q=\(second)", on: server).contains("<h1>Entry \(second)</h1>"))
            _ = try await Self.page("/explore/search?q=%20", on: server, status: 400)
            _ = try await Self.page("/explore/search", on: server, status: 400)
            _ = try await Self.page("/explore/search?q=" + String(repeating: "a", count: 3000), on: server, status: 400)

            let lineage = try await Self.page("/explore/lineage?q=app%3Aapp", on: server)
            #expect(lineage.contains("lib:lib") && lineage.contains("https://martlet.dev/builder:1.0"))
            #expect(lineage.ranges(of: "class=\"bar built\"").count == 2)
            #expect(lineage.contains("not verified"))
            let usage = try await Self.page("/explore/lineage?q=\(lib.description)", on: server)
            #expect(usage.contains("1 released artifact uses it"))
            _ = try await Self.page("/explore/lineage?q=unheard-of", on: server, status: 404)
            let start = try await Self.page("/explore", on: server)
            #expect(start.contains("/explore/entry/\(second)\"") && start.contains("Newest statements"))
        }
    }

    @Test("what strangers wrote is text, whatever it says, however long it is")
    func hostility() async throws {
        try await RunningServer.with([.log, .explorer]) { server in
            let key = try PrivateKey.generate(.ecdsaP256)
            let name = Self.hostile + String(repeating: "x", count: 300_000)
            let digest = Digest.of("hostile")
            let index = try await Self.log(
                Self.payload(subject: name, digest: digest, package: name), by: key, on: server)
            let paths = [
                "/explore/entry/\(index)", "/explore", "/explore/search?q=\(FormQuery.encoded(Self.hostile))",
                "/explore/search?q=\(digest.hex)", "/explore/lineage?q=\(digest.description)",
            ]
            for path in paths {
                let page = try await Self.page(path, on: server)
                #expect(!page.contains("<script>alert") && !page.contains("\"><script"), "\(path)")
                #expect(!page.unicodeScalars.contains("\u{202e}") && !page.unicodeScalars.contains("\u{200b}"))
                #expect(page.utf8.count < 1_000_000, "\(path)")
            }
            let page = try await Self.page("/explore/entry/\(index)", on: server)
            #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}"))
        }
    }

    @Test("bytes that are no entry have a page too")
    func rawEntry() async throws {
        try await RunningServer.with(
            [.log, .explorer],
            settings: { $0.services["log"] = FaceSettings(name: "log", ["rawEntries": true]) }
        ) { server in
            let answer = try await server.ask(.post, "/log/add", body: Array("<b>\u{0}</b>".utf8))
            #expect(answer.status == 200)
            let page = try await Self.page("/explore/entry/0", on: server)
            #expect(page.ranges(of: "class=\"verdict good\"").count == 3)
        }
    }

    @Test("the pages' files are the program's own, and browsers with one of this version keep it")
    func assets() async throws {
        try await RunningServer.with([.log, .explorer]) { server in
            for (name, type) in [
                ("explorer.css", "text/css"), ("explorer.js", "text/javascript"), ("martlet.svg", "image/svg+xml"),
            ] {
                let answer = try await server.ask(.get, "/explore/\(name)")
                #expect(answer.status == 200 && answer.fields["Content-Type"]?.hasPrefix(type) == true)
                let text = String(decoding: answer.bytes, as: UTF8.self)
                #expect(!text.contains("http://") || name == "martlet.svg")
                #expect(!text.contains("https://") && !text.contains("innerHTML"))
                let tag = try #require(answer.fields["ETag"])
                let again = try await server.ask(.get, "/explore/\(name)", fields: ["If-None-Match": tag])
                #expect(again.status == 304)
            }
            let browser = try await server.ask(.get, "/", fields: ["Accept": "text/html,*/*"])
            #expect(String(decoding: browser.bytes, as: UTF8.self).contains("Where did this come from?"))
            #expect(try await server.ask(.get, "/").fields["Content-Type"]?.hasPrefix("text/plain") == true)
        }
    }

    @Test("the pages work without a log, and say what is missing")
    func withoutLog() async throws {
        try await RunningServer.with([.explorer]) { server in
            #expect(try await Self.page("/explore", on: server).contains("Where did this come from?"))
            _ = try await Self.page("/explore/entry/0", on: server, status: 404)
            _ = try await Self.page("/explore/statement/\(Digest.of("x").hex)", on: server, status: 404)
            #expect(try await Self.page("/explore/search?q=x", on: server).contains("Nothing here is known"))
        }
    }

    @Test("a text that is put into markup is escaped, and cut where it is long")
    func escaping() {
        let html: HTML = "<p>\("<&>\"'")</p>\(3)\(HTML.name("a\u{2067}b"))"
        #expect(html.text == "<p>&lt;&amp;&gt;&quot;&#39;</p>3<bdi>a\\u{2067}b</bdi>")
        #expect(HTML.text("a\nb").text == "a\\u{a}b")
        #expect(HTML.lines("a\n<b").text == "a\n&lt;b")
        #expect(HTML.text(String(repeating: "é", count: 3), limit: 3).text.hasSuffix("… (6 bytes in all)"))
        #expect(HTML.count(1_234_567) == "1,234,567" && HTML.count(12) == "12")
    }

    @Test(
        "a query is read as a form sends it",
        arguments: [
            ("q=a+b", "a b"), ("q=a%2Bb%40c", "a+b@c"), ("x=1&q=%c3%a9", "é"), ("q=", ""), ("q", ""),
        ])
    func query(_ text: String, _ value: String) {
        #expect(FormQuery.value("q", in: text) == value)
        #expect(FormQuery.value("q", in: "q=" + FormQuery.encoded(value)) == value)
    }

    @Test("a query that is no UTF-8, or ends in the middle, is none", arguments: ["q=%ff", "q=%4", "q=%", "p=1", ""])
    func badQuery(_ text: String) {
        #expect(FormQuery.value("q", in: text) == nil)
    }

    @Test("a timeline of any times is drawn inside of its picture")
    func timeline() throws {
        func bar(_ name: String, _ start: Int64, _ end: Int64) throws -> Timeline.Bar {
            Timeline.Bar(
                name: name, start: try #require(Timestamp(seconds: start)), end: try #require(Timestamp(seconds: end)),
                origin: "built", statement: Digest.of(name))
        }
        #expect(Timeline([]).section.text.isEmpty)
        // One that ends before it begins is nobody's build.
        #expect(try Timeline([bar("a", 10, 5)]).section.text.isEmpty)
        let far = try Timeline([bar("a", 0, 1), bar("b", 0, 250_000_000_000), bar("c", 2, 2)]).section.text
        #expect(far.ranges(of: "class=\"bar built\"").count == 3)
        #expect(!far.contains("\"-"))
    }
}
