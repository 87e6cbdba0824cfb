internal import Attest
package import Build
internal import Bytes
internal import Cache
internal import Host
internal import Sigstore
internal import Synchronization
internal import Workspace

/// How results come into a remote cache: files first, then the entry that names them, signed.
extension RemoteResults {
    package func publish(_ results: [BuiltPackage], signatures: StatementSignatures) async throws {
        guard let namespace = access.writes, !remarks.isDown else { return }
        var waiting: [Digest: BuiltPackage] = [:]
        var pending = results
        while let built = pending.popLast() {
            guard waiting[built.key] == nil, try isOurs(built, namespace) else { continue }
            waiting[built.key] = built
            for dependency in built.dependencies where waiting[dependency.key] == nil {
                if let record = try actions.lookup(dependency.key),
                    let other = try PackageRecord.read(record, store: store)
                {
                    pending.append(other)
                }
            }
        }
        // An entry is worth little without those of all that the result was built from, so they come first. What was
        // given away has them, then, and need not be looked into again.
        var failed: Set<Digest> = []
        while !waiting.isEmpty, !remarks.isDown {
            let ready = waiting.values.filter { built in !built.dependencies.contains { waiting[$0.key] != nil } }
            guard !ready.isEmpty else { return }
            let whole = ready.filter { built in !built.dependencies.contains { failed.contains($0.key) } }
            // A few at a time: each holds its packs.
            let done = try await concurrently(whole.sorted { $0.name < $1.name }, width: min(8, access.uploads)) {
                try await self.publish($0, in: namespace, signatures) ? $0.key : nil
            }
            for built in ready { waiting[built.key] = nil }
            failed.formUnion(Set(ready.map(\.key)).subtracting(done))
        }
    }

    /// Whether a result was made here and not given away yet.
    private func isOurs(_ built: BuiltPackage, _ namespace: Namespace) throws -> Bool {
        guard let record = try actions.lookup(built.key), record.facts["from"] == nil else { return false }
        return try actions.lookup(noteKey(built, namespace)) == nil
    }

    /// Under what it is noted that a result was given away.
    private func noteKey(_ built: BuiltPackage, _ namespace: Namespace) -> Digest {
        .of("martlet published 1\n\(place(namespace))\n\(built.key.hex)\n\(built.startedOn)\n")
    }

    /// Gives one result away; `false` where that failed.
    private func publish(
        _ built: BuiltPackage, in namespace: Namespace, _ signatures: StatementSignatures
    ) async throws -> Bool {
        guard !remarks.isDown else { return false }
        let (_, record) = try PackageRecord.recorded(built.key, built.name, actions: actions, store: store)
        var contents = Contents()
        do {
            contents = try self.contents(of: built)
        } catch let error as CacheError where error.isMiss {
            remarks.failed(built.name, "it is not given away", error, at: storage.shown)
            return false
        }
        var digests: [String: Digest] = [:]
        var documents: [String: [UInt8]] = [:]
        for name in PackageRecord.documentNames {
            guard let digest = record.blobs[name] else { continue }
            digests[name] = digest
            documents[name] = try store.read(digest, limit: PackageRecord.documentLimit)
        }
        let provenance = documents.removeValue(forKey: PackageRecord.documentName(.slsa)) ?? []
        let predicate = EntryPredicate(
            of: built, in: namespace, documents: digests,
            packs: contents.packs.map { .init(blob: $0.name, contentSize: $0.contentSize) }, blobs: contents.blobs)
        // Nothing is an entry without its signatures, and a signer that fails is no trifle.
        let entry = CacheEntry(
            entry: try await signatures.bundle(around: predicate.statement.payload, about: built),
            provenance: try await signatures.bundle(around: provenance, about: built), documents: documents)
        do {
            try await upload(contents)
            let bytes = entry.bytes
            guard bytes.count <= CacheEntry.greatestByteCount else {
                throw RemoteCacheError(.limit, "its entry would have more than \(CacheEntry.greatestByteCount) bytes")
            }
            try await storage.putEntry(
                bytes, as: EntryName(namespace, built.key), naming: contents.packs.map(\.name) + contents.blobs)
            remarks.answered()
            try store.put(Tree.empty)
            try actions.record(ActionResult(key: noteKey(built, namespace), tree: ContentStore.emptyRoot))
            return true
        } catch {
            if error is CancellationError || Task.isCancelled { throw CancellationError() }
            remarks.failed(built.name, "it is not given away", error, at: storage.shown)
            return false
        }
    }

    /// What of a result goes where.
    private struct Contents: Sendable {
        struct Pack: Sendable {
            var name: BlobName
            var contentSize: Int
            var bytes: [UInt8]
        }

        var packs: [Pack] = []
        var blobs: [BlobName] = []
    }

    /// The own files of a result, and the directories of its artifact that no other artifact has.
    private func contents(of built: BuiltPackage) throws -> Contents {
        var small: [Digest] = []
        var out = Contents()
        for (digest, size) in try store.references(of: built.ownTree) {
            if size <= FilePack.greatestFile {
                small.append(digest)
            } else {
                out.blobs.append(BlobName(digest, size: size))
            }
        }
        small += try directories(of: built)
        var pending: [[UInt8]] = []
        var count = 0
        func endPack() throws {
            guard !pending.isEmpty else { return }
            let (packed, size) = try FilePack.pack(pending)
            out.packs.append(
                .init(name: BlobName(.of(packed), size: packed.count), contentSize: size, bytes: packed))
            pending = []
            count = 0
        }
        // In an order that does not depend on the run, so that equal results make equal packs.
        for digest in Set(small).sorted() {
            let bytes = try store.read(digest, limit: Tree.byteLimit)
            if bytes.isEmpty { continue }
            guard bytes.count <= FilePack.greatestDirectory else {
                out.blobs.append(BlobName(digest, size: bytes.count))
                continue
            }
            pending.append(bytes)
            count += bytes.count
            if count >= FilePack.fullSize { try endPack() }
        }
        try endPack()
        out.blobs.sort { $0.digest < $1.digest }
        return out
    }

    /// The directories of the artifact on the way to what is referred to; below that are other results' own.
    private func directories(of built: BuiltPackage) throws -> [Digest] {
        var out: [Digest] = [built.artifact]
        for reference in built.references {
            var current = built.artifact
            for part in reference.path.split(separator: "/").dropLast() {
                guard case .directory(let next, _)? = try store.tree(current)[String(part)] else { break }
                out.append(next)
                current = next
            }
        }
        return out
    }

    private func upload(_ contents: Contents) async throws {
        _ = try await concurrently(contents.packs, width: access.uploads) { pack -> Bool? in
            try await self.upload(pack.name, .bytes(pack.bytes))
            return nil
        }
        let store = store
        _ = try await concurrently(contents.blobs, width: access.uploads) { blob -> Bool? in
            try await self.upload(blob, .file { try store.open(blob.digest) })
            return nil
        }
    }

    private func upload(_ blob: BlobName, _ content: BlobContent) async throws {
        // What was found to be wrong is not taken for what its name says.
        let isDamaged = damaged.withLock { $0.contains(blob.digest) }
        if !isDamaged {
            guard try await !storage.has(blob) else { return }
        }
        try await storage.put(blob, content)
    }
}
