import Bytes
import Glibc
import Host
import Ledger
import SystemPackage
import TileLog

/// Figures of the log alone, without HTTP. Nothing here is a test.
///
/// `fill` adds, and is killed while it adds; `run` has a child do so, and looks at what is left.
struct Measurement {
    let directory: FilePath

    private func open() async throws -> TransparencyLog {
        try await DriverSite(directory).open(LogSettings())
    }

    /// 400 bytes that don't compress, so that rates are not flattered.
    static func leaf(_ number: UInt64) -> [UInt8] { noise(number, words: 50) }

    private static func noise(_ number: UInt64, words: Int) -> [UInt8] {
        var state = number
        return [UInt8](
            bigEndian: (0..<words).map { _ in
                state &+= 0x9E37_79B9_7F4A_7C15
                var value = state &* 0xBF58_476D_1CE4_E5B9
                value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
                return value ^ value >> 31
            })
    }

    static func memory(of process: String = "self", _ field: String = "VmRSS") throws -> Int {
        let text = try Files.readText(FilePath("/proc/\(process)/status"), limit: 1 << 16)
        let line = text.split(separator: "\n").first { $0.hasPrefix(field) }
        return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
    }

    static func percentile(_ times: [Int64], _ share: Double) -> Int64 {
        let sorted = times.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    static func milliseconds(_ nanoseconds: Int64) -> String {
        let hundredths = nanoseconds / 10_000
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) ms"
    }

    // MARK: Adding

    /// Adds by one client, by many and in batches, and prints the figures as JSON in the last line. It then goes on to add
    /// until it kills itself.
    func fill(entries: Int) async throws {
        let log = try await open()
        var figures: JSONObject = [:]
        try await oneClient(log, &figures)
        try await manyClients(log, clients: 1024, rounds: 40)
        try await batches(log, upTo: entries, &figures)
        figures["memory"] = .integer(try Self.memory("VmHWM") * 1024)
        figures["entries"] = .integer(log.size)
        print(String(decoding: JSON.object(figures).bytes(), as: UTF8.self))
        fflush(nil)
        let before = log.size
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0... { _ = try await log.add([NewEntry(leaf: Array("the last \(number)".utf8))]) }
            }
            group.addTask {
                while log.size < before + 1000 { try await Task.sleep(for: .milliseconds(1)) }
                kill(getpid(), SIGKILL)
            }
            try await group.waitForAll()
        }
    }

    private func oneClient(_ log: TransparencyLog, _ figures: inout JSONObject) async throws {
        var times: [Int64] = []
        for number in 0..<2000 {
            let leaf = Self.leaf(UInt64(1_000_000_000_000 + number))
            let start = Clocks.monotonicNanoseconds()
            _ = try await log.add([NewEntry(leaf: leaf)])
            times.append(Clocks.monotonicNanoseconds() - start)
        }
        figures["p50"] = .string(Self.milliseconds(Self.percentile(times, 0.5)))
        figures["p99"] = .string(Self.milliseconds(Self.percentile(times, 0.99)))
        print(
            "1 client: p50 \(Self.milliseconds(Self.percentile(times, 0.5))), p99 \(Self.milliseconds(Self.percentile(times, 0.99)))"
        )
    }

    private func manyClients(_ log: TransparencyLog, clients: Int, rounds: Int) async throws {
        let leaves = (0..<(clients * rounds)).map { Self.leaf(UInt64(2_000_000_000_000 + $0)) }
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
            "\(clients) clients: \(Int64(times.count) * 1_000_000_000 / max(wall, 1)) entries/s, p50 \(Self.milliseconds(Self.percentile(times, 0.5))), p99 \(Self.milliseconds(Self.percentile(times, 0.99))), \(used / Int64(times.count)) ns of processor an entry, RSS \(try Self.memory()) KiB"
        )
    }

    /// Two clients, each with 2,000 entries a call, so that one makes its entries while the log commits the other's.
    private func batches(_ log: TransparencyLog, upTo total: Int, _ figures: inout JSONObject) async throws {
        let (size, clients) = (2000, 2)
        let calls = max(1, (total - Int(log.size)) / size / clients)
        let (start, processor) = (Clocks.monotonicNanoseconds(), Clocks.processorNanoseconds())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    for call in 0..<calls {
                        let first = (call * clients + client) * size
                        _ = try await log.place((0..<size).map { NewEntry(leaf: Self.leaf(UInt64(first + $0))) })
                        guard client == 0, call % 250 == 249 else { continue }
                        let wall = max(1, Clocks.monotonicNanoseconds() - start)
                        print(
                            "batches of \(size): \(log.size) entries, \(Int64(log.size) * 1_000_000_000 / wall)/s, RSS \(try Self.memory()) KiB"
                        )
                    }
                }
            }
            try await group.waitForAll()
        }
        let wall = max(1, Clocks.monotonicNanoseconds() - start)
        let count = Int64(calls * clients * size)
        figures["rate"] = .integer(count * 1_000_000_000 / wall)
        figures["cpu"] = .integer((Clocks.processorNanoseconds() - processor) / count)
    }

    // MARK: What is left

    func run(entries: Int) async throws {
        guard let program = ToolPath.resolve("/proc/self/exe")?.string else { return }
        let child = try await ChildProcess.run(
            [program, "fill-batches", directory.string, "\(entries)"], outputLimit: 16 << 20, timeLimit: .seconds(3600))
        let text = String(decoding: child.output, as: UTF8.self)
        let lines = text.split(separator: "\n")
        for line in lines.dropLast() { print(line) }
        guard let last = lines.last, var figures = try? JSON(parsing: Array(last.utf8)).objectValue else {
            print("the child said: \(text) \(child.errorText)")
            exit(1)
        }
        var start = Clocks.monotonicNanoseconds()
        var log = try await open()
        let killed = Clocks.monotonicNanoseconds() - start
        print("start of a killed log of \(log.size): \(Self.milliseconds(killed)), RSS \(try Self.memory()) KiB")
        figures["start"] = .string(Self.milliseconds(killed))
        start = Clocks.monotonicNanoseconds()
        for number in 0..<2000 { _ = try await log.inclusionProof(of: UInt64(number) &* 7919 % log.size) }
        print("2,000 inclusion proofs at random: \(Self.milliseconds(Clocks.monotonicNanoseconds() - start))")
        await log.close()
        start = Clocks.monotonicNanoseconds()
        log = try await open()
        print("start of a closed log: \(Self.milliseconds(Clocks.monotonicNanoseconds() - start))")
        let count = Int(log.size)
        await log.close()
        let place = directory.appending("log")
        let (files, index) = (try Self.size(of: place).files, try Self.size(of: place.appending("index")).bytes)
        figures["files"] = .integer(files)
        figures["index"] = .string("\(index * 10 / count / 10).\(index * 10 / count % 10)")
        start = Clocks.monotonicNanoseconds()
        let report = try await TransparencyLog.check(place, keys: [DriverSite(directory).signer().key])
        print(
            "check of \(report.entryCount) entries: \(Self.milliseconds(Clocks.monotonicNanoseconds() - start)), \(report.findings.count) findings"
        )
        figures["disk"] = .string(try await disk())
        print(String(decoding: JSON.object(figures).bytes(), as: UTF8.self))
    }

    /// The bytes that 200,000 entries take on the disk, of those that they have.
    private func disk() async throws -> String {
        let site = DriverSite(directory.appending("rekords"))
        let log = try await site.open(LogSettings())
        var raw = 0
        for call in 0..<100 {
            let bodies = (0..<2000).map { Self.rekord(UInt64(call * 2000 + $0)) }
            raw += bodies.reduce(0) { $0 + $1.count }
            _ = try await log.place(bodies.map { NewEntry(leaf: $0) })
        }
        await log.close()
        // The write-ahead log has the same size in every log.
        let place = site.directory.appending("log")
        let bytes = try Self.size(of: place).bytes - Self.size(of: place.appending("wal")).bytes
        print("hashedrekord entries of \(raw / 200_000) bytes: \(bytes / 200_000) bytes each on the disk")
        let hundredths = bytes * 100 / raw
        return "0.\(hundredths / 10)\(hundredths % 10)"
    }

    /// An entry like those of Rekor v2 for a signature with a certificate: what differs from one to the next in the digest,
    /// signature and certificate (serial, key, identifiers, timestamp, signatures) is noise, the rest is the same.
    private static func rekord(_ number: UInt64) -> [UInt8] {
        let noise = noise(number, words: 52)
        let fixed = (0..<460).map { (place: Int) -> UInt8 in UInt8(truncatingIfNeeded: place &* 151 ^ place >> 3) }
        var certificate: [UInt8] = []
        for (same, different) in [(0..<20, 0..<20), (20..<150, 20..<84), (150..<300, 84..<183), (300..<460, 183..<286)]
        {
            certificate += fixed[same]
            certificate += noise[different]
        }
        let (digest, signature) = (Base64.encode(Array(noise[286..<318])), Base64.encode(Array(noise[318..<389])))
        return Array(
            #"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"\#(digest)"},"signature":{"content":"\#(signature)","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","x509Certificate":{"rawBytes":"\#(Base64.encode(certificate))"}}}}}}"#
                .utf8)
    }

    /// Files and bytes below a directory.
    private static func size(of directory: FilePath) throws -> (files: Int, bytes: Int) {
        var (files, bytes) = (0, 0)
        for name in try Files.list(directory) {
            let path = directory.appending(name)
            let status = try Files.status(path)
            if status?.kind == .directory {
                let below = try size(of: path)
                files += below.files
                bytes += below.bytes
            } else {
                files += 1
                bytes += status?.size ?? 0
            }
        }
        return (files, bytes)
    }
}
