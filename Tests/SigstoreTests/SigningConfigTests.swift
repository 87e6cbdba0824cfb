import Bytes
import Host
import Sigstore
import SystemPackage
import TestKit
import Testing

/// Which services are chosen to sign with.
@Suite struct SigningConfigTests {
    private static func service(
        _ name: String, _ version: Int, from year: Int = 2020, to end: Int? = nil, by operator: String = "one"
    ) -> SigningConfig.Service {
        SigningConfig.Service(
            url: name, majorAPIVersion: version,
            period: ValidityPeriod(
                start: Timestamp("\(year)-01-01T00:00:00Z"), end: end.flatMap { Timestamp("\($0)-01-01T00:00:00Z") }),
            operator: `operator`)
    }

    private func now() throws -> Timestamp { try #require(Timestamp("2026-01-01T00:00:00Z")) }

    @Test("the certificate authority is the newest of the highest version that is valid and known")
    func authority() throws {
        let config = SigningConfig(certificateAuthorities: [
            Self.service("old", 1), Self.service("new", 1, from: 2025), Self.service("future", 1, from: 2027),
            Self.service("past", 1, from: 2025, to: 2025), Self.service("later version", 3),
        ])
        #expect(try config.certificateAuthority(at: now(), versions: [1, 2]).url == "new")
        #expect(throws: SigstoreError.self) { try config.certificateAuthority(at: now(), versions: [2]) }
    }

    @Test("one log is taken of each operator, and versions are not mixed")
    func logs() throws {
        var config = SigningConfig(
            logs: [
                Self.service("a1", 1), Self.service("a2", 2), Self.service("a2 newer", 2, from: 2025),
                Self.service("b1", 1, by: "two"), Self.service("b2", 2, by: "two"), Self.service("c1", 1, by: "three"),
            ])
        #expect(try config.logs(at: now(), versions: [1, 2]).map(\.url) == ["a2 newer"])
        config.logSelection = .all
        #expect(try config.logs(at: now(), versions: [1, 2]).map(\.url) == ["a2 newer", "b2"])
        #expect(try config.logs(at: now(), versions: [1]).map(\.url) == ["a1", "b1", "c1"])
        config.logSelection = .exactly(3)
        #expect(try config.logs(at: now(), versions: [1, 2]).map(\.url) == ["a1", "b1", "c1"])
        config.logSelection = .exactly(4)
        #expect(throws: SigstoreError.self) { try config.logs(at: now(), versions: [1, 2]) }
    }

    @Test("no timestamp authority is fine where none is named, and an error where none is valid")
    func timestamps() throws {
        #expect(try SigningConfig().timestampAuthorities(at: now(), versions: [1]).isEmpty)
        let config = SigningConfig(timestampAuthorities: [Self.service("past", 1, from: 2021, to: 2022)])
        #expect(throws: SigstoreError.self) { try config.timestampAuthorities(at: now(), versions: [1]) }
    }

    @Test("what is written reads back")
    func roundTrip() throws {
        let config = SigningConfig(
            certificateAuthorities: [Self.service("ca", 1)], tokenIssuers: [Self.service("oidc", 1)],
            logs: [Self.service("log", 2, to: 2030)], logSelection: .exactly(1),
            timestampAuthorities: [Self.service("tsa", 1)], timestampSelection: .all)
        #expect(try SigningConfig(parsing: config.json.bytes()) == config)
    }

    @Test(
        "what is no signing configuration is refused",
        arguments: [
            "", "[]", "{}", #"{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.1+json"}"#,
            #"{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {"selector": "SOME"}}"#,
            #"{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "tsaConfig": {"selector": "EXACT"}}"#,
            #"{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "caUrls": [{}]}"#,
        ])
    func refused(_ text: String) {
        #expect(throws: SigstoreError.self) { try SigningConfig(parsing: Array(text.utf8)) }
    }

    @Test(
        "the public-good instance's configurations name services",
        .enabled(if: TestData.folder("sigstore-trust") != nil, "\(TestData.absence)"))
    func publicGood() throws {
        let folder = try #require(TestData.folder("sigstore-trust")).appending("public-good")
        func config(_ name: String) throws -> SigningConfig {
            try SigningConfig(parsing: Files.read(folder.appending(name), limit: 1 << 20))
        }
        let first = try config("signing_config.v0.2.json")
        let second = try config("signing_config_rekor_v2.v0.2.json")
        let now = try now()
        #expect(try first.logs(at: now, versions: [1, 2]).map(\.url) == ["https://rekor.sigstore.dev"])
        #expect(try second.logs(at: now, versions: [1, 2]).map(\.url) == ["https://log2025-1.rekor.sigstore.dev"])
        #expect(try first.certificateAuthority(at: now, versions: [1]).url == "https://fulcio.sigstore.dev")
        let authorities = try first.timestampAuthorities(at: now, versions: [1])
        #expect(authorities.map(\.url) == ["https://timestamp.sigstore.dev/api/v1/timestamp"])
    }
}
