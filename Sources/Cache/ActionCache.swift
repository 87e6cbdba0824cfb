package import Bytes
internal import Host
internal import SystemPackage

/// The results of actions by their keys, on disk, one small file each.
///
/// A record is complete or absent, and checked whenever it is read: one that is damaged, or lies under another key, is
/// removed and counts as absent.
package final class ActionCache: Sendable {
    let directory: CacheDirectory
    private let isDurable: Bool

    /// The action cache beside `store`.
    package init(_ store: ContentStore) {
        directory = store.directory
        isDurable = store.durability == .immediate
    }

    /// The result of the action, and a note that it was used now; `nil` when there is none.
    ///
    /// Blobs that it names may still turn out to be damaged when they are used; then the action must run again.
    package func lookup(_ key: Digest) throws -> ActionResult? {
        let name = Self.name(key)
        return try directory.withoutCollection {
            guard let status = try directory.actions.status(name) else { return nil }
            guard status.kind == .regular, status.size <= ActionResult.byteLimit else {
                try remove(key)
                return nil
            }
            let bytes = try directory.actions.file(reading: name).read(status.size + 1)
            guard let result = try? ActionResult(decoding: bytes), result.key == key else {
                try remove(key)
                return nil
            }
            let now = Clocks.nowNanoseconds()
            // The time of the last use, for the collector.
            if abs(now - status.modified) > Self.useInterval {
                try directory.actions.file(reading: name).setModified(now)
            }
            return result
        }
    }

    /// Stores `result` in place of an earlier one of the same key. Its blobs must be stored before.
    package func record(_ result: ActionResult) throws {
        try directory.withoutCollection {
            try directory.makeShard(result.key.hex.prefix(2), in: directory.actions)
            try Files.write(
                result.encoded, to: directory.actions.path.appending(Self.name(result.key)), durable: isDurable)
        }
    }

    /// Forgets the result of `key`, for instance because its blobs were damaged.
    package func remove(_ key: Digest) throws { try directory.actions.remove(Self.name(key)) }

    /// Runs `body` while no other process or task does so for the same key, so that an action is done once: whoever
    /// comes second finds the result of the first when it looks it up inside.
    package func withBuildLock<Result>(_ key: Digest, _ body: () async throws -> Result) async throws -> Result {
        try await FileLock(directory.locks.appending("action.\(key.hex)")).withLock { try await body() }
    }

    /// How often, in nanoseconds, a use is written down.
    private static let useInterval: Int64 = 60_000_000_000

    static func name(_ key: Digest) -> String {
        let hex = key.hex
        return "\(hex.prefix(2))/\(hex.dropFirst(2)).json"
    }

    /// The key of a record's file name in the directory `shard`.
    static func key(shard: String, file: String) -> Digest? {
        guard file.hasSuffix(".json") else { return nil }
        return Digest(hex: shard + file.dropLast(5))
    }
}
