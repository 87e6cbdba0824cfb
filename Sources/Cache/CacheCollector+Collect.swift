internal import Bytes
internal import Host
internal import SystemPackage

extension CacheCollector {
    /// The files that are looked at and removed while others wait.
    private static let batch = 64

    /// Removes the least recently used results when the cache is larger than `limit` bytes, until it is a tenth smaller,
    /// so that the next collection is not due at once. Removes what no result needs and what killed processes left in
    /// any case.
    ///
    /// What was made or used since the longest-working martlet began, or within `grace`, stays.
    package func collect(limit: Int, grace: Duration = defaultGrace) async throws -> Collection {
        var collection = Collection()
        let (seconds, attoseconds) = grace.components
        let young = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        let began = Clocks.nowNanoseconds()
        let horizon = min(try directory.oldestLease() ?? began, began) - young
        collection.before = try statistics()
        let isOver = collection.before.byteCount > limit
        collection.removedRecords = try await evict(to: isOver ? limit / 10 * 9 : limit, horizon: horizon)
        var needed = Needed()
        for record in try records() { try? mark(record.key, &needed) }
        // Blobs first: removing a tree changes the status of the blobs that it is made of, as a use does.
        try await sweepBlobs(needed, horizon: horizon)
        try await sweepTrees(needed, horizon: horizon)
        try await sweepRemains(horizon: horizon)
        collection.after = try statistics()
        collection.removedBytes = max(0, collection.before.byteCount - collection.after.byteCount)
        return collection
    }

    /// Removes everything that no process is using.
    package func prune() async throws -> Collection { try await collect(limit: 0, grace: .zero) }

    /// The blobs that results need, directories included.
    private struct Needed {
        var blobs: Set<Digest> = [ContentStore.emptyTree]
        /// Those of them that were added since the last look.
        var added: [Digest] = []

        mutating func insert(_ digest: Digest) -> Bool {
            guard blobs.insert(digest).inserted else { return false }
            added.append(digest)
            return true
        }
    }

    /// Adds what the result of `key` needs; throws when some of it is missing.
    private func mark(_ key: Digest, _ needed: inout Needed) throws {
        let bytes = try Files.read(
            directory.actions.path.appending(ActionCache.name(key)), limit: ActionResult.byteLimit)
        let result = try ActionResult(decoding: bytes)
        for digest in result.blobs.values { _ = needed.insert(digest) }
        if let log = result.log { _ = needed.insert(log) }
        var pending = ([result.tree] + result.trees.values).filter { needed.insert($0) }
        while let digest = pending.popLast() {
            for entry in try store.tree(digest).entries {
                switch entry.node {
                case .file(let file, _, _): _ = needed.insert(file)
                case .directory(let below, _): if needed.insert(below) { pending.append(below) }
                case .link: break
                }
            }
        }
    }

    /// Removes the records of results that do not fit into `limit` bytes when the last used ones are kept first.
    private func evict(to limit: Int, horizon: Int64) async throws -> Int {
        var sizes: [Digest: Int] = [:]
        for blob in try blobs() { sizes[blob.name.digest, default: 0] += blob.status.size }
        var needed = Needed()
        var total = 0
        var evicted: [Record] = []
        for record in try records().sorted(by: { ($0.status.modified, $0.key) > ($1.status.modified, $1.key) }) {
            needed.added = []
            let isComplete = (try? mark(record.key, &needed)) != nil
            let size = needed.added.reduce(record.status.size) { $0 + (sizes[$1] ?? 0) }
            if isComplete, total + size <= limit || record.status.modified >= horizon {
                total += size
            } else {
                evicted.append(record)
                for digest in needed.added { needed.blobs.remove(digest) }
            }
        }
        return try await removeInBatches(evicted) { record in
            let name = ActionCache.name(record.key)
            // A use since then saves it.
            guard try directory.actions.status(name)?.modified == record.status.modified else { return false }
            try directory.actions.remove(name)
            return true
        }
    }

    private func sweepBlobs(_ needed: Needed, horizon: Int64) async throws {
        let unneeded = try blobs().filter { !needed.blobs.contains($0.name.digest) && $0.status.changed < horizon }
        _ = try await removeInBatches(unneeded) { blob in
            guard let status = try directory.blobs.status(blob.name.text), status.changed < horizon else {
                return false
            }
            try directory.blobs.remove(blob.name.text)
            return true
        }
    }

    private func sweepTrees(_ needed: Needed, horizon: Int64) async throws {
        for name in try directory.trees.names() {
            if let digest = Digest(hex: name), needed.blobs.contains(digest) { continue }
            let removed = store.temporaryName()
            let isGone = try await directory.withCollection {
                guard let status = try directory.trees.status(name), status.changed < horizon else { return false }
                return try directory.trees.rename(name, to: removed, in: directory.trees) == .done
            }
            if isGone { try Files.removeTree(directory.trees.path.appending(removed)) }
        }
    }

    /// Removes temporary files and lock files of processes that are gone.
    private func sweepRemains(horizon: Int64) async throws {
        var remains = try directory.temporary.names().map { (directory.temporary, $0) }
        for name in try directory.shards(in: directory.actions) {
            let shard = try directory.actions.directory(name)
            remains += try shard.names().filter { $0.hasPrefix(Files.temporaryPrefix) }.map { (shard, $0) }
        }
        _ = try await removeInBatches(remains) { parent, name in
            guard let status = try parent.status(name), status.changed < horizon else { return false }
            try parent.remove(name)
            return true
        }
        for name in try Files.list(directory.locks) where name != CacheDirectory.collectionLock {
            let path = directory.locks.appending(name)
            guard let status = try Files.status(path), status.modified < horizon,
                let token = try FileLock(path).tryLock()
            else { continue }
            try Files.remove(path)
            token.unlock()
        }
    }

    /// Calls `remove` for each item while nobody relies on anything; counts the `true` answers.
    private func removeInBatches<Item>(_ items: [Item], _ remove: (Item) throws -> Bool) async throws -> Int {
        var count = 0
        for start in stride(from: 0, to: items.count, by: Self.batch) {
            try Task.checkCancellation()
            count += try await directory.withCollection {
                try items[start..<min(start + Self.batch, items.count)].reduce(0) { try $0 + (remove($1) ? 1 : 0) }
            }
        }
        return count
    }
}
