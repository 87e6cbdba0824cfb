internal import Dispatch
internal import Synchronization

/// Where the calls of one module are made: one after the other, on a thread that Swift's tasks don't need, so that a
/// module that waits for its device holds nobody else up, and one that hangs is given up.
final class PKCS11Lane: Sendable {
    private let queue = DispatchQueue(label: "martlet.pkcs11")
    private let timeLimit: Duration
    /// Set when a call was given up; its thread may never come back.
    private let isStuck = Atomic<Bool>(false)

    init(timeLimit: Duration) {
        self.timeLimit = timeLimit
    }

    /// What `body` gives or throws; `.unavailable` when it takes longer than the limit.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(KeyError) -> Value
    ) async throws(KeyError) -> Value {
        guard !isStuck.load(ordering: .relaxed) else { throw stuck }
        let answer = Answer<Value>()
        let result = await withCheckedContinuation { continuation in
            answer.wait(continuation)
            queue.async {
                let result: Result<Value, KeyError>
                do throws(KeyError) {
                    result = .success(try body())
                } catch {
                    result = .failure(error)
                }
                answer.give(result)
            }
            let (seconds, attoseconds) = timeLimit.components
            let wait = DispatchTimeInterval.milliseconds(Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
            DispatchQueue.global().asyncAfter(deadline: .now() + wait) { [self] in
                if answer.give(.failure(stuck)) { isStuck.store(true, ordering: .relaxed) }
            }
        }
        return try result.get()
    }

    private var stuck: KeyError {
        KeyError(
            .unavailable,
            "the PKCS #11 module did not answer within \(timeLimit); look at the device, and whether it waits for a touch"
        )
    }

    /// The first of several answers to whoever waits. The lock guards the continuation only.
    private final class Answer<Value: Sendable>: Sendable {
        private let waiting = Mutex<CheckedContinuation<Result<Value, KeyError>, Never>?>(nil)

        func wait(_ continuation: CheckedContinuation<Result<Value, KeyError>, Never>) {
            waiting.withLock { $0 = continuation }
        }

        @discardableResult
        func give(_ result: Result<Value, KeyError>) -> Bool {
            let continuation = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }
            continuation?.resume(returning: result)
            return continuation != nil
        }
    }
}
