import Bytes
import Glibc
import Host
import Ledger
import Synchronization
import TileLog

/// What clients were told.
private final class Account: Sendable {
    /// The place that each entry was first said to have, and how often another was said. Guards itself alone.
    private let places = Mutex<(known: [Int: UInt64], wrong: Int)>(([:], 0))

    var wrong: Int { places.withLock { $0.wrong } }

    func note(_ number: Int, at index: UInt64) {
        places.withLock { places in
            if let known = places.known[number] {
                if known != index { places.wrong += 1 }
            } else {
                places.known[number] = index
            }
        }
    }
}

extension DriverSite {
    /// Clients that all add the same entries in the same order, so that most of what the log gets it has already or gets
    /// at the same moment. Run it, kill it, run it again: exit status 1 when an entry ever has two places.
    func retries(count: Int) async throws {
        let log = try await open()
        let clients = 64
        let different = max(1, count / clients)
        let account = Account()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<clients {
                group.addTask {
                    for number in 0..<different {
                        let index = try await log.place([NewEntry(leaf: Self.retried(number))]).indexes[0]
                        account.note(number, at: index)
                    }
                }
            }
            try await group.waitForAll()
        }
        try await log.settle()
        // The log itself, whatever was said.
        var seen: Set<[UInt8]> = []
        let size = log.size
        for bundle in 0..<((size + 255) / 256) {
            for entry in try await log.entries(bundle: bundle, width: min(256, Int(size - bundle * 256))) {
                seen.insert(entry)
            }
        }
        await log.close()
        let duplicates = Int(size) - seen.count + account.wrong
        print("\(different * clients) retries of \(different) entries, the log has \(size): \(duplicates) duplicates")
        exit(duplicates == 0 && Int(size) == different ? 0 : 1)
    }

    private static func retried(_ number: Int) -> [UInt8] { Array("retried \(number)".utf8) }
}
