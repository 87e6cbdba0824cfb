import Attest
import Build
import Bytes
import Keys
import Policy
import Sandbox
import Sigstore
import Testing
import VirtualSigstore

@testable import RemoteCache

/// The attacks on entries that need no more than write access to a remote cache.
@Suite("Entries of a remote cache are believed by signature and policy alone")
struct EntryVerifierTests {
    private func verifier(_ policy: ArtifactPolicy = ArtifactPolicy(signedBy: EntryFixture.fixtureKey.publicKey)) throws
        -> EntryVerifier
    {
        try EntryVerifier(.main, policy: policy, trustedRoot: nil)
    }

    private func verify(
        _ bytes: [UInt8], for wanted: WantedResult = EntryFixture().wanted, by verifier: EntryVerifier? = nil
    ) throws -> VerifiedEntry {
        try (verifier ?? self.verifier()).verify(bytes, for: wanted, at: try #require(EntryFixture.now))
    }

    /// Why an entry is refused.
    private func refusal(
        _ bytes: [UInt8], for wanted: WantedResult = EntryFixture().wanted, by verifier: EntryVerifier? = nil
    ) -> RemoteCacheError? {
        do {
            _ = try verify(bytes, for: wanted, by: verifier)
            return nil
        } catch {
            return error as? RemoteCacheError
        }
    }

    @Test("an entry by a signer of the policy, about what was asked for, is believed")
    func good() async throws {
        let entry = try await EntryFixture().entry()
        let verified = try verify(entry.bytes)
        #expect(verified.built.key == EntryFixture.key)
        #expect(Set(verified.documents.keys) == Set(PackageRecord.documentNames))
        #expect(try CacheEntry(parsing: entry.bytes).bytes == entry.bytes)
    }

    @Test("the entry of one result does not count for another")
    func replay() async throws {
        let other = try await EntryFixture("c:other", key: .of("another key")).entry().bytes
        let refused = refusal(other)
        #expect(refused?.code == .replayed)
        #expect(refused?.message.contains(Digest.of("another key").hex) == true)
        // The same key for a package of another name, as a signer who errs would write it.
        let renamed = try await EntryFixture("c:other").entry().bytes
        #expect(refusal(renamed)?.code == .replayed)
    }

    @Test("an entry of a pull request's namespace does not count when it is moved to another")
    func movedNamespace() async throws {
        var fixture = EntryFixture()
        fixture.namespace = try Namespace("pr/17")
        let refused = refusal(try await fixture.entry().bytes)
        #expect(refused?.code == .replayed)
        #expect(refused?.message.contains("pr/17") == true)
    }

    @Test("somebody else's valid signature does not count")
    func foreignSigner() async throws {
        var fixture = EntryFixture()
        fixture.signer = DSSESigner(PrivateKeySigner(EntryFixture.makeKey()))
        let refused = refusal(try await fixture.entry().bytes)
        #expect(refused?.code == .signature)
        #expect(refused?.message.contains("entry") == true)
    }

    @Test("entry and provenance must both be signed by whom the policy names")
    func foreignProvenance() async throws {
        var fixture = EntryFixture()
        let good = try await fixture.entry()
        fixture.signer = DSSESigner(PrivateKeySigner(EntryFixture.makeKey()))
        let foreign = try await fixture.entry()
        for (entry, provenance) in [(good, foreign), (foreign, good)] {
            let mixed = CacheEntry(
                entry: entry.entry, provenance: provenance.provenance, documents: good.documents)
            #expect(refusal(mixed.bytes)?.code == .signature)
        }
    }

    @Test("an entry without signatures is none, however it leaves them out")
    func unsigned() async throws {
        let entry = try await EntryFixture().entry()
        let json = try JSON(parsing: entry.bytes)
        for name in ["entry", "provenance"] {
            var bundle = try #require(json[name]?.objectValue)
            var envelope = try #require(bundle["dsseEnvelope"]?.objectValue)
            envelope["signatures"] = .array([])
            bundle["dsseEnvelope"] = .object(envelope)
            for replacement in [
                JSON.object(bundle), bundle["dsseEnvelope"] ?? .null, .null, entry.entry.json["x"] ?? .null,
            ] {
                var object = try #require(json.objectValue)
                object[name] = replacement
                let refused = refusal(JSON.object(object).bytes())
                #expect(refused?.code == .unsigned, "\(name)")
                #expect(refused?.message.contains(name) == true)
            }
        }
    }

    @Test("a signature over other bytes does not count")
    func alteredStatement() async throws {
        var entry = try await EntryFixture().entry()
        guard case .envelope(var envelope) = entry.entry.content else { return }
        let text = String(decoding: envelope.payload, as: UTF8.self)
        envelope.payload = Array(
            text.replacing(EntryFixture().built.ownTree.hex, with: Digest.of("evil").hex).utf8)
        entry.entry.content = .envelope(envelope)
        let refused = refusal(entry.bytes)
        #expect(refused?.code == .signature)
    }

    @Test("documents are those that were signed for", arguments: [PackageRecord.packageName, "statement-leeway-v0.2"])
    func alteredSidecar(_ name: String) async throws {
        var fixture = EntryFixture()
        fixture.alter = { documents in documents[name]?.append(UInt8(ascii: " ")) }
        let refused = refusal(try await fixture.entry().bytes)
        #expect(refused?.code == .mismatch)
        #expect(refused?.message.contains(name) == true)
        fixture.alter = { documents in documents[name] = nil }
        #expect(refusal(try await fixture.entry().bytes)?.code == .mismatch)
        fixture.alter = { documents in documents["manifest"] = [] }
        #expect(refusal(try await fixture.entry().bytes)?.code == .mismatch)
    }

    @Test("the provenance is the one that was signed for, and about the artifact")
    func otherProvenance() async throws {
        var fixture = EntryFixture()
        let entry = try await fixture.entry()
        // Signed by the right one, about another build of the same package.
        fixture.built.inputTree = .of("other inputs")
        let other = try await fixture.entry()
        let mixed = CacheEntry(entry: entry.entry, provenance: other.provenance, documents: entry.documents)
        #expect(refusal(mixed.bytes)?.code == .mismatch)
        var astray = EntryFixture()
        astray.provenanceSubject = .of("another artifact")
        #expect(refusal(try await astray.entry().bytes)?.code == .mismatch)
    }

    @Test("the statement and the description speak of one result")
    func otherResult() async throws {
        var fixture = EntryFixture()
        fixture.adjust = { $0.ownTree = .of("evil") }
        #expect(refusal(try await fixture.entry().bytes)?.code == .mismatch)
    }

    @Test("what was built without walls is not shared")
    func unsandboxed() async throws {
        let refused = refusal(try await EntryFixture(sandbox: .off).entry().bytes)
        #expect(refused?.code == .policy)
        #expect(refused?.message.contains("walls") == true)
    }

    @Test("every truncation is refused")
    func truncated() async throws {
        let bytes = try await EntryFixture().entry().bytes
        for count in stride(from: 0, to: bytes.count - 1, by: 97) {
            #expect(refusal(Array(bytes.prefix(count)))?.code == .malformed)
        }
    }

    @Test("numbers and counts beyond their limits are refused")
    func limits() async throws {
        for adjust in [
            { $0.packs = [.init(blob: BlobName(.of("p"), size: 10), contentSize: 1 << 40)] },
            { $0.packs = [.init(blob: BlobName(.of("p"), size: 1 << 40), contentSize: 10)] },
            { $0.blobs = [BlobName(.of("p"), size: -1)] },
            { $0.blobs = [BlobName(.of("p"), size: 1 << 51)] },
        ] as [(inout EntryPredicate) -> Void] {
            var fixture = EntryFixture()
            fixture.adjust = adjust
            #expect(refusal(try await fixture.entry().bytes)?.code == .malformed)
        }
    }

    @Test("rules of a policy beside its signers have to be met, and a policy that only warns lets nothing in")
    func rules() async throws {
        let pem = String(decoding: Array(EntryFixture.fixtureKey.publicKey.pem.utf8), as: UTF8.self)
        let entry = try await EntryFixture().entry().bytes
        for (mode, repository, isAccepted) in [
            ("enforce", nil, true), ("warn", nil, true), ("enforce", "https://example.org/repo", false),
            ("warn", "https://example.org/repo", false),
        ] as [(String, String?, Bool)] {
            let text = """
                policy: v1
                name: cache
                mode: \(mode)
                signers:
                  ci:
                    key: |
                \(pem.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n"))
                requires: [{predicate: "\(EntryPredicate.type)"}]
                \(repository.map { "sources: {repositories: [\"\($0)\"]}" } ?? "")
                """
            let policies = try ArtifactPolicy.policies(parsing: Array(text.utf8), file: "policy.yaml") { _ in [] }
            let verifier = try verifier(try #require(policies.first))
            if isAccepted {
                #expect(throws: Never.self) { try verify(entry, by: verifier) }
            } else {
                #expect(refusal(entry, by: verifier)?.code == .policy)
            }
        }
    }

    @Test("of identities that one authority vouches for, only those of the policy count")
    func identities() async throws {
        let now = try #require(EntryFixture.now)
        let sigstore = try VirtualSigstore(clock: { now })
        let root = try sigstore.trustedRoot()
        let policy = """
            policy: v1
            name: cache
            signers: {ci: {issuer: "https://accounts.example", identity: ci@example.org}}
            requires: [{predicate: "\(EntryPredicate.type)"}]
            """
        let policies = try ArtifactPolicy.policies(parsing: Array(policy.utf8), file: "policy.yaml") { _ in [] }
        let verifier = try EntryVerifier(.main, policy: try #require(policies.first), trustedRoot: root)
        let expiry = try #require(Timestamp(seconds: now.seconds + 3600))
        for (name, isAccepted) in [("ci@example.org", true), ("contributor@example.org", false)] {
            var fixture = EntryFixture()
            fixture.sign = { statement in
                let signer = KeylessSigner(config: sigstore.signingConfig(), trustedRoot: root, transport: sigstore)
                return try await signer.sign(
                    .payload(type: Statement.payloadType, statement),
                    token: try IdentityToken(TestToken.make(name, expires: expiry)), at: now
                ).bundle
            }
            let entry = try await fixture.entry().bytes
            if isAccepted {
                #expect(try verify(entry, by: verifier).built.key == EntryFixture.key)
            } else {
                let refused = refusal(entry, by: verifier)
                #expect(refused?.code == .policy)
                #expect(refused?.message.contains(name) == true)
            }
        }
    }

    @Test("a policy that names nobody is refused before anything is asked")
    func nobody() throws {
        #expect(throws: RemoteCacheError.self) {
            try EntryVerifier(.main, policy: ArtifactPolicy(name: "x", digest: .of("x")), trustedRoot: nil)
        }
    }
}
