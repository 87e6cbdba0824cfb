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
/// A signature is remembered beside the results, under a key of its own: the digest of the statement and who signs, as a
/// key's id and padding or as an identity. What is remembered is checked like any other signature before it is used again, so that nobody who
/// writes into the cache can make a build carry a signature that is not one.
package struct StatementSignatures: Sendable {
    private let signer: any BundleSigner
    private let store: ContentStore
    private let actions: ActionCache
    /// Packages whose statements, and those of all that they were built from, are signed.
    private let done = Memory()

    package init(_ signer: any BundleSigner, cache: ProjectCache) {
        self.signer = signer
        store = cache.store
        actions = cache.actions
    }

    package init(_ signer: any EnvelopeSigner, cache: ProjectCache) {
        self.init(EnvelopeBundles(signer), cache: cache)
    }

    /// Tells signers apart.
    var signerID: String { Digest.of(signer.name).hex }

    /// Signs the statements about `built` and everything that it was built from.
    func sign(_ built: BuiltPackage) async throws {
        var waiting = [built]
        while let built = waiting.popLast() {
            // Who signs for what Leeway made is on its own attestation.
            guard built.imported == nil, done.insert(built.key) else { continue }
            do {
                let (_, record) = try PackageRecord.recorded(built.key, built.name, actions: actions, store: store)
                let statement = try PackageRecord.statement(record, .slsa, store: store)
                _ = try await bundle(around: statement, about: built)
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

    /// The signed bundle around a statement about `built`, remembered or new.
    package func bundle(around statement: [UInt8], about built: BuiltPackage) async throws -> UnverifiedBundle {
        guard built.imported == nil else {
            throw BuildError(
                .configuration,
                "was made by Leeway, and is not signed as if martlet had built it; build it with -c local",
                package: built.name)
        }
        let key = Digest.of(Array("martlet signature 1\n\(Digest.of(statement).hex)\n\(signer.name)\n".utf8))
        if let known = try remembered(key), known.envelope?.payload == statement, (try? signer.check(known)) != nil {
            return known
        }
        let (_, record) = try PackageRecord.recorded(built.key, built.name, actions: actions, store: store)
        let provenance = try PackageRecord.statement(record, .slsa, store: store)
        let bundle = try await signer.bundle(around: statement, beside: provenance)
        guard let envelope = bundle.envelope, envelope.payload == statement,
            envelope.payloadType == Statement.payloadType
        else { throw BuildError(.changed, "the signer signed something else", package: built.name) }
        try actions.record(
            ActionResult(
                // Of a result in a remote cache, the files may be elsewhere.
                key: key, tree: store.contains(built.artifact) ? built.artifact : ContentStore.emptyRoot,
                blobs: ["envelope": try store.put(envelope.line), "bundle": try store.put(bundle.json.bytes())],
                facts: [
                    "package": built.name.description,
                    "signedBy": signer.name.split(separator: "\n").joined(separator: " "),
                ]))
        return bundle
    }

    /// Throws where this signer would not have made `bundle`.
    package func check(_ bundle: UnverifiedBundle) throws { try signer.check(bundle) }

    private func remembered(_ key: Digest) throws -> UnverifiedBundle? {
        guard let record = try actions.lookup(key), let digest = record.blobs["bundle"],
            let bytes = try? store.read(digest, limit: UnverifiedBundle.Limits.byteCount)
        else { return nil }
        return try? UnverifiedBundle(parsing: bytes)
    }

    /// Which packages are done. The lock guards that.
    private final class Memory: Sendable {
        private let keys = Mutex<Set<Digest>>([])
        func insert(_ key: Digest) -> Bool { keys.withLock { $0.insert(key).inserted } }
        func remove(_ key: Digest) { _ = keys.withLock { $0.remove(key) } }
    }
}
