internal import Bytes
internal import Ledger
internal import Synchronization
package import TileLog

/// A history of a log on a simulated disk that is crashed again and again; after each crash every entry that was
/// acknowledged must be there, under a tree that begins with every tree that was signed.
package final class CrashHistory: Sendable {
    /// What a history promised and how it went.
    package struct Account: Sendable {
        /// The crashes that were tried, and the entries that were looked for after them.
        package var crashes = 0
        package var auditedEntries = 0
        /// What was wrong, with what repeats it.
        package var failures: [String] = []
        /// The acknowledged entries by index.
        var entries: [[UInt8]] = []
        /// The newest checkpoint that anybody saw.
        var checkpoint: Checkpoint?
    }

    package static let origin = "sim"
    /// Guards the account alone.
    private let guarded = Mutex(Account())
    private let name: String

    package var account: Account { guarded.withLock { $0 } }

    /// `name` says in failures what repeats the history.
    package init(name: String) { self.name = name }

    /// Small files, so that a short history goes through all of them.
    package static var settings: LogSettings {
        var settings = LogSettings()
        settings.layout.blockByteCount = SimulatedDisk.sectorByteCount
        settings.layout.segmentByteCount = 32 << 10
        settings.layout.segmentCount = 6
        settings.layout.packBundleCount = 2
        settings.indexBatchCount = 64
        settings.indexMergeCount = 100
        settings.greatestBacklog = 2048
        settings.reservedByteCount = 0
        return settings
    }

    /// Opens the log on `disk`. Its note is short and says the text only: this is about disks, not about keys.
    package static func open(_ disk: SimulatedDisk) throws -> SteppedLog {
        try SteppedLog(disk, origin: origin, settings: settings) { checkpoint in
            Note(
                text: checkpoint.text,
                signatures: [
                    Note.Signature(name: "sim", keyID: [1, 2, 3, 4], signature: [UInt8](repeating: 7, count: 8))
                ]
            ).description
        }
    }

    /// Remembers what a log has said.
    package func acknowledge(_ log: SteppedLog, entries: [(index: UInt64, bytes: [UInt8])]) {
        let checkpoint = log.checkpoint.checkpoint
        guarded.withLock { account in
            for entry in entries {
                if entry.index == UInt64(account.entries.count) {
                    account.entries.append(entry.bytes)
                } else if entry.index > UInt64(account.entries.count)
                    || account.entries[Int(entry.index)] != entry.bytes
                {
                    account.failures.append(
                        "\(name): an entry was acknowledged at index \(entry.index), which is not its")
                }
            }
            account.checkpoint = checkpoint
        }
    }

    /// Entries that a crash kept although nobody was told: from now on the log has them.
    package func adopt(_ log: SteppedLog) throws {
        let size = log.checkpoint.checkpoint.size
        let known = UInt64(account.entries.count)
        guard size > known else { return }
        acknowledge(log, entries: try (known..<size).map { ($0, try log.entry($0).bytes) })
    }

    /// Lets the power fail on `disk`, and looks at what is left.
    package func crash(_ disk: SimulatedDisk, _ choices: some Choices, note: String) {
        let crashed = disk.crashed(choices)
        let account = account
        guarded.withLock { $0.crashes += 1 }
        do {
            let log = try Self.open(crashed)
            try audit(log, account)
            // A crash that is survived must be survivable again, with more entries on top.
            if account.crashes % 16 == 0 {
                let more = Array("after the crash".utf8)
                let place = try log.add([NewEntry(leaf: more)])
                guard place[0] >= UInt64(account.entries.count) else {
                    throw Wrong("a new entry got the index \(place[0])")
                }
                try log.keep(isForced: true)
                let again = try Self.open(crashed.crashed(choices))
                try audit(again, account)
                guard try again.entry(place[0]).bytes == more else { throw Wrong("an entry after the crash is gone") }
            }
        } catch {
            guarded.withLock { $0.failures.append("\(name), \(note): \(error)") }
        }
    }

    struct Wrong: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// Looks for everything that was acknowledged.
    package func audit(_ log: SteppedLog) throws { try audit(log, account) }

    private func audit(_ log: SteppedLog, _ account: Account) throws {
        guard let known = account.checkpoint else { return }
        guard log.checkpoint.checkpoint.size >= known.size else {
            throw Wrong("the log has \(log.checkpoint.checkpoint.size) entries, and \(known.size) were acknowledged")
        }
        guard try log.root(size: known.size) == known.root else { throw Wrong("the log has forked at \(known.size)") }
        var edge = TreeEdge()
        // What is older than the last bundles was on the disk before the history's last steps; it is looked at less often.
        let first = account.crashes % 4 == 0 ? 0 : max(0, account.entries.count / 256 - 2) * 256
        for start in stride(from: first, to: account.entries.count, by: 256) {
            let end = min(start + 256, account.entries.count)
            let entries = try log.entries(bundle: UInt64(start / 256), width: end - start)
            guard entries == Array(account.entries[start..<end]) else {
                throw Wrong("entries of \(start)..<\(end) are gone")
            }
            for entry in entries { _ = edge.append(MerkleTree.leafHash(entry)) }
        }
        guard try first > 0 || edge.tree().root() == known.root else {
            throw Wrong("the entries have another root than was signed")
        }
        // Duplicates are found whatever the index lost.
        for place in Set([0, account.entries.count / 2, account.entries.count - 1])
        where account.entries.indices.contains(place) {
            let found = try log.index(of: MerkleTree.leafHash(account.entries[place]))
            guard found == UInt64(place) else { throw Wrong("entry \(place) is found at \(String(describing: found))") }
        }
        guarded.withLock { $0.auditedEntries += account.entries.count - first }
    }
}

extension CrashHistory {
    /// A history by chance, with crashes tried at `crashes` of its changes or more; `steps` calls of the log.
    package func runByChance(seed: UInt64, steps: Int, crashesPerChange: Int) {
        let chance = SeededChoices(seed: seed)
        let shared = SharedChoices(seed: seed ^ 0xFFFF)
        var disk = SimulatedDisk()
        func watch() {
            disk.observe { disk in
                for _ in 0..<crashesPerChange { self.crash(disk, shared.fork(), note: "while changing") }
            }
        }
        do {
            if chance.choose(3) == 0 { watch() }
            var log = try Self.open(disk)
            acknowledge(log, entries: [])
            var number = 0
            func add(_ count: Int) throws {
                var leaves: [[UInt8]] = []
                for _ in 0..<count {
                    let isOld = number > 0 && chance.choose(12) == 0
                    let which = isOld ? chance.choose(number) : number
                    if !isOld { number += 1 }
                    leaves.append(Array("\(seed) \(which) ".utf8) + [UInt8](repeating: 9, count: which * 7 % 120))
                }
                let places = try log.add(leaves.map { NewEntry(leaf: $0, keys: [SearchKey("k")]) })
                acknowledge(log, entries: Array(zip(places, leaves)))
            }
            // Many histories begin where the write-ahead log has gone round.
            for _ in 0..<[0, 30, 60, 70][chance.choose(4)] {
                try add(20)
                if chance.choose(4) == 0 { try log.keep(isForced: chance.choose(3) == 0) }
            }
            watch()
            for _ in 0..<steps {
                switch chance.choose(100) {
                case 0..<62: try add([1, 1, 1, 1, 2, 5, 20, 20][chance.choose(8)])
                case 62..<92: try log.keep(isForced: chance.choose(3) == 0)
                case 92..<96:
                    // The process ends, and the next one goes on.
                    disk.observe(nil)
                    disk = disk.restarted()
                    watch()
                    log = try Self.open(disk)
                    try adopt(log)
                default:
                    disk.observe(nil)
                    disk = disk.crashed(chance)
                    watch()
                    log = try Self.open(disk)
                    try adopt(log)
                }
            }
        } catch {
            guarded.withLock { $0.failures.append("\(name): \(error)") }
        }
        disk.observe(nil)
    }

    /// Makes seeds for crashes while a history goes on.
    private final class SharedChoices: Sendable {
        private let seed: Mutex<UInt64>

        init(seed: UInt64) { self.seed = Mutex(seed) }

        func fork() -> SeededChoices {
            seed.withLock { seed in
                seed &+= 0x1234_5678_9ABC_DEF1
                return SeededChoices(seed: seed)
            }
        }
    }

    /// A short history in which every change is crashed in every way that the disk knows.
    package func runExhaustively(greatestCrashesPerChange: Int) {
        let disk = SimulatedDisk()
        disk.observe { disk in
            let choices = ExhaustiveChoices()
            var count = 0
            repeat {
                self.crash(disk, choices, note: "in way \(count)")
                count += 1
            } while count < greatestCrashesPerChange && choices.next()
        }
        do {
            let log = try Self.open(disk)
            acknowledge(log, entries: [])
            var number = 0
            func add(_ count: Int) throws {
                let leaves = (number..<(number + count)).map { Array("\($0)".utf8) }
                number += count
                acknowledge(log, entries: Array(zip(try log.add(leaves.map { NewEntry(leaf: $0) }), leaves)))
            }
            for count in [1, 1, 3, 40, 40, 40, 40, 40, 40, 20] { try add(count) }
            try log.keep(isForced: true)
            for _ in 0..<7 { try add(40) }
            try log.keep(isForced: false)
            try log.keep(isForced: true)
            try add(1)
        } catch {
            guarded.withLock { $0.failures.append("\(name): \(error)") }
        }
        disk.observe(nil)
    }
}
