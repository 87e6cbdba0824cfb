import Attest
import Bytes
import Keys
import Sigstore
import Testing
import VirtualSigstore
import Wire

/// Signing without a key of one's own, against a Sigstore in this process.
@Suite struct KeylessSigningTests {
    private static let artifact = Array("an artifact".utf8)

    private static func now() throws -> Timestamp { try #require(Timestamp("2026-01-01T00:00:00Z")) }

    private static func sigstore(
        _ version: Int = 2, faults: Set<VirtualSigstore.Fault> = [], hasOldAuthority: Bool = false
    ) throws -> VirtualSigstore {
        let now = try now()
        return try VirtualSigstore(majorLogVersion: version, faults: faults, hasOldAuthority: hasOldAuthority) { now }
    }

    private static func token(_ subject: String = "someone@example.org") throws -> IdentityToken {
        try IdentityToken(
            TestToken.make(subject, expires: #require(Timestamp("2026-01-01T00:05:00Z"))))
    }

    private static func sign(
        _ sigstore: VirtualSigstore, _ content: SigningContent? = nil, withTimestamps: Bool = true,
        token: IdentityToken? = nil
    ) async throws -> SignedBundle {
        let signer = KeylessSigner(
            config: sigstore.signingConfig(withTimestamps: withTimestamps), trustedRoot: try sigstore.trustedRoot(),
            transport: sigstore)
        return try await signer.sign(
            content ?? .artifact(BytesArtifact(artifact)), token: token ?? Self.token(), at: now())
    }

    private static func verify(
        _ bundle: UnverifiedBundle, _ sigstore: VirtualSigstore, name: String = "someone@example.org",
        artifact: [UInt8]? = artifact
    ) throws -> VerifiedBundle {
        let policy = VerificationPolicy(
            signer: .identities([.init(issuer: .exactly("https://accounts.example"), name: .exactly(name))]))
        return try Verifier(trustedRoot: sigstore.trustedRoot(), policy: policy).verify(
            UnverifiedBundle(parsing: bundle.json.bytes()), artifact: artifact.map { BytesArtifact($0) })
    }

    @Test("a signed artifact verifies for its signer, and for nobody else", arguments: [1, 2])
    func artifact(version: Int) async throws {
        let sigstore = try Self.sigstore(version)
        let signed = try await Self.sign(sigstore)
        #expect(signed.bundle.version == .v0_3)
        #expect(signed.bundle.entries.count == 1)
        #expect(signed.bundle.timestamps.count == 1)
        let verified = try Self.verify(signed.bundle, sigstore)
        #expect(verified.times.count == (version == 1 ? 2 : 1))
        #expect(throws: VerificationFailure.self) {
            try Self.verify(signed.bundle, sigstore, name: "other@example.org")
        }
        #expect(throws: VerificationFailure.self) {
            try Self.verify(signed.bundle, sigstore, artifact: Array("another".utf8))
        }
        #expect(throws: VerificationFailure.self) { try Self.verify(signed.bundle, Self.sigstore(version)) }
    }

    @Test("a signed statement verifies, and is the one that was signed", arguments: [1, 2])
    func statement(version: Int) async throws {
        let sigstore = try Self.sigstore(version)
        let statement: JSON = [
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [["name": "artifact", "digest": ["sha256": .string(Digest.of(Self.artifact).hex)]]],
            "predicateType": "https://example.org/p", "predicate": ["x": 1],
        ]
        let content = SigningContent.payload(type: Statement.payloadType, statement.bytes())
        let signed = try await Self.sign(sigstore, content)
        let verified = try Self.verify(signed.bundle, sigstore)
        #expect(verified.statement?.predicateType == "https://example.org/p")
        #expect(verified.envelope?.payload == statement.bytes())

        // As a line of a provenance bundle it is an envelope to whoever reads those, and a bundle to a verifier.
        let line = try #require(signed.bundle.envelopeLine)
        #expect(try Envelope(parsing: line).payload == statement.bytes())
        let read = try #require(AttestationFile(parsing: line).bundles.first)
        #expect(read.entries == signed.bundle.entries)
        #expect(read.timestamps == signed.bundle.timestamps)
        #expect(try Self.verify(read, sigstore).envelope?.payload == statement.bytes())
    }

    @Test("a log that promises a time needs no timestamp authority, and one that doesn't does")
    func withoutTimestamps() async throws {
        let first = try await Self.sign(Self.sigstore(1), withTimestamps: false)
        #expect(first.bundle.timestamps.isEmpty)
        let error = await #expect(throws: SigstoreError.self) {
            try await Self.sign(Self.sigstore(2), withTimestamps: false)
        }
        #expect(error?.code == .refused)
    }

    @Test("an older certificate authority is asked in its own way")
    func oldAuthority() async throws {
        let sigstore = try Self.sigstore(hasOldAuthority: true)
        let signed = try await Self.sign(sigstore)
        _ = try Self.verify(signed.bundle, sigstore)
        #expect(sigstore.requests.prefix(2) == ["POST /api/v2/signingCert", "POST /api/v1/signingCert"])
    }

    @Test("a program signs by the address in its token")
    func program() async throws {
        let sigstore = try Self.sigstore()
        let uri = "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main"
        let signed = try await Self.sign(sigstore, token: Self.token(uri))
        _ = try Self.verify(signed.bundle, sigstore, name: uri)
    }

    @Test("whatever a service does wrong, no bundle leaves", arguments: VirtualSigstore.Fault.allCases, [1, 2])
    func faults(_ fault: VirtualSigstore.Fault, version: Int) async throws {
        // Version 2 makes no promises.
        if version == 2, fault == .wrongPromise { return }
        let sigstore = try Self.sigstore(version, faults: [fault])
        // Two wrongs of timestamps show only where the log tells no time of its own, or beside it.
        let error = await #expect(throws: SigstoreError.self) {
            // A timestamp by an unknown authority does not count, and need not, where the log tells the time.
            let signed = try await Self.sign(sigstore)
            if version == 1, fault == .foreignTimestamps, signed.verified.times.count == 1 {
                throw SigstoreError(.refused, "it does not count")
            }
        }
        #expect(error?.code == .refused)
    }

    @Test("services that are not there are unreachable, and those that say no refuse")
    func services() async throws {
        let sigstore = try Self.sigstore(1)
        var config = sigstore.signingConfig()
        config.logs[0].majorAPIVersion = 2
        let signer = KeylessSigner(config: config, trustedRoot: try sigstore.trustedRoot(), transport: sigstore)
        let refused = await #expect(throws: SigstoreError.self) {
            try await signer.sign(
                .artifact(BytesArtifact(Self.artifact)), token: Self.token(), at: Self.now())
        }
        #expect(refused?.code == .refused)
        var settings = WireSettings(userAgent: "martlet/test")
        settings.isOffline = true
        let offline = KeylessSigner(
            config: sigstore.signingConfig(), trustedRoot: try sigstore.trustedRoot(), transport: HTTPClient(settings))
        let unreachable = await #expect(throws: SigstoreError.self) {
            try await offline.sign(
                .artifact(BytesArtifact(Self.artifact)), token: Self.token(), at: Self.now())
        }
        #expect(unreachable?.code == .unreachable)
    }

    @Test(
        "a key of one's own signs, with witnesses and without",
        arguments: [KeyAlgorithm.ecdsaP256, .ecdsaP384, .ed25519])
    func ownKey(_ algorithm: KeyAlgorithm) async throws {
        let key = PrivateKeySigner(try PrivateKey.generate(algorithm))
        let alone = try await KeySigner(key).sign(.artifact(BytesArtifact(Self.artifact)), at: Self.now())
        #expect(alone.bundle.entries.isEmpty)
        let statement = SigningContent.payload(
            type: Statement.payloadType,
            Array(#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x","predicate":{}}"#.utf8))
        _ = try await KeySigner(key).sign(statement, at: Self.now())
        // The logs' entries hold digests by SHA-256 here, and signatures over the bytes by none.
        guard algorithm == .ecdsaP256 else { return }
        for version in [1, 2] {
            let sigstore = try Self.sigstore(version)
            let witnessed = try await KeySigner(
                key, config: sigstore.signingConfig(), trustedRoot: sigstore.trustedRoot(), transport: sigstore
            ).sign(.artifact(BytesArtifact(Self.artifact)), at: Self.now())
            #expect(witnessed.bundle.entries.count == 1)
            #expect(witnessed.verified.times.isEmpty == false)
        }
    }

    @Test("no token goes to an authority that is not encrypted")
    func plainAuthority() async throws {
        let sigstore = try VirtualSigstore(base: "http://sigstore.example") { [now = try Self.now()] in now }
        let error = await #expect(throws: SigstoreError.self) { try await Self.sign(sigstore) }
        #expect(error?.code == .refused)
        #expect(sigstore.requests.isEmpty)
    }

    @Test("a key that signs whole files does not sign a digest")
    func digestAlone() async throws {
        let key = PrivateKeySigner(try PrivateKey.generate(.ed25519))
        let error = await #expect(throws: SigstoreError.self) {
            try await KeySigner(key).sign(
                .artifact(DigestArtifact(HashAlgorithm.sha256.digest(of: Self.artifact))), at: Self.now())
        }
        #expect(error?.code == .unsupported)
    }
}
