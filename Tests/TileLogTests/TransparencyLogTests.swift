import Bytes
import Host
import Keys
import Ledger
import Synchronization
import SystemPackage
import TestKit
import Testing

@testable import TileLog

/// A log in a directory of its own, and whoever signs for it.
struct LogSite {
    static let origin = "example.org/log"
    let directory: TemporaryDirectory
    let signer: NoteSigner
    var settings = LogSettings()

    init() throws {
        directory = try TemporaryDirectory()
        signer = NoteSigner.log(name: Self.origin, signer: PrivateKeySigner(try .generate(.ed25519)))
        settings.layout.segmentByteCount = 1 << 20
        settings.layout.segmentCount = 3
        settings.reservedByteCount = 0
    }

    func open(clock: @escaping @Sendable () -> UInt64 = { 1_700_000_000_000 }) async throws -> TransparencyLog {
        try await TransparencyLog.open(
            directory["log"], origin: Self.origin, signers: [signer], settings: settings, clock: clock)
    }

    static func leaf(_ number: Int) -> [UInt8] { Array("entry \(number)".utf8) }

    /// Checks that an answer proves what it says.
    func verify(_ added: AddedEntry, leaf: [UInt8]) throws {
        let note = try Note(parsing: added.checkpoint.note)
        try note.verify(signer.key)
        let checkpoint = try Checkpoint(parsing: note.text)
        #expect(checkpoint == added.checkpoint.checkpoint)
        #expect(added.leafHash == MerkleTree.leafHash(leaf))
        try MerkleProof.verifyInclusion(
            of: MerkleTree.leafHash(leaf), at: added.index, inTreeOf: checkpoint.size, root: checkpoint.root,
            path: added.inclusionProof)
    }
}

@Suite struct TransparencyLogTests {
    @Test("an entry is proven as soon as it is added, and there after the next start")
    func addOne() async throws {
        let site = try LogSite()
        let log = try await site.open()
        #expect(log.checkpoint.checkpoint.size == 0)
        let added = try await log.add([NewEntry(leaf: LogSite.leaf(0))])
        #expect(added.map(\.index) == [0])
        #expect(added.map(\.isDuplicate) == [false])
        try site.verify(added[0], leaf: LogSite.leaf(0))
        #expect(try await log.entry(at: 0).bytes == LogSite.leaf(0))
        await log.close()
        let again = try await site.open()
        #expect(again.checkpoint == added[0].checkpoint)
        #expect(try await again.entry(at: 0).bytes == LogSite.leaf(0))
        await again.close()
    }

    @Test("an entry that was added before keeps its index and time and gets a fresh proof, across starts too")
    func duplicates() async throws {
        let site = try LogSite()
        let time = Mutex<UInt64>(1000)
        let now: @Sendable () -> UInt64 = { time.withLock { $0 } }
        var log = try await site.open(clock: now)
        let first = try await log.add((0..<300).map { NewEntry(leaf: LogSite.leaf($0)) })
        #expect(first.map(\.index) == Array(0..<300))
        for round in 0..<3 {
            time.withLock { $0 = 2000 + UInt64(round) }
            let added = try await log.add(
                [7, 299, 1000 + round, 1000 + round].map { NewEntry(leaf: LogSite.leaf($0)) })
            #expect(added.map(\.index) == [7, 299, 300 + UInt64(round), 300 + UInt64(round)])
            #expect(added.map(\.isDuplicate) == [true, true, false, true])
            #expect(added[0].time == 1000)
            for (entry, number) in zip(added, [7, 299, 1000 + round]) {
                try site.verify(entry, leaf: LogSite.leaf(number))
            }
            await log.close()
            log = try await site.open(clock: now)
        }
        #expect(try await log.index(ofLeafHash: MerkleTree.leafHash(LogSite.leaf(299))) == 299)
        #expect(try await log.index(ofLeafHash: MerkleTree.leafHash(LogSite.leaf(9999))) == nil)
        await log.close()
    }

    @Test("many writers at once each get their proof, and their batches share syncs")
    func concurrent() async throws {
        let site = try LogSite()
        let log = try await site.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<600 {
                group.addTask {
                    let added = try await log.add([NewEntry(leaf: LogSite.leaf(number))])
                    try site.verify(added[0], leaf: LogSite.leaf(number))
                }
            }
            try await group.waitForAll()
        }
        #expect(log.size == 600)
        let indexes = try await withThrowingTaskGroup(of: UInt64?.self) { group in
            for number in 0..<600 {
                group.addTask { try await log.index(ofLeafHash: MerkleTree.leafHash(LogSite.leaf(number))) }
            }
            return try await group.reduce(into: Set<UInt64>()) { set, index in if let index { set.insert(index) } }
        }
        #expect(indexes == Set(0..<600))
        await log.close()
    }

    @Test("identical entries that race are one entry, across starts too")
    func racing() async throws {
        let site = try LogSite()
        var indexes: Set<UInt64> = []
        for _ in 0..<2 {
            let log = try await site.open()
            indexes.formUnion(
                try await withThrowingTaskGroup(of: [UInt64].self) { group in
                    for _ in 0..<200 {
                        group.addTask {
                            try await log.add((0..<4).map { NewEntry(leaf: LogSite.leaf($0)) }).map(\.index)
                        }
                    }
                    return try await group.reduce(into: Set<UInt64>()) { $0.formUnion($1) }
                })
            #expect(log.size == 4)
            await log.close()
        }
        #expect(indexes == [0, 1, 2, 3])
    }

    @Test("entries are found by their keys in memory, in the index and across starts")
    func search() async throws {
        let site = try LogSite()
        var log = try await site.open()
        for number in 0..<3 {
            let keys = [SearchKey("all"), SearchKey("sha256:\(number)")]
            _ = try await log.add([NewEntry(leaf: LogSite.leaf(number), keys: keys)])
        }
        for _ in 0..<2 {
            #expect(try await log.search(SearchKey("all")) == [0, 1, 2])
            #expect(try await log.search(SearchKey("all"), from: 1, limit: 1) == [1])
            #expect(try await log.search(SearchKey("sha256:1")) == [1])
            #expect(try await log.search(SearchKey("sha256:9")).isEmpty)
            await log.close()
            log = try await site.open()
        }
        await log.close()
    }

    @Test("an entry that says its own place is made with it, and found by its identity")
    func made() async throws {
        let site = try LogSite()
        let log = try await site.open()
        _ = try await log.add([NewEntry(leaf: LogSite.leaf(0))])
        let identity = Digest.of("certificate")
        let entry = NewEntry(identity: identity) { Array("\($0.index) \($0.time)".utf8) }
        let added = try await log.add([entry, entry])
        #expect(added.map(\.index) == [1, 1])
        let stored = try await log.entry(at: 1)
        #expect(stored.bytes == Array("1 1700000000000".utf8))
        #expect(stored.identity == identity)
        try site.verify(added[0], leaf: stored.bytes)
        try site.verify(added[1], leaf: stored.bytes)
        #expect(try await log.index(ofLeafHash: identity) == 1)
        await log.close()
    }

    @Test("an entry that says its own place is found by its leaf hash too, by an index of before as well")
    func madeLeaves() async throws {
        let site = try LogSite()
        let count = 700
        func identity(_ number: Int) -> Digest { Digest.of("certificate \(number)") }
        func make(_ number: Int) -> NewEntry {
            NewEntry(identity: identity(number)) { Array("\($0.index) made".utf8) }
        }
        var log = try await site.open()
        _ = try await log.add((0..<count).map { make($0) }, proofs: false)
        func check() async throws {
            for number in [0, 5, 255, 256, 511, count - 1] {
                let hash = MerkleTree.leafHash(Array("\(number) made".utf8))
                #expect(try await log.index(ofLeafHash: hash) == UInt64(number))
                #expect(try await log.index(ofLeafHash: identity(number)) == UInt64(number))
            }
            #expect(try await log.index(ofLeafHash: MerkleTree.leafHash(Array("\(count) made".utf8))) == nil)
            #expect(try await log.add([make(3)], proofs: false).map(\.index) == [3])
        }
        try await check()
        await log.close()
        log = try await site.open()
        try await check()
        await log.close()
        // An index that knows no leaf hashes is made anew.
        let storage = try DirectoryStorage(site.directory["log"])
        let writer = LogIndex.Writer(try LogIndex(storage), leastStep: 1)
        try writer.clear()
        try writer.append(
            (0..<count).map { IndexAddition(identityPrefix: identity($0).prefix, index: UInt64($0), keys: []) },
            mark: IndexMark(count: UInt64(count), lastIdentity: identity(count - 1)))
        storage.unlock()
        log = try await site.open()
        try await check()
        await log.close()
    }

    @Test("an entry of 65,535 bytes is taken and one of 65,536 is not, nor does it hold up others")
    func limits() async throws {
        var site = try LogSite()
        site.settings.layout = LogSettings.Layout()
        let log = try await site.open()
        let longest = [UInt8](repeating: 1, count: 65_535)
        let added = try await log.add([NewEntry(leaf: longest)])
        try site.verify(added[0], leaf: longest)
        let error = await #expect(throws: TileLogError.self) {
            try await log.add([NewEntry(leaf: longest + [1])])
        }
        #expect(error?.code == .limit)
        #expect(log.size == 1)
        await log.close()
    }

    @Test("a frozen log takes nothing more, even after a start")
    func freeze() async throws {
        let site = try LogSite()
        var log = try await site.open()
        _ = try await log.add([NewEntry(leaf: LogSite.leaf(0))])
        try await log.freeze()
        for _ in 0..<2 {
            #expect(log.isFrozen)
            let error = await #expect(throws: TileLogError.self) {
                try await log.add([NewEntry(leaf: LogSite.leaf(1))])
            }
            #expect(error?.code == .frozen)
            #expect(try await log.entry(at: 0).bytes == LogSite.leaf(0))
            await log.close()
            log = try await site.open()
        }
        await log.close()
    }

    @Test("a clock that goes back does not take the log's time with it")
    func clock() async throws {
        let site = try LogSite()
        let time = Mutex<UInt64>(5000)
        var log = try await site.open(clock: { time.withLock { $0 } })
        #expect(try await log.add([NewEntry(leaf: LogSite.leaf(0))])[0].time == 5000)
        time.withLock { $0 = 10 }
        #expect(try await log.add([NewEntry(leaf: LogSite.leaf(1))])[0].time == 5000)
        await log.close()
        log = try await site.open(clock: { 20 })
        #expect(try await log.refreshCheckpoint().time == 5000)
        await log.close()
    }

    @Test("a second writer is refused while the first is there")
    func twoWriters() async throws {
        let site = try LogSite()
        let log = try await site.open()
        let error = await #expect(throws: TileLogError.self) { try await site.open() }
        #expect(error?.code == .unreachable)
        await log.close()
    }

    @Test("a log whose directory is an old copy does not sign")
    func rollback() async throws {
        var site = try LogSite()
        var log = try await site.open()
        _ = try await log.add([NewEntry(leaf: LogSite.leaf(0))])
        let old = log.checkpoint.checkpoint
        _ = try await log.add([NewEntry(leaf: LogSite.leaf(1))])
        await log.close()
        let ahead = Checkpoint(origin: LogSite.origin, size: 3, root: Digest.of("x"))
        let forked = Checkpoint(origin: LogSite.origin, size: 1, root: Digest.of("x"))
        for known in [ahead, forked] {
            site.settings.knownCheckpoints = [old, known]
            let error = await #expect(throws: TileLogError.self) { try await site.open() }
            #expect(error?.code == .rolledBack)
        }
        site.settings.knownCheckpoints = [old]
        log = try await site.open()
        await log.close()
    }

    @Test(
        "the golden log of tlog-tiles comes out byte for byte",
        .enabled(if: TestData.folder("tlog-tiles-golden") != nil, Comment(rawValue: TestData.absence)))
    func golden() async throws {
        let folder = try #require(TestData.folder("tlog-tiles-golden"))
        let site = try LogSite()
        let log = try await site.open()
        let last = try Files.read(folder.appending("tile/entries/000.p/15"), limit: 1 << 20)
        for (number, entry) in try EntryBundle.parse(last, count: 15).enumerated() {
            let added = try await log.add([NewEntry(leaf: entry)])
            let published = try Note(
                parsing: Files.readText(folder.appending("checkpoint.\(number + 1)"), limit: 1 << 16))
            #expect(try Checkpoint(parsing: published.text).root == added[0].checkpoint.checkpoint.root)
        }
        for width in 1...15 {
            let tile = TileCoordinate(level: 0, index: 0, width: width)
            #expect(
                try await log.tile(tile) == Files.read(folder.appending(TileResource.tile(tile).path), limit: 1 << 20))
            let bundle = TileResource.entries(index: 0, width: width)
            #expect(
                try await log.entryBundle(0, width: width)
                    == Files.read(folder.appending(bundle.path), limit: 1 << 20))
        }
        await log.close()
    }
}
