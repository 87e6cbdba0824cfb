import Bytes
import Host
import Ledger
import LogFaults
import TestKit
import Testing

@testable import TileLog

@Suite struct LogCheckTests {
    /// A log of two packs with an end, one without, and entries that no pack has.
    static func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let log = try CrashHistory.open(disk)
        var number = 0
        for _ in 0..<34 {
            _ = try log.add((number..<(number + 40)).map { NewEntry(leaf: Array("\($0)".utf8)) })
            number += 40
            try log.keep(isForced: true)
        }
        try log.close()
        return disk
    }

    static func check(_ disk: SimulatedDisk) throws -> LogCheckReport {
        try LogCheck.run(disk, keys: [], leafHash: { MerkleTree.leafHash($0) })
    }

    @Test("a log as it was written has no findings")
    func clean() throws {
        let report = try Self.check(Self.disk())
        #expect(report.findings == [])
        #expect(report.entryCount == 34 * 40)
        #expect(report.bundleCount == 5)
    }

    /// With `MARTLET_FLIPS=1` every byte of the log, otherwise one in 211.
    @Test("a changed byte anywhere in packs, records, pages of the index and the log's own file is found")
    func everyByte() async throws {
        let disk = try Self.disk()
        let step = ChildProcess.environmentVariable("MARTLET_FLIPS").flatMap { Int($0) } ?? 211
        // What the write-ahead log has in use: all but the room that no record takes.
        let layout = CrashHistory.settings.layout
        for name in disk.fileNames {
            var count = try #require(disk.content(name)).count
            if name.hasPrefix("wal/") {
                let scan = try WriteAheadLog.recover(disk, layout, leafHash: { MerkleTree.leafHash($0) })
                count = try scan.log.usedByteCount(name)
            }
            // A run whose end is damaged counts for nothing, as one that a crash interrupted.
            if name.hasPrefix("index/") { count = count / IndexTable.pageByteCount * IndexTable.pageByteCount }
            for place in stride(from: 0, to: count, by: step) {
                let bit = UInt8(1 << (place % 8))
                disk.damage(name) { $0[place] ^= bit }
                let report = try Self.check(disk)
                #expect(!report.findings.isEmpty, "\(name) at \(place)")
                disk.damage(name) { $0[place] ^= bit }
            }
            await Task.yield()
        }
        #expect(try Self.check(disk).findings == [])
    }

    @Test("a damaged bundle is not read, and the scrub of a working log finds it")
    func scrub() async throws {
        var site = try LogSite()
        site.settings.layout.packBundleCount = 2
        var log = try await site.open()
        _ = try await log.add((0..<1600).map { NewEntry(leaf: LogSite.leaf($0)) })
        try await log.settle()
        #expect(try await log.scrub().findings == [])
        #expect(try await log.scrub().entryCount == 1536)
        let name = site.directory["log/packs/000001"]
        var bytes = try Files.read(name, limit: 1 << 22)
        bytes[300] ^= 1
        // In place, for the log has the file open.
        try #require(try RandomAccessFile.open(name)).write(bytes, at: 0)
        #expect(try await log.scrub().findings.map(\.file) == ["packs/000001"])
        let error = await #expect(throws: TileLogError.self) { try await log.entry(at: 512) }
        #expect(error?.code == .damaged)
        #expect(try await log.entry(at: 0).bytes == LogSite.leaf(0))
        await log.close()
        #expect(try await TransparencyLog.check(site.directory["log"]).findings.map(\.file) == ["packs/000001"])
        // The write-ahead log still has the entries, so the next start writes the pack again.
        log = try await site.open()
        try await log.settle()
        #expect(try await log.entry(at: 512).bytes == LogSite.leaf(512))
        await log.close()
        #expect(try await TransparencyLog.check(site.directory["log"], keys: [site.signer.key]).findings == [])
    }

    @Test("an index that is damaged, absent or another log's is made anew")
    func index() async throws {
        let site = try LogSite()
        var log = try await site.open()
        _ = try await log.add((0..<400).map { NewEntry(leaf: LogSite.leaf($0), keys: [SearchKey("k")]) })
        await log.close()
        let path = site.directory["log/index/000000000000-000000000400"]
        for damage in ["absent", "no index", "half", "of another place", "of an older martlet"] {
            let bytes = try Files.read(path, limit: 1 << 24)
            try Files.remove(path)
            switch damage {
            case "no index": try Files.write([UInt8](repeating: 7, count: 9000), to: path)
            case "half": try Files.write(Array(bytes.suffix(4096)), to: path)
            case "of another place": try Files.write(bytes, to: site.directory["log/index/000000000400-000000000800"])
            case "of an older martlet": try Files.write([1], to: site.directory["log/index.sqlite"])
            default: break
            }
            log = try await site.open()
            #expect(try await log.index(ofLeafHash: MerkleTree.leafHash(LogSite.leaf(17))) == 17, "\(damage)")
            #expect(try await log.search(SearchKey("k")).count == 400, "\(damage)")
            #expect(try await log.add([NewEntry(leaf: LogSite.leaf(300))])[0].isDuplicate, "\(damage)")
            await log.close()
            #expect(try Files.list(site.directory["log/index"]) == ["000000000000-000000000400"], "\(damage)")
            #expect(try !Files.exists(site.directory["log/index.sqlite"]), "\(damage)")
        }
    }
}
