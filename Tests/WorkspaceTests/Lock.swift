import Synchronization

/// A list behind a mutex.
final class Lock: Sendable {
    private let values = Mutex<[String]>([])

    func read() -> [String] { values.withLock { $0 } }

    func append(_ more: [String]) { values.withLock { $0 += more } }
}
