internal import Attest
internal import Bytes
internal import Cache
internal import Host
internal import Keys
package import Sigstore
internal import Synchronization
internal import Workspace

/// The signatures over what a build says, made once for each statement and key.
///
/// A signature is remembered beside the results, under a key of its own: the digest of the statement, the id of the key
/// and the padding. What is remembered is checked like any other signature before it is used again, so that nobody who
/// writes into the cache can make a build carry a signature that is not one.
package struct StatementSignatures: Sendable {
    private let signer: any EnvelopeSigner
    private let store: ContentStore
    private let actions: ActionCache
    /// Packages whose statements, and those of all that they were built from, are signed.
    private let done = Memory()

    package init(_ signer: any EnvelopeSigner, cache: ProjectCache) {
        self.signer = signer
        store = cache.store
        actions = cache.actions
    }

    /// Signs the statements about `built` and everything that it was built from.
    func sign(_ built: BuiltPackage) async throws {
        var waiting = [built]
        while let built = waiting.popLast() {
            guard done.insert(built.key) else { continue }
            do {
                let (_, record) = try PackageRecord.recorded(built.key, built.name, actions: actions, store: store)
                let statement = try PackageRecord.statement(record, .slsa, store: store)
                _ = try await envelope(around: statement, about: built)
                for dependency in built.dependencies {
                    waiting.append(
                        try PackageRecord.recorded(dependency.key, dependency.package, actions: actions, store: store)
                            .built)
                }
            } catch {
                done.remove(built.key)
                throw error
            }
        }
    }

    /// The signed envelope around a statement about `built`, remembered or new.
    func envelope(around statement: [UInt8], about built: BuiltPackage) async throws -> Envelope {
        let key = Digest.of(
            Array(
                "martlet signature 1\n\(Digest.of(statement).hex)\n\(signer.publicKey.id.hex)\n\(signer.padding.name)\n"
                    .utf8))
        if let record = try actions.lookup(key), let digest = record.blobs["envelope"],
            let bytes = try? store.read(digest, limit: 128 << 20), let envelope = try? Envelope(parsing: bytes),
            envelope.payload == statement, envelope.payloadType == Statement.payloadType,
            (try? envelope.verify(by: signer.publicKey, padding: signer.padding)) != nil
        {
            return envelope
        }
        let envelope = try await signer.envelope(around: statement)
        let bundle = UnverifiedBundle(envelope, signedBy: signer.publicKey)
        try actions.record(
            ActionResult(
                key: key, tree: built.artifact,
                blobs: ["envelope": try store.put(envelope.line), "bundle": try store.put(bundle.json.bytes())],
                facts: [
                    "package": built.name.description, "signedBy": "sha256:\(signer.publicKey.id.hex)",
                    "algorithm": signer.publicKey.algorithm.name,
                ]))
        return envelope
    }

    /// The bundle of an envelope that was made here.
    func bundle(_ envelope: Envelope) -> UnverifiedBundle { UnverifiedBundle(envelope, signedBy: signer.publicKey) }

    /// Which packages are done. The lock guards that.
    private final class Memory: Sendable {
        private let keys = Mutex<Set<Digest>>([])
        func insert(_ key: Digest) -> Bool { keys.withLock { $0.insert(key).inserted } }
        func remove(_ key: Digest) { _ = keys.withLock { $0.remove(key) } }
    }
}
