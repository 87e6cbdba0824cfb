import Bytes
import Cache
import Host
import Synchronization
import SystemPackage
import TestKit
import Testing

@Suite struct ActionCacheTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> (store: ContentStore, actions: ActionCache) {
        let store = try ContentStore(directory: directory["cache"])
        return (store, ActionCache(store))
    }

    /// Returns when files that are made from now on are younger than all that exist: file times are coarse.
    private func passTime() throws {
        func make() throws -> Int64 {
            try directory.write("", to: "time")
            return try #require(try Files.status(directory["time"])).changed
        }
        let start = try make()
        while try make() == start {}
    }

    /// Stores a result for `name`: a tree with one file of `count` bytes.
    private func build(_ name: String, count: Int = 1000, _ store: ContentStore, _ actions: ActionCache) throws
        -> Digest
    {
        let bytes = Array(name.utf8) + [UInt8](repeating: 0, count: count)
        let file = Tree.Entry(name: name, node: .file(try store.put(bytes), size: bytes.count, isExecutable: false))
        let tree = try store.put(Tree([file]))
        let key = Digest.of("key of \(name)")
        try actions.record(ActionResult(key: key, tree: tree, log: store.put(Array("log \(name)".utf8))))
        return key
    }

    @Test("a recorded result is found, another key is a miss")
    func lookup() throws {
        let (store, actions) = try open()
        let key = try build("a", store, actions)
        #expect(try actions.lookup(key)?.key == key)
        #expect(try actions.lookup(.of("other")) == nil)
        try actions.remove(key)
        #expect(try actions.lookup(key) == nil)
    }

    @Test("a damaged record, or one under another's key, is a miss and is removed")
    func damaged() throws {
        let (store, actions) = try open()
        let key = try build("a", store, actions)
        let other = Digest.of("other")
        let path = directory["cache/actions/\(key.hex.prefix(2))/\(key.hex.dropFirst(2)).json"]
        let stolen = directory["cache/actions/\(other.hex.prefix(2))/\(other.hex.dropFirst(2)).json"]
        let bytes = try Files.read(path, limit: 10000)
        try Files.createDirectories(stolen.removingLastComponent())
        try Files.write(bytes, to: stolen)
        #expect(try actions.lookup(other) == nil)
        #expect(try Files.status(stolen) == nil)
        for damage in [[], Array(bytes.dropLast(10)), bytes + [0x20]] {
            try Files.write(damage, to: path)
            #expect(try actions.lookup(key) == nil)
            #expect(try Files.status(path) == nil)
        }
    }

    @Test("two processes that want the same result make it once")
    func buildsOnce() async throws {
        let counter = Counter()
        let directory = directory
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    // A store of its own has locks of its own, as another process would.
                    let store = try ContentStore(directory: directory["cache"])
                    let actions = ActionCache(store)
                    let key = Digest.of("k")
                    try await actions.withBuildLock(key) {
                        if try actions.lookup(key) != nil { return }
                        counter.add()
                        await Task.yield()
                        try actions.record(ActionResult(key: key, tree: store.put(Tree.empty)))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(counter.value == 1)
    }

    @Test("the results that were used last survive a collection")
    func leastRecentlyUsed() async throws {
        var keys: [Digest] = []
        do {
            let (store, actions) = try open()
            for index in 0..<10 {
                let key = try build("package \(index)", count: 10_000, store, actions)
                try Files.setModified(
                    directory["cache/actions/\(key.hex.prefix(2))/\(key.hex.dropFirst(2)).json"],
                    Int64(1_000_000_000 * (index + 1)))
                keys.append(key)
            }
            // Nothing needs this one.
            try store.put([1, 2, 3])
            try directory.write("x", to: "cache/cas/tmp/.martlet-tmp.1.1.1")
        }
        try passTime()
        let (store, actions) = try open()
        #expect(try actions.lookup(keys[0]) != nil)
        let collector = CacheCollector(store)
        let collection = try await collector.collect(limit: 50_000, grace: .zero)
        #expect(collection.after.byteCount <= 45_000)
        #expect(collection.removedRecords == 6 && collection.after.records == 4)
        for (index, key) in keys.enumerated() {
            #expect(try (actions.lookup(key) != nil) == (index == 0 || index > 6), "\(index)")
        }
        #expect(!store.contains(.of([1, 2, 3])))
        #expect(try Files.list(directory["cache/cas/tmp"]).isEmpty)
        let verification = try await collector.verify()
        #expect(verification.damaged.isEmpty && verification.incomplete.isEmpty && verification.records == 4)
    }

    @Test("a collection keeps what a living process made or used")
    func leases() async throws {
        let (store, actions) = try open()
        let key = try build("a", store, actions)
        let tree = try #require(try actions.lookup(key)).tree
        let path = try await store.checkout(tree)
        let other = try ContentStore(directory: directory["cache"])
        let collection = try await CacheCollector(other).prune()
        #expect(collection.removedRecords == 0)
        #expect(try actions.lookup(key) != nil && store.contains(tree) && Files.status(path) != nil)
    }

    @Test("prune removes everything that nobody uses, laid-out trees too")
    func prune() async throws {
        do {
            let (store, actions) = try open()
            let key = try build("a", store, actions)
            _ = try await store.checkout(try #require(try actions.lookup(key)).tree)
        }
        try passTime()
        let store = try ContentStore(directory: directory["cache"])
        let collection = try await CacheCollector(store).prune()
        #expect(collection.before.trees == 1 && collection.before.records == 1)
        #expect(collection.after == CacheCollector.Statistics())
    }

    @Test("verification finds a flipped bit, removes the blob and forgets what needed it")
    func verification() async throws {
        let (store, actions) = try open()
        let sound = try build("sound", store, actions)
        let broken = try build("broken", store, actions)
        let file = Digest.of(Array("broken".utf8) + [UInt8](repeating: 0, count: 1000))
        let path = directory["cache/cas/sha256/\(file.hex.prefix(2))/\(file.hex.dropFirst(2))"]
        var bytes = try Files.read(path, limit: 10_000)
        bytes[500] ^= 1
        try Files.write(bytes, to: path, mode: 0o644)
        try Files.setModified(path, ContentStore.fileTime)
        let verification = try await CacheCollector(store).verify()
        #expect(verification.damaged.count == 1 && verification.incomplete == [broken])
        #expect(try actions.lookup(broken) == nil && actions.lookup(sound) != nil)
        #expect(try Files.status(path) == nil)
    }

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .relaxed) }
        func add() { count.add(1, ordering: .relaxed) }
    }
}
