import Bytes
import Logging
import SystemPackage
import TestKit
import Testing

@testable import Serve

struct ServerSettingsTests {
    private func read(_ text: String) throws -> ServerSettings {
        let directory = try TemporaryDirectory()
        try directory.write(text, to: "serve.yaml")
        return try ServerSettings.read(data: directory.path)
    }

    @Test("Without a file there are defaults, for this machine alone")
    func defaults() throws {
        let settings = try ServerSettings.read(data: try TemporaryDirectory().path)
        #expect(settings.address == .init(host: "127.0.0.1", port: 8080))
        #expect(settings.tls == .none)
        #expect(settings.offers("registry"))
    }

    @Test("A file sets address, TLS, log, limits and services")
    func file() throws {
        let settings = try read(
            """
            listen: ":9000"
            url: https://sigstore.example.org/
            tls: {certificate: tls/chain.pem, key: /etc/key.pem}
            log: json
            limits: {connections: 10, idleSeconds: 5}
            services:
              log: false
              registry:
                anonymous: pull
                readOnly: true
            """)
        #expect(settings.address == .init(host: "0.0.0.0", port: 9000))
        #expect(settings.url == "https://sigstore.example.org")
        guard case .files(let certificate, let key) = settings.tls else {
            Issue.record("no files")
            return
        }
        #expect(certificate.string.hasSuffix("/tls/chain.pem"))
        #expect(key == "/etc/key.pem")
        #expect(settings.logForm == .json)
        #expect(settings.limits.connections == 10)
        #expect(settings.limits.idle == .seconds(5))
        #expect(!settings.offers("log"))
        #expect(settings.offers("registry"))
        #expect(try settings.services["registry"]?.string("anonymous") == "pull")
        #expect(try settings.services["registry"]?.bool("readOnly") == true)
        #expect(throws: ServeError.self) { try settings.services["registry"]?.int("anonymous") }
        #expect(throws: ServeError.self) { try settings.services["registry"]?.check(known: ["readOnly"]) }
    }

    @Test(
        "What has no meaning is refused, and the file named",
        arguments: [
            "listen: nowhere", "lisen: 1", "tls: {key: x}", "limits: {connections: -1}", "log: loud", "- a",
            "services: [a]", "url: ftp://x", "services: {a: 1}", "a: &x 1\nb: *x", "a: 1\na: 2", "tls: [",
        ])
    func wrong(_ text: String) throws {
        let error = #expect(throws: ServeError.self) { try read(text) }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("serve.yaml") == true)
    }

    @Test("Addresses as people write them")
    func addresses() {
        typealias Address = ServerSettings.Address
        #expect(Address("8080") == Address(host: "127.0.0.1", port: 8080))
        #expect(Address(":80") == Address(host: "0.0.0.0", port: 80))
        #expect(Address("[::1]:80") == Address(host: "::1", port: 80))
        #expect(Address("[::1]:80")?.description == "[::1]:80")
        #expect(Address("host.example:0") == Address(host: "host.example", port: 0))
        for text in ["", "::1", "::1:80", "host", "1:70000", "a:-1"] { #expect(Address(text) == nil) }
    }

    @Test("A log line can't be forged, in either form")
    func log() throws {
        for form in LogForm.allCases {
            let lines = Lines()
            let logger = ServerLog(form, write: { lines.add($0) }).logger()
            logger.info("a\nb", metadata: ["path": "/x\u{1B}[2J\ny"])
            #expect(lines.all.count == 1)
            #expect(lines.all[0].utf8.count { $0 == 0x0A } == 1)
            #expect(!lines.all[0].contains("\u{1B}"))
            if form == .json {
                #expect(try JSON(parsing: lines.all[0])["path"]?.stringValue == "/x\u{1B}[2J\ny")
            }
        }
    }
}
