import Attest
import Build
import Bytes
import Host
import Keys
import Policy
import Sigstore
import Synchronization

@testable import RemoteCache

/// Objects as they lie in Leeway's cache, and who signed for them.
struct LeewayFixture {
    static let repository = "https://github.com/acme/app"
    static let builder = "https://github.com/acme/app/.github/workflows/build.yml@refs/heads/main"
    static let key = EntryFixture.makeKey()
    static let now = EntryFixture.now

    var key = LeewayFixture.key
    var repository = LeewayFixture.repository
    /// The package that the attestation names; Leeway's own name none.
    var entryPoint: String?
    var subjects: [Subject]

    /// An attestation about the archive with this digest.
    init(_ object: String, _ archive: Digest) { subjects = [Subject(name: object, digest: archive)] }

    var statement: Statement {
        var source: JSONObject = ["uri": .string(repository)]
        if let entryPoint { source["entryPoint"] = .string(entryPoint) }
        return Statement(
            version: .v0_1, subjects: subjects, predicateType: ProvenanceView.Format.v0_2.rawValue,
            predicate: [
                "builder": ["id": .string(Self.builder)], "buildType": "https://leeway.build/cache-signing/v1",
                "invocation": ["configSource": .object(source), "parameters": ["workflow": "build.yml"]],
                "metadata": ["buildInvocationID": "1", "reproducible": false],
            ])
    }

    func attestation() async throws -> [UInt8] {
        let signer = DSSESigner(PrivateKeySigner(key))
        return UnverifiedBundle(try await signer.envelope(around: statement.payload), signedBy: key.publicKey).json
            .bytes()
    }

    /// Who may sign for which repository.
    static func policy(_ key: PublicKey = Self.key.publicKey, _ repository: String = Self.repository) -> ArtifactPolicy
    {
        let policy = ArtifactPolicy(signedBy: key)
        return policy.restricted(toRepository: repository) ?? policy
    }

    static func verifier(_ policy: ArtifactPolicy = policy()) throws -> LeewayVerifier {
        try LeewayVerifier(policy: policy, trustedRoot: nil)
    }

    /// A packed archive.
    static func archive(_ fill: (inout TarWriter) throws -> Void) throws -> [UInt8] {
        var plain: [UInt8] = []
        var tar = TarWriter { plain += $0 }
        try fill(&tar)
        try tar.finish()
        var packed: [UInt8] = []
        var packer = try Compressor(.gzip) { packed += $0 }
        try packer.write(plain)
        try packer.finish()
        return packed
    }
}

/// A place in memory, which notes what is asked.
final class MemoryPlace: ObjectPlace {
    struct State {
        var objects: [String: [UInt8]] = [:]
        var requests: [String] = []
        var isDown = false
    }

    let state: Mutex<State>

    init(_ objects: [String: [UInt8]] = [:]) { state = Mutex(State(objects: objects)) }

    var shown: String { "memory" }
    var requests: [String] { state.withLock { $0.requests } }

    private func object(_ name: String) throws -> [UInt8]? {
        try state.withLock { state in
            state.requests.append(name)
            if state.isDown { throw RemoteCacheError(.unreachable, "gone") }
            return state.objects[name]
        }
    }

    func read(_ name: String, limit: Int) async throws -> [UInt8]? {
        guard let bytes = try object(name) else { return nil }
        guard bytes.count <= limit else { throw RemoteCacheError(.limit, "too much") }
        return bytes
    }

    func open(_ name: String, from offset: Int, size: Int) async throws -> IncomingBlob? {
        guard let bytes = try object(name) else { return nil }
        let rest = Mutex([Array(bytes.dropFirst(offset))])
        return IncomingBlob(start: offset) { rest.withLock { $0.popLast() } }
    }

    func size(_ name: String) async throws -> ObjectSize? { try object(name).map { .bytes($0.count) } }

    func write(_ name: String, _ content: BlobContent, _ blob: BlobName) async throws {
        throw RemoteCacheError(.refused, "nothing is written to Leeway's cache")
    }

    func close() async {}
}
