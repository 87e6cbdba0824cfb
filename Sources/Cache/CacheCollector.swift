package import Bytes
internal import Host
internal import SystemPackage

/// Keeps the cache within its size, counts what is in it, and checks it. Several processes may do so at once, and beside
/// builds.
package struct CacheCollector: Sendable {
    /// What a cache holds.
    package struct Statistics: Hashable, Sendable {
        /// The bytes of all blobs and records.
        package var byteCount = 0
        package var blobs = 0
        package var records = 0
        /// The trees that are laid out. They share their files with the blobs.
        package var trees = 0

        package init() {}
    }

    /// What a collection did.
    package struct Collection: Hashable, Sendable {
        package var before = Statistics()
        package var after = Statistics()
        /// The records that were removed.
        package var removedRecords = 0
        package var removedBytes = 0
    }

    /// What a check found.
    package struct Verification: Hashable, Sendable {
        package var blobs = 0
        package var records = 0
        /// What was damaged and has been removed, as paths in the cache.
        package var damaged: [String] = []
        /// Results of which blobs are missing; they have been removed and will be built again.
        package var incomplete: [Digest] = []
    }

    /// A use that is noted more often than this writes without need: 10 minutes, in nanoseconds.
    static let touchInterval: Int64 = 600_000_000_000
    /// What is younger is never removed, since a process may be about to record it.
    package static let defaultGrace: Duration = .seconds(900)
    let store: ContentStore
    var directory: CacheDirectory { store.directory }

    package init(_ store: ContentStore) { self.store = store }

    /// Counts what is there.
    package func statistics() throws -> Statistics {
        var found = Statistics()
        for blob in try blobs() {
            found.blobs += 1
            found.byteCount += blob.status.size
        }
        for record in try records() {
            found.records += 1
            found.byteCount += record.status.size
        }
        found.trees = try directory.trees.names().filter { Digest(hex: $0) != nil }.count
        return found
    }

    struct Blob {
        var name: BlobName
        var status: FileStatus
    }

    struct Record {
        var key: Digest
        var status: FileStatus
    }

    func blobs() throws -> [Blob] {
        try each(directory.blobs) { shard, file, status in
            BlobName(shard: shard, file: file).map { Blob(name: $0, status: status) }
        }
    }

    func records() throws -> [Record] {
        try each(directory.actions) { shard, file, status in
            ActionCache.key(shard: shard, file: file).map { Record(key: $0, status: status) }
        }
    }

    private func each<Item>(
        _ parent: OpenDirectory, _ make: (String, String, FileStatus) -> Item?
    ) throws -> [Item] {
        var items: [Item] = []
        for shard in try self.directory.shards(in: parent) {
            let directory = try parent.directory(shard)
            for name in try directory.names() {
                guard let status = try directory.status(name), status.kind == .regular else { continue }
                if let item = make(shard, name, status) { items.append(item) }
            }
        }
        return items
    }
}
