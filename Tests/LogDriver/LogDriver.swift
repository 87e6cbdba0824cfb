import Bytes
import Glibc
import Host
import Keys
import Ledger
import LogFaults
import SystemPackage
import TileLog

/// A process for tests of logs to kill, and to measure with:
///
///     LogDriver simulate COUNT [SEED]         crashes simulated disks this often
///     LogDriver add DIRECTORY                 adds entries without end and prints each that is acknowledged
///     LogDriver audit DIRECTORY               looks for the entries that standard input names, and checks the log
///     LogDriver retries DIRECTORY COUNT       adds the same entries from many clients at once, and looks for duplicates
///     LogDriver fill DIRECTORY                adds until the disk is full, then until it has room again
///     LogDriver measure DIRECTORY [ENTRIES]   prints latency, rates, memory and the time of a start
///     LogDriver fill-batches DIRECTORY COUNT  the part of that which is killed
///     LogDriver load PORT KIND CLIENTS COUNT [PROCESS]
///         sends add, batch, create, retries or tiles to a server on this machine, prints its figures, and audits what it
///         acknowledged
@main struct LogDriver {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let site = DriverSite(FilePath(arguments.count > 1 ? arguments[1] : "."))
        switch arguments.first {
        case "simulate" where arguments.count >= 2:
            try simulate(count: Int(arguments[1]) ?? 0, seed: arguments.count > 2 ? UInt64(arguments[2]) ?? 1 : 1)
        case "add" where arguments.count == 2: try await site.add()
        case "audit" where arguments.count == 2: try await site.audit()
        case "retries" where arguments.count == 3: try await site.retries(count: Int(arguments[2]) ?? 0)
        case "fill" where arguments.count == 2: try await site.fill()
        case "measure" where arguments.count >= 2:
            try await Measurement(directory: site.directory).run(
                entries: arguments.count > 2 ? Int(arguments[2]) ?? 0 : 100_000)
        case "fill-batches" where arguments.count == 3:
            try await Measurement(directory: site.directory).fill(entries: Int(arguments[2]) ?? 0)
        case "load" where arguments.count >= 5:
            let load = Load(
                port: UInt16(arguments[1]) ?? 0, process: arguments.count > 5 ? Int(arguments[5]) ?? 0 : 0)
            guard
                try load.run(arguments[2], connections: Int(arguments[3]) ?? 1, count: Int(arguments[4]) ?? 1)
            else { exit(1) }
        default:
            print(
                "usage: LogDriver simulate COUNT [SEED] | add DIR | audit DIR | retries DIR COUNT | fill DIR | measure DIR [ENTRIES] | load PORT KIND CLIENTS COUNT [PROCESS]"
            )
        }
    }

    /// Histories of sixty steps until so many crashes were tried.
    static func simulate(count: Int, seed: UInt64) throws {
        let start = Clocks.monotonicNanoseconds()
        var (crashes, entries, failures) = (0, 0, 0)
        var seed = seed
        while crashes < count {
            let history = CrashHistory(name: "seed \(seed)")
            history.runByChance(seed: seed, steps: 60, crashesPerChange: 4)
            let account = history.account
            crashes += account.crashes
            entries += account.auditedEntries
            failures += account.failures.count
            for failure in account.failures.prefix(3) { print(failure) }
            if seed % 50 == 0 { print("\(crashes) crashes, \(entries) entries looked for, \(failures) failures") }
            seed += 1
        }
        let seconds = (Clocks.monotonicNanoseconds() - start) / 1_000_000_000
        print("\(crashes) crashes, \(entries) entries looked for, \(failures) failures, \(seconds) s")
    }
}
