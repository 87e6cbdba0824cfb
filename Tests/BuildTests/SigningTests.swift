import Attest
import Build
import Bytes
import Host
import Keys
import Sigstore
import Synchronization
import SystemPackage
import TestKit
import Testing

/// Signs, counts, and refuses what it is told to.
final class CountingSigner: EnvelopeSigner {
    private let signer: DSSESigner
    private let stored = Mutex<[String]>([])
    private let refused: String?

    init(refusing name: String? = nil) throws {
        signer = DSSESigner(PrivateKeySigner(try PrivateKey.generate(.ed25519)))
        refused = name
    }

    var publicKey: PublicKey { signer.publicKey }
    var padding: RSAPadding { .pkcs1v15 }
    /// The names of the packages whose statements were signed, in order.
    var signed: [String] { stored.withLock { $0 } }

    func envelope(around statement: [UInt8]) async throws(KeyError) -> Envelope {
        let name = (try? Statement(parsing: statement))?.subjects.first?.name ?? ""
        if name == refused { throw KeyError(.refused, "not \(name)") }
        let envelope = try await signer.envelope(around: statement)
        stored.withLock { $0.append(name) }
        return envelope
    }
}

@Suite(.enabled(if: hasTool("bwrap"), "bubblewrap is not installed"))
struct SigningTests {
    private func workspace() throws -> TestWorkspace {
        try TestWorkspace([
            "c/BUILD.yaml": packages(
                generic("low", sh: "echo low > low.txt"),
                generic("middle", sh: "cat c--low/low.txt > middle.txt", "deps: [\":low\"]"),
                generic("top", sh: "cat c--middle/middle.txt > top.txt", "deps: [\":middle\"]"))
        ])
    }

    private func build(_ workspace: TestWorkspace, _ signer: CountingSigner?) async throws -> TestBuild {
        var settings = TestWorkspace.Settings()
        let cache = try await workspace.project(settings).cache
        settings.building.signatures = signer.map { StatementSignatures($0, cache: cache) }
        return try await workspace.build("c:top", settings: settings)
    }

    @Test("every package is signed once, also one that the cache has, and by another key again")
    func once() async throws {
        let workspace = try workspace()
        let first = try CountingSigner()
        #expect(try await build(workspace, first).outcome.succeeded)
        #expect(first.signed == ["c:low", "c:middle", "c:top"])
        #expect(try await build(workspace, first).outcome.succeeded)
        #expect(first.signed.count == 3)
        let second = try CountingSigner()
        #expect(try await build(workspace, second).outcome.succeeded)
        #expect(second.signed.sorted() == ["c:low", "c:middle", "c:top"])
    }

    @Test("what was built without a signature gets one later, down to the last dependency")
    func later() async throws {
        let workspace = try workspace()
        #expect(try await build(workspace, nil).outcome.succeeded)
        let signer = try CountingSigner()
        let build = try await build(workspace, signer)
        #expect(build.outcome.succeeded)
        #expect(build.ran.isEmpty)
        #expect(signer.signed.sorted() == ["c:low", "c:middle", "c:top"])
    }

    @Test("a package whose statement is not signed has failed, and what needs it is not built")
    func refusal() async throws {
        let workspace = try workspace()
        let build = try await build(workspace, CountingSigner(refusing: "c:middle"))
        #expect(!build.outcome.succeeded)
        #expect((try build.failure("c:middle") as? KeyError)?.code == .refused)
        #expect(try build.failure("c:low") == nil)
        #expect(build.ran == ["c:low build", "c:middle build"])
    }

    @Test("an archive carries signed envelopes and a Sigstore bundle; none is left where signing fails")
    func archive() async throws {
        let workspace = try workspace()
        let signer = try CountingSigner()
        let build = try await build(workspace, signer)
        let signatures = StatementSignatures(signer, cache: build.project.cache)
        let built = try build.built("c:top")
        for (name, embedding) in [("inside.tar.gz", true), ("beside.tar", false)] {
            let file = workspace.files[name]
            let saved = try await build.project.save(
                built, to: file, embedding: embedding, format: .slsa, signatures: signatures)
            let bundle = try BundleFile.read(saved.sidecar ?? file)
            #expect(bundle.entries.count == 3)
            for entry in bundle.entries { try entry.envelope.verify(by: signer.publicKey, padding: .pkcs1v15) }
            var policy = VerificationPolicy(signer: .key(signer.publicKey))
            (policy.logEntries, policy.certificateLogs) = (0, 0)
            let signed = try UnverifiedBundle(parsing: Files.read(try #require(saved.signedBundle), limit: 1 << 20))
            let artifact = BytesArtifact(try Files.read(file, limit: 1 << 20))
            let verified = try Verifier(trustedRoot: TrustedRoot(), policy: policy).verify(signed, artifact: artifact)
            #expect(verified.statement?.subjects.first?.name == "c:top")
        }
        let refusing = try CountingSigner(refusing: "c:top")
        let failing = StatementSignatures(refusing, cache: build.project.cache)
        for embedding in [true, false] {
            let file = workspace.files["failed/out.tar.gz"]
            try Files.createDirectories(file.removingLastComponent())
            await #expect(throws: KeyError.self) {
                try await build.project.save(built, to: file, embedding: embedding, format: .slsa, signatures: failing)
            }
            #expect(try Files.list(file.removingLastComponent()).isEmpty)
        }
    }
}
