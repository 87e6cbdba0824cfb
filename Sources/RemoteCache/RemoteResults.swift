package import Build
package import Bytes
internal import Cache
internal import Host
internal import Synchronization
internal import SystemPackage

/// Results in a remote cache, as builds see them.
///
/// Whatever is not there, not believed or not to be reached is remarked upon and left to be built here.
package final class RemoteResults: SharedResults {
    /// What a run may do with the cache.
    package struct Access: Sendable {
        /// Whose entries are believed, in the order in which namespaces are asked; empty reads nothing.
        package var readers: [EntryVerifier]
        /// Where results go; `nil` gives nothing away.
        package var writes: Namespace?
        /// How many requests there are at the same time.
        package var downloads = 32
        package var uploads = 16

        package init(readers: [EntryVerifier], writes: Namespace?) {
            self.readers = readers
            self.writes = writes
        }
    }

    let storage: any RemoteStorage
    let access: Access
    let store: ContentStore
    let actions: ActionCache
    private let download: BlobDownload
    let remarks = Remarks()
    /// Nanoseconds since 1970; a parameter so that tests decide, as is how to wait.
    private let now: @Sendable () -> Int64
    /// Blobs whose bytes turned out to be wrong: to be replaced where they are given anew. The lock guards the set only.
    let damaged = Mutex<Set<Digest>>([])

    package init(
        _ storage: any RemoteStorage, access: Access, cache: ProjectCache,
        now: @escaping @Sendable () -> Int64 = { Clocks.nowNanoseconds() },
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.storage = storage
        self.access = access
        store = cache.store
        actions = cache.actions
        self.now = now
        download = BlobDownload(
            open: { try await storage.open($0, from: $1) }, store: cache.store,
            directory: cache.directory.appending("partial"),
            pause: pause)
    }

    package func takeRemarks() -> [SharedRemark] { remarks.take() }

    /// Ends all connections.
    package func close() async { await storage.close() }

    // MARK: Entries

    package func find(_ wanted: [WantedResult]) async throws -> [BuiltPackage] {
        guard !access.readers.isEmpty else { return [] }
        return try await concurrently(wanted, width: access.downloads) { try await self.find($0) }
    }

    private func find(_ wanted: WantedResult) async throws -> BuiltPackage? {
        let known = try KnownResult.find(wanted.key, store: store, actions: actions)
        if let known, known.built.name == wanted.name { return known.built }
        for reader in access.readers {
            guard !remarks.isDown else { return nil }
            do {
                let bytes = try await storage.entry(EntryName(reader.namespace, wanted.key))
                remarks.answered()
                guard let bytes else { continue }
                guard let time = Timestamp(seconds: now() / 1_000_000_000) else { return nil }
                let entry = try reader.verify(bytes, for: wanted, at: time)
                try KnownResult.record(
                    entry.built, documents: entry.documents, entry: bytes, from: place(reader.namespace), store: store,
                    actions: actions)
                return entry.built
            } catch {
                if error is CancellationError || Task.isCancelled { throw CancellationError() }
                let code = (error as? RemoteCacheError)?.code
                remarks.failed(
                    wanted.name,
                    code == .unreachable
                        ? "the entry can't be read" : "the entry in \(reader.namespace) is not believed",
                    error, at: storage.shown)
            }
        }
        return nil
    }

    /// Where an entry is from, for records.
    func place(_ namespace: Namespace) -> String { "\(storage.shown) \(namespace)" }

    // MARK: Files

    package func bring(_ results: [BuiltPackage]) async throws -> Set<Digest> {
        // What is empty is not worth a request.
        try store.put([])
        return Set(try await concurrently(results, width: access.downloads) { try await self.bring($0) })
    }

    /// Brings the files of one result; gives its key where all of them came.
    private func bring(_ built: BuiltPackage) async throws -> Digest? {
        do {
            guard let (_, record) = try KnownResult.find(built.key, store: store, actions: actions),
                let bytes = try KnownResult.entry(record, limit: CacheEntry.greatestByteCount, store: store)
            else { return nil }
            guard !remarks.isDown else { return nil }
            let predicate = try EntryPredicate(recorded: CacheEntry(parsing: bytes))
            do {
                for pack in predicate.packs { try await bring(pack) }
                for blob in predicate.blobs { try await download.bring(blob) }
                guard try await store.isComplete(built.ownTree), store.contains(built.artifact) else {
                    throw RemoteCacheError(.mismatch, "the files that its entry names are not those of its artifact")
                }
            } catch let error as RemoteCacheError where error.code != .unreachable {
                // Where one blob is wrong, none of the others is believed to be right by its name.
                damaged.withLock { $0.formUnion((predicate.packs.map(\.blob) + predicate.blobs).map(\.digest)) }
                throw error
            }
            remarks.answered()
            return built.key
        } catch {
            if error is CancellationError || Task.isCancelled { throw CancellationError() }
            remarks.failed(built.name, "its files are not to be had", error, at: storage.shown)
            // What can't be had is not to be found again.
            if (error as? RemoteCacheError)?.code != .unreachable {
                try KnownResult.forget(built.key, actions: actions)
            }
            return nil
        }
    }

    private func bring(_ pack: EntryPredicate.Pack) async throws {
        let packed = try await download.bytes(of: pack.blob)
        for content in try FilePack.contents(packed, contentSize: pack.contentSize) { try store.put(Array(content)) }
    }
}
