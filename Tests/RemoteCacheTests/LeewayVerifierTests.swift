import Attest
import Build
import Bytes
import Keys
import Policy
import Sigstore
import Testing
import VirtualSigstore
import Workspace

@testable import RemoteCache

@Suite("Leeway's attestations are believed by signature, policy and what they are about")
struct LeewayVerifierTests {
    private static let version = String(repeating: "a", count: 40)
    private static let archive = Digest.of("archive")

    private func wanted() throws -> WantedImport {
        WantedImport(name: try #require(PackageName("c:app")), leewayVersion: Self.version)
    }

    private var fixture: LeewayFixture { LeewayFixture("\(Self.version).tar.gz", Self.archive) }

    private func verify(
        _ bytes: [UInt8], by verifier: LeewayVerifier? = nil
    ) throws -> VerifiedLeewayObject {
        try (verifier ?? LeewayFixture.verifier()).verify(bytes, for: wanted(), at: try #require(LeewayFixture.now))
    }

    private func refusal(_ fixture: LeewayFixture) async throws -> RemoteCacheError? {
        let bytes = try await fixture.attestation()
        return #expect(throws: RemoteCacheError.self) { try verify(bytes) }
    }

    @Test("what a signer of the policy says of the archive is believed, under either of its names")
    func good() async throws {
        let verified = try verify(try await fixture.attestation())
        #expect(verified.archive == Self.archive)
        #expect(verified.builder == LeewayFixture.builder)
        #expect(verified.repository == LeewayFixture.repository)
        var named = LeewayFixture("\(Self.version).tar", Self.archive)
        named.entryPoint = "c:app"
        #expect(try verify(try await named.attestation()).archive == Self.archive)
    }

    @Test("the attestation of another object, or of another package, does not count")
    func replay() async throws {
        let other = String(repeating: "b", count: 40)
        let refused = try await refusal(LeewayFixture("\(other).tar.gz", Self.archive))
        #expect(refused?.code == .replayed)
        #expect(refused?.message.contains(other) == true)
        var renamed = fixture
        renamed.entryPoint = "c:other"
        #expect(try await refusal(renamed)?.code == .replayed)
    }

    @Test("an attestation is about one archive, by its SHA-256")
    func subjects() async throws {
        var fixture = fixture
        fixture.subjects.append(Subject(name: "other", digest: .of("other")))
        #expect(try await refusal(fixture)?.code == .malformed)
        fixture.subjects = []
        #expect(try await refusal(fixture)?.code == .malformed)
        fixture.subjects = [Subject(name: "\(Self.version).tar.gz", digest: ["sha1": Self.version])]
        #expect(try await refusal(fixture)?.code == .malformed)
    }

    @Test("a signature of somebody else does not count")
    func foreignSigner() async throws {
        var fixture = fixture
        fixture.key = EntryFixture.makeKey()
        #expect(try await refusal(fixture)?.code == .signature)
    }

    @Test("artifacts of another repository do not count")
    func foreignRepository() async throws {
        var fixture = fixture
        fixture.repository = "https://github.com/acme/app-fork"
        let refused = try await refusal(fixture)
        #expect(refused?.code == .policy)
        #expect(refused?.message.contains("app-fork") == true)
    }

    @Test("every truncation is refused, and so is what nobody signed")
    func truncated() async throws {
        let bytes = try await fixture.attestation()
        for count in stride(from: 0, to: bytes.count - 1, by: 61) {
            let refused = #expect(throws: RemoteCacheError.self) { try verify(Array(bytes.prefix(count))) }
            #expect(refused?.code == .malformed)
        }
        for text in ["{}", String(decoding: fixture.statement.payload, as: UTF8.self)] {
            #expect(throws: RemoteCacheError.self) { try verify(Array(text.utf8)) }
        }
    }

    @Test("what is no provenance does not count, whoever signed it")
    func otherStatement() async throws {
        let statement = Statement(subjects: fixture.subjects, predicateType: "https://example.org/x", predicate: [:])
        let signer = EnvelopeBundles(DSSESigner(PrivateKeySigner(LeewayFixture.key)))
        let bytes = try await signer.bundle(around: statement.payload).json.bytes()
        let refused = #expect(throws: RemoteCacheError.self) { try verify(bytes) }
        #expect(refused?.code == .malformed)
    }

    @Test("of identities that one authority vouches for, only those of the policy count")
    func identities() async throws {
        let now = try #require(LeewayFixture.now)
        let sigstore = try VirtualSigstore(clock: { now })
        let root = try sigstore.trustedRoot()
        let policy = """
            policy: v1
            name: leeway
            signers: {ci: {issuer: "https://accounts.example", identity: ci@example.org}}
            sources: {repositories: ["\(LeewayFixture.repository)"]}
            """
        let policies = try ArtifactPolicy.policies(parsing: Array(policy.utf8), file: "policy.yaml") { _ in [] }
        let verifier = try LeewayVerifier(policy: try #require(policies.first), trustedRoot: root)
        let expiry = try #require(Timestamp(seconds: now.seconds + 3600))
        for (name, isAccepted) in [("ci@example.org", true), ("contributor@example.org", false)] {
            let signer = KeylessSigner(config: sigstore.signingConfig(), trustedRoot: root, transport: sigstore)
            let bytes = try await signer.sign(
                .payload(type: Statement.payloadType, fixture.statement.payload),
                token: try IdentityToken(TestToken.make(name, expires: expiry)), at: now
            ).bundle.json.bytes()
            if isAccepted {
                #expect(try verify(bytes, by: verifier).archive == Self.archive)
            } else {
                let refused = #expect(throws: RemoteCacheError.self) { try verify(bytes, by: verifier) }
                #expect(refused?.code == .policy)
                #expect(refused?.message.contains(name) == true)
            }
        }
    }

    @Test("a policy that names no signer or no repository is refused before anything is asked")
    func incomplete() throws {
        var policy = LeewayFixture.policy()
        policy.signers = []
        #expect(throws: RemoteCacheError.self) { try LeewayFixture.verifier(policy) }
        policy = ArtifactPolicy(signedBy: LeewayFixture.key.publicKey)
        #expect(throws: RemoteCacheError.self) { try LeewayFixture.verifier(policy) }
    }
}
