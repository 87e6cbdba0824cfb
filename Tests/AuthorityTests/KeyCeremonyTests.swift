import Bytes
import Host
import Keys
import Sigstore
import SystemPackage
import TestKit
import Testing

@testable import Authority

/// How an authority comes to be.
@Suite struct KeyCeremonyTests {
    @Test("an authority is made, opened, renewed, and what the old keys did stays trusted")
    func ceremony() async throws {
        let scratch = try TemporaryDirectory()
        let secrets = SecretSource(asks: false, environment: ["MARTLET_KEY_PASSWORD": "secret"])
        let ceremony = KeyCeremony(scratch["authority"], secrets: secrets, passphrase: Secret("secret"))
        let now = try TestIssuer.now()
        let made = try await ceremony.make(.init(organization: "Example"), at: now)
        let read = try #require(try AuthorityFiles(scratch["authority"]))
        #expect(read.json == made.json)
        let authority = try await read.certificateAuthority(secrets, recorder: nil)
        #expect(authority.trustBundle.map(\.count) == [2])
        _ = try await read.timestampAuthority(secrets)
        for name in ["root.key", "issuer-1.key", "timestamps-1.key", "certificate-log.key", "authority.json"] {
            #expect(try Files.status(scratch["authority/\(name)"])?.mode == 0o600)
        }
        // A wrong passphrase opens nothing.
        let wrong = SecretSource(asks: false, environment: ["MARTLET_KEY_PASSWORD": "other"])
        await #expect(throws: AuthorityError.self) { try await read.timestampAuthority(wrong) }
        await #expect(throws: AuthorityError.self) { try await ceremony.make(.init(organization: "Other"), at: now) }

        let later = try #require(Timestamp(seconds: now.seconds + 86400))
        let renewed = try await ceremony.renew(.init(organization: ""), at: later)
        let trusted = try renewed.trusted(url: "https://a.example")
        #expect(trusted.issuers.count == 2)
        #expect(trusted.issuers[0].period.end?.seconds == later.seconds + 3600)
        #expect(trusted.issuers[1].period.end == nil)
        #expect(trusted.timestampers.count == 2)
        #expect(try await renewed.certificateAuthority(secrets, recorder: nil).trustBundle.count == 2)
        // Without the root's key nothing is renewed.
        try Files.remove(scratch["authority/root.key"])
        await #expect(throws: AuthorityError.self) { try await ceremony.renew(.init(organization: ""), at: later) }
    }
}
