internal import Dispatch

/// The executor of an actor whose methods block: it runs them one after the other, on threads that Swift's other tasks
/// don't need.
package final class BlockingLane: SerialExecutor {
    private let queue: DispatchQueue

    /// `name` shows in debuggers.
    package init(name: String) { queue = DispatchQueue(label: name) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }
}
