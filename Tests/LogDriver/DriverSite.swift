import Bytes
import Glibc
import Host
import Keys
import Ledger
import SystemPackage
import TileLog

/// The log that a driver works on. Its key is in a file beside it, since checkpoints of all runs must be by one.
struct DriverSite {
    static let origin = "driver.example/log"
    let directory: FilePath

    init(_ directory: FilePath) { self.directory = directory }

    func signer() throws -> NoteSigner {
        let path = directory.appending("key")
        try Files.createDirectories(directory)
        if try !Files.exists(path) {
            try Files.write(try PrivateKey.generate(.ed25519).pkcs8.bytes, to: path, mode: 0o600, durable: true)
        }
        let key = try PrivateKey(pkcs8: Files.read(path, limit: 1 << 16))
        return .log(name: Self.origin, signer: PrivateKeySigner(key))
    }

    func open(_ settings: LogSettings? = nil) async throws -> TransparencyLog {
        var small = LogSettings()
        small.layout.segmentByteCount = 1 << 20
        small.layout.segmentCount = 3
        small.layout.packBundleCount = 4
        small.indexBatchCount = 500
        small.reservedByteCount = 256 << 10
        return try await TransparencyLog.open(
            directory.appending("log"), origin: Self.origin, signers: [signer()], settings: settings ?? small)
    }

    /// A line for each acknowledged entry, whole or not at all: `INDEX TEXT SIZE ROOT`.
    private static func say(_ entries: [(AddedEntry, String)]) {
        let text = entries.map { added, leaf in
            "\(added.index) \(leaf) \(added.checkpoint.checkpoint.size) \(added.checkpoint.checkpoint.root.hex)\n"
        }.joined()
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
    }

    /// A line that is out before the next thing happens.
    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
    }

    /// Four clients that add one entry or many, some twice, until somebody kills them.
    func add() async throws {
        let log = try await open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<4 {
                group.addTask {
                    let run = "\(Clocks.nowNanoseconds())"
                    for round in 0... {
                        let count = [1, 1, 2, 40, 300][(round + client) % 5]
                        let leaves = (0..<count).map { "\(run).\(client).\(round % 50).\($0)" }
                        let added = try await log.add(leaves.map { NewEntry(leaf: Array($0.utf8)) })
                        for (entry, leaf) in zip(added, leaves) {
                            try MerkleProof.verifyInclusion(
                                of: MerkleTree.leafHash(Array(leaf.utf8)), at: entry.index,
                                inTreeOf: entry.checkpoint.checkpoint.size, root: entry.checkpoint.checkpoint.root,
                                path: entry.inclusionProof)
                        }
                        Self.say(Array(zip(added, leaves)))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Looks for every entry and every checkpoint that standard input names. Exit status 1 when one is wrong.
    func audit() async throws {
        let log = try await open()
        var wrong = 0
        var (entries, roots) = (0, Set<String>())
        while let line = readLine() {
            let words = line.split(separator: " ")
            guard words.count == 4, let index = UInt64(words[0]), let size = UInt64(words[2]) else { continue }
            entries += 1
            let bytes = Array(words[1].utf8)
            let stored = try? await log.entry(at: index)
            let found = try await log.index(ofLeafHash: MerkleTree.leafHash(bytes))
            if stored?.bytes != bytes || found != index {
                print(
                    "WRONG entry \(line): \(stored.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "gone"), index \(found.map { "\($0)" } ?? "none")"
                )
                wrong += 1
            }
            guard roots.insert("\(size) \(words[3])").inserted else { continue }
            if try await log.root(size: size).hex != words[3] {
                print("WRONG fork at \(size)")
                wrong += 1
            }
        }
        await log.close()
        let report = try await TransparencyLog.check(directory.appending("log"), keys: [signer().key])
        for finding in report.findings { print("WRONG \(finding.file): \(finding.message)") }
        wrong += report.findings.count
        print(
            "audited \(entries) entries, \(roots.count) checkpoints, the log has \(report.entryCount); \(wrong) wrong")
        exit(wrong == 0 ? 0 : 1)
    }

    /// Adds 400 bytes again and again; says when the disk is full and when it has room again, and ends then.
    func fill() async throws {
        let log = try await open()
        let run = Clocks.nowNanoseconds()
        var (number, refused, wasFull) = (0, 0, false)
        while number < 200_000 {
            let seed = "\(run).\(number)"
            let leaf = seed + (0..<6).map { Digest.of("\(seed) \($0)").hex }.joined()
            number += 1
            do {
                let added = try await log.add([NewEntry(leaf: Array(leaf.utf8))])
                Self.say([(added[0], leaf)])
                if wasFull {
                    Self.say("RESUMED at \(log.size) after \(refused) refusals")
                    break
                }
            } catch let error as TileLogError where error.code == .full || error.code == .busy {
                refused += 1
                if !wasFull { Self.say("FULL at \(log.size): \(error)") }
                wasFull = true
                // Reads go on.
                _ = try await log.entry(at: 0)
                _ = try await log.inclusionProof(of: log.size / 2)
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        await log.close()
        let report = try await TransparencyLog.check(directory.appending("log"), keys: [signer().key])
        Self.say(
            "CHECKED \(report.entryCount) entries, \(report.findings.count) findings \(report.findings.map(\.message))")
    }
}
