import Bytes
import Host
import Ledger
import SystemPackage
import TileLog

/// Figures of the log alone, without HTTP. Nothing here is a test.
struct Measurement {
    let directory: FilePath

    private func open() async throws -> TransparencyLog {
        try await DriverSite(directory).open(LogSettings())
    }

    /// Bytes that don't compress, so that rates are not flattered.
    private static func leaf(_ number: Int, _ count: Int = 400) -> [UInt8] {
        var state = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15 | 1
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            for shift in stride(from: 0, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: state >> UInt64(shift)))
            }
        }
        return bytes
    }

    private static func memory() throws -> Int {
        let text = try Files.readText("/proc/self/status", limit: 1 << 16)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS") }
        return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
    }

    private static func percentile(_ times: [Int64], _ share: Double) -> String {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return "-" }
        return milliseconds(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
    }

    private static func milliseconds(_ nanoseconds: Int64) -> String {
        let hundredths = nanoseconds / 10_000
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) ms"
    }

    func run(entries: Int) async throws {
        var log = try await open()
        try await oneClient(log)
        try await manyClients(log, clients: 1024, rounds: 40)
        try await batches(log, upTo: entries)
        var start = Clocks.monotonicNanoseconds()
        try await log.settle()
        print("settle: \(Self.milliseconds(Clocks.monotonicNanoseconds() - start)), RSS \(try Self.memory()) KiB")
        start = Clocks.monotonicNanoseconds()
        for number in 0..<2000 {
            _ = try await log.inclusionProof(of: UInt64(number) &* 7919 % log.size)
        }
        print("2,000 inclusion proofs at random: \(Self.milliseconds(Clocks.monotonicNanoseconds() - start))")
        await log.close()
        start = Clocks.monotonicNanoseconds()
        log = try await open()
        print("start of a closed log of \(log.size): \(Self.milliseconds(Clocks.monotonicNanoseconds() - start))")
        await log.close()
        start = Clocks.monotonicNanoseconds()
        let report = try await TransparencyLog.check(
            directory.appending("log"), keys: [DriverSite(directory).signer().key])
        print(
            "check of \(report.entryCount) entries: \(Self.milliseconds(Clocks.monotonicNanoseconds() - start)), \(report.findings.count) findings, RSS \(try Self.memory()) KiB"
        )
    }

    private func oneClient(_ log: TransparencyLog) async throws {
        var times: [Int64] = []
        for number in 0..<2000 {
            let leaf = Self.leaf(1_000_000_000 + number)
            let start = Clocks.monotonicNanoseconds()
            _ = try await log.add([NewEntry(leaf: leaf)])
            times.append(Clocks.monotonicNanoseconds() - start)
        }
        print("1 client: p50 \(Self.percentile(times, 0.5)), p99 \(Self.percentile(times, 0.99))")
    }

    private func manyClients(_ log: TransparencyLog, clients: Int, rounds: Int) async throws {
        let leaves = (0..<(clients * rounds)).map { Self.leaf(2_000_000_000 + $0) }
        let (start, processor) = (Clocks.monotonicNanoseconds(), Clocks.processorNanoseconds())
        let times = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for client in 0..<clients {
                group.addTask {
                    var times: [Int64] = []
                    for round in 0..<rounds {
                        let start = Clocks.monotonicNanoseconds()
                        _ = try await log.add([NewEntry(leaf: leaves[client * rounds + round])])
                        times.append(Clocks.monotonicNanoseconds() - start)
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let (wall, used) = (Clocks.monotonicNanoseconds() - start, Clocks.processorNanoseconds() - processor)
        print(
            "\(clients) clients: \(Int64(times.count) * 1_000_000_000 / max(wall, 1)) entries/s, p50 \(Self.percentile(times, 0.5)), p99 \(Self.percentile(times, 0.99)), \(used / Int64(times.count)) ns of processor an entry, RSS \(try Self.memory()) KiB"
        )
    }

    private func batches(_ log: TransparencyLog, upTo total: Int) async throws {
        var number = 0
        var (wall, used) = (Int64(0), Int64(0))
        let size = 2000
        while log.size < UInt64(total) {
            let leaves = (0..<size).map { Self.leaf(number + $0) }
            let (start, processor) = (Clocks.monotonicNanoseconds(), Clocks.processorNanoseconds())
            _ = try await log.add(leaves.map { NewEntry(leaf: $0) }, proofs: false)
            wall += Clocks.monotonicNanoseconds() - start
            used += Clocks.processorNanoseconds() - processor
            number += size
            if number % 500_000 == 0 {
                print(
                    "batches of \(size): \(number) entries at \(Int64(number) * 1_000_000_000 / max(wall, 1))/s, \(used / Int64(number)) ns of processor an entry, RSS \(try Self.memory()) KiB"
                )
            }
        }
        if number > 0 {
            print(
                "batches of \(size): \(number) entries at \(Int64(number) * 1_000_000_000 / max(wall, 1))/s, \(used / Int64(number)) ns of processor an entry, RSS \(try Self.memory()) KiB"
            )
        }
    }
}
