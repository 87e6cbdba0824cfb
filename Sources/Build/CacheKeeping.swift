internal import Cache
internal import Host
internal import SystemPackage
internal import Workspace

extension Project {
    /// The size of the cache where `martlet: cacheSize` says nothing: 20 GiB.
    package static let defaultCacheSize = 20 << 30
    /// How long a cache without a size of its own goes unmeasured, in nanoseconds.
    private static let interval: Int64 = 3_600_000_000_000

    /// The size that the workspace allows the cache, in bytes.
    package var cacheSize: Int { workspace.file.settings.cacheSize ?? Self.defaultCacheSize }

    /// Collects the cache when `outcome` added to it and it is larger than it may be. Measuring takes a look at every
    /// blob, so without a size in WORKSPACE.yaml it is done once an hour.
    package func keepCacheSize(after outcome: Builder.Outcome) async throws {
        guard outcome.results.values.contains(.built) else { return }
        let mark = cache.directory.appending("measured")
        if workspace.file.settings.cacheSize == nil {
            let now = Clocks.nowNanoseconds()
            if let last = try Files.status(mark)?.modified, abs(now - last) < Self.interval { return }
            try Files.write([], to: mark)
        }
        let collector = CacheCollector(cache.store)
        guard try collector.statistics().byteCount > cacheSize else { return }
        _ = try await collector.collect(limit: cacheSize)
    }
}
