import Attest
import Bytes
import Keys
import Sandbox
import Sigstore
import Workspace

@testable import Build
@testable import RemoteCache

/// A result, and entries about it that somebody signed.
struct EntryFixture {
    static let key = Digest.of("the key")
    static let now = Timestamp("2026-11-01T00:00:00Z")

    /// Signs in place of `signer`.
    var sign: (@Sendable ([UInt8]) async throws -> UnverifiedBundle)?
    var signer = DSSESigner(PrivateKeySigner(fixtureKey))
    var built: BuiltPackage
    var namespace = Namespace.main
    var provenanceSubject: Digest
    /// What is done to the documents before the entry is put together, behind the back of who signed.
    var alter: (inout [String: [UInt8]]) -> Void = { _ in }
    /// What is done to the statement before it is signed.
    var adjust: (inout EntryPredicate) -> Void = { _ in }

    static let fixtureKey = makeKey()

    static func makeKey() -> PrivateKey {
        guard let key = try? PrivateKey.generate(.ed25519) else { preconditionFailure("no key") }
        return key
    }

    init(_ name: String = "c:app", key: Digest = EntryFixture.key, sandbox: SandboxLevel = .full) {
        guard let name = PackageName(name) else { preconditionFailure("no name") }
        built = BuiltPackage(
            name: name, key: key, leewayVersion: String(repeating: "0", count: 40), ownTree: .of("own"),
            artifact: .of("artifact of \(name)"), references: [], dependencies: [], inputTree: .of("inputs"), steps: [],
            fetched: [], sandbox: sandbox, startedOn: 1_700_000_000, finishedOn: 1_700_000_001)
        provenanceSubject = built.artifact
    }

    var wanted: WantedResult { WantedResult(name: built.name, key: built.key) }

    func provenance() -> Statement {
        var facts = ProvenanceFacts(
            packageName: built.name.description, packageType: "generic", actionKey: built.key, inputs: built.inputTree,
            inputCount: 1, sandbox: "full", builder: .init(version: "1", digest: .of("martlet")))
        facts.subjects = [Subject(name: built.name.description, digest: provenanceSubject)]
        return facts.statement
    }

    /// The entry as it would lie in a cache.
    func entry() async throws -> CacheEntry {
        var documents = [
            PackageRecord.packageName: built.json.canonical(),
            PackageRecord.documentName(.leeway): Array("{}".utf8),
        ]
        let provenance = provenance().payload
        var digests = documents.mapValues { Digest.of($0) }
        digests[PackageRecord.documentName(.slsa)] = .of(provenance)
        var predicate = EntryPredicate(of: built, in: namespace, documents: digests, packs: [], blobs: [])
        adjust(&predicate)
        alter(&documents)
        return CacheEntry(
            entry: try await bundle(predicate.statement.payload), provenance: try await bundle(provenance),
            documents: documents)
    }

    private func bundle(_ statement: [UInt8]) async throws -> UnverifiedBundle {
        if let sign { return try await sign(statement) }
        return UnverifiedBundle(try await signer.envelope(around: statement), signedBy: signer.publicKey)
    }
}
