import Bytes
import Host
import Ledger
import LogFaults
import TestKit
import Testing
import TileLog

/// Losses of power on a simulated disk. `MARTLET_CRASH_POINTS=1000000` tries as many; `LogDriver simulate 1000000` does
/// so in a release build.
@Suite struct CrashTests {
    @Test("no loss of power costs an acknowledged entry or forks the log: chance")
    func chance() async {
        let wanted = ChildProcess.environmentVariable("MARTLET_CRASH_POINTS").flatMap { Int($0) } ?? 120
        var crashes = 0
        var seed: UInt64 = 1
        while crashes < wanted {
            let history = CrashHistory(name: "seed \(seed)")
            history.runByChance(seed: seed, steps: wanted > 1000 ? 100 : 25, crashesPerChange: 1)
            #expect(history.account.failures.isEmpty, "\(history.account.failures.prefix(3))")
            crashes += history.account.crashes
            seed += 1
            await Task.yield()
        }
    }

    @Test("no loss of power costs an acknowledged entry or forks the log: every way of a short history")
    func exhaustive() async {
        let limit = ChildProcess.environmentVariable("MARTLET_CRASH_POINTS") == nil ? 4 : 4096
        let history = CrashHistory(name: "the short history")
        history.runExhaustively(greatestCrashesPerChange: limit)
        #expect(history.account.failures.isEmpty, "\(history.account.failures.prefix(3))")
        #expect(history.account.crashes > 40)
    }

    @Test("a failed sync stops the log, and neither a restart nor a crash then costs an entry", arguments: 0..<14)
    func failedSync(place: Int) async throws {
        let history = CrashHistory(name: "sync \(place)")
        let disk = SimulatedDisk()
        let log = try CrashHistory.open(disk)
        history.acknowledge(log, entries: [])
        disk.failSync(after: place)
        var number = 0
        var failure: TileLogError?
        while failure == nil, number < 1000 {
            let leaves = (number..<(number + 40)).map { Array("\($0)".utf8) }
            number += 40
            do {
                history.acknowledge(log, entries: Array(zip(try log.add(leaves.map { NewEntry(leaf: $0) }), leaves)))
                try log.keep(isForced: true)
            } catch let error as TileLogError {
                failure = error
            }
        }
        #expect(failure?.code == .stopped)
        #expect(throws: TileLogError.self) { try log.add([NewEntry(leaf: [1])]) }
        for seed in 0..<8 {
            history.crash(disk, SeededChoices(seed: UInt64(seed)), note: "after a failed sync")
        }
        let again = try CrashHistory.open(disk.restarted())
        try history.audit(again)
        let more = try again.add([NewEntry(leaf: [1])])
        history.acknowledge(again, entries: [(more[0], [1])])
        #expect(history.account.failures.isEmpty, "\(history.account.failures.prefix(3))")
    }

    @Test("a full disk is refused before anything is half written, and the log goes on when there is room")
    func fullDisk() async throws {
        let history = CrashHistory(name: "full")
        let disk = SimulatedDisk()
        let log = try CrashHistory.open(disk)
        history.acknowledge(log, entries: [])
        let layout = CrashHistory.settings.layout
        let files = layout.segmentCount * layout.segmentByteCount
        disk.limit(to: files + 25_000)
        var number = 0
        func add() throws {
            let leaves = (number..<(number + 40)).map { Array("\($0)".utf8) }
            let places = try log.add(leaves.map { NewEntry(leaf: $0) })
            number += 40
            history.acknowledge(log, entries: Array(zip(places, leaves)))
        }
        var refusals = 0
        for _ in 0..<200 {
            do { try add() } catch let error as TileLogError {
                #expect(error.code == .full || error.code == .busy)
                refusals += 1
            }
            do { try log.keep(isForced: true) } catch let error as TileLogError { #expect(error.code == .full) }
        }
        #expect(refusals > 0)
        try history.audit(log)
        history.crash(disk, SeededChoices(seed: 1), note: "while full")
        // Nothing but the log's own files, and none of them longer than it says.
        #expect(
            disk.fileNames.allSatisfy {
                $0.hasPrefix("wal/") || $0.hasPrefix("packs/") || $0.hasPrefix("index/") || $0 == "log"
            })
        disk.limit(to: .max)
        let before = number
        for _ in 0..<20 { try add() }
        #expect(number == before + 800)
        try log.keep(isForced: true)
        try history.audit(log)
        #expect(history.account.failures.isEmpty, "\(history.account.failures.prefix(3))")
    }
}
