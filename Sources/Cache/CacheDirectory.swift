internal import Bytes
internal import Host
internal import Synchronization
internal import SystemPackage

/// The layout of a cache on disk, shared by every process that uses it:
///
///     format                    the line "martlet-cache 1"
///     cas/sha256/ab/cdef…       a blob, mode 0644; cdef….x is the same blob with mode 0755
///     cas/tmp/                  blobs that are being written, on the same file system
///     trees/<digest>/           a tree laid out by hard links, read-only
///     actions/ab/cdef….json     the result of an action
///     leases/                   a locked file for every process at work
///     locks/                    lock files
///
/// docs/formats/cache.md describes it for other programs.
final class CacheDirectory: Sendable {
    let path: FilePath
    let blobs: OpenDirectory
    let temporary: OpenDirectory
    let trees: OpenDirectory
    let actions: OpenDirectory
    let leases: OpenDirectory
    let locks: FilePath
    /// The file system that all of it is on.
    let device: UInt64
    private let collection: FileLock
    private let lease: Lease
    /// The shards that are known to exist; never removed. The lock guards the set only.
    private let madeShards = Mutex<Set<String>>([])
    private let users = Mutex<Users>(Users())

    /// The lock that says whether something may be collected.
    static let collectionLock = "collection"

    private static let format = Array("martlet-cache 1\n".utf8)

    /// How many parts of this process rely on nothing being collected, and the lock that says so to others.
    private struct Users: ~Copyable {
        var count = 0
        var token: FileLock.Token?
    }

    init(_ path: FilePath) throws {
        self.path = path
        try Files.createDirectories(path)
        try Self.checkFormat(path.appending("format"))
        for name in ["cas/sha256", "cas/tmp", "trees", "actions", "leases", "locks"] {
            try Files.createDirectories(path.appending(name))
        }
        blobs = try OpenDirectory(path.appending("cas/sha256"))
        temporary = try OpenDirectory(path.appending("cas/tmp"))
        trees = try OpenDirectory(path.appending("trees"))
        actions = try OpenDirectory(path.appending("actions"))
        leases = try OpenDirectory(path.appending("leases"))
        locks = path.appending("locks")
        device = try blobs.status(".")?.device ?? 0
        collection = FileLock(locks.appending(Self.collectionLock))
        lease = try Lease(in: path.appending("leases"))
    }

    private static func checkFormat(_ file: FilePath) throws {
        do {
            let found = try Files.read(file, limit: 100)
            if found == format { return }
            // A machine that lost its power right after the first use may have kept the name and not the line.
            guard found.isEmpty else {
                throw CacheError(
                    .version,
                    "this cache was made by another version of martlet; remove it or choose another directory",
                    path: file.removingLastComponent().string)
            }
        } catch let error as HostError where error.code == .notFound {}
        try Files.write(format, to: file)
    }

    /// Makes the directory of blobs or records that begin with the two digits `shard`, unless this process has done so.
    func makeShard(_ shard: Substring, in parent: OpenDirectory) throws {
        let name = String(shard)
        let key = parent === blobs ? name : "actions " + name
        if madeShards.withLock({ $0.contains(key) }) { return }
        try parent.makeDirectory(name)
        madeShards.withLock { _ = $0.insert(key) }
    }

    /// The shards that exist in `parent`.
    func shards(in parent: OpenDirectory) throws -> [String] {
        try parent.names().filter { $0.utf8.count == 2 && Hex.decode($0) != nil }.sorted()
    }

    /// Runs `body` while nothing is collected: what it finds stays until it has said that it needs it.
    ///
    /// Waits a moment at most, since a collector holds its lock for one small batch at a time.
    func withoutCollection<Result>(_ body: () throws -> Result) throws -> Result {
        try beginUse()
        defer { endUse() }
        return try body()
    }

    /// As `withoutCollection`, for a longer piece of work.
    func withoutCollection<Result>(_ body: () async throws -> Result) async throws -> Result {
        try beginUse()
        defer { endUse() }
        return try await body()
    }

    /// Runs `body` while no other process or task relies on anything.
    func withCollection<Result>(_ body: () throws -> Result) async throws -> Result {
        let token = try await collection.lock(.exclusive)
        let result = try body()
        token.unlock()
        return result
    }

    private func beginUse() throws {
        try users.withLock { users in
            if users.count == 0 { users.token = try collection.lockBlocking(.shared) }
            users.count += 1
        }
    }

    private func endUse() {
        users.withLock { users in
            users.count -= 1
            if users.count == 0, let token = users.token.take() { token.unlock() }
        }
    }

    /// Says to collectors since when this process is at work: they keep everything that was made or used since.
    private final class Lease: Sendable {
        private let name: FilePath
        private let token: FileLock.Token

        init(in directory: FilePath) throws {
            name = Files.temporaryName(beside: directory.appending("x"))
            token = try FileLock(name).lockBlocking()
        }

        deinit { try? Files.remove(name) }
    }

    /// When the longest-working process that is still alive began, in nanoseconds since 1970; `nil` when there is none.
    /// Removes what dead processes left.
    func oldestLease() throws -> Int64? {
        var oldest: Int64?
        for name in try leases.names() {
            guard let status = try leases.status(name) else { continue }
            if let token = try FileLock(path.appending("leases").appending(name)).tryLock() {
                try leases.remove(name)
                token.unlock()
            } else {
                oldest = min(oldest ?? status.changed, status.changed)
            }
        }
        return oldest
    }
}
