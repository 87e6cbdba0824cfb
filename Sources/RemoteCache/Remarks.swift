internal import Build
internal import Synchronization
internal import Workspace

/// What is to be said about a remote cache, and whether asking it is still worth while.
final class Remarks: Sendable {
    private struct State {
        var waiting: [SharedRemark] = []
        var failures = 0
        var isDown = false
    }

    /// Guards all of it. Nothing else is locked while it is held.
    private let state = Mutex(State())
    /// So many times in a row nobody answers before nothing more is asked.
    private static let patience = 3

    /// Whether the cache no longer answers.
    var isDown: Bool { state.withLock { $0.isDown } }

    /// Notes that the cache answered.
    func answered() { state.withLock { $0.failures = 0 } }

    /// Notes a failure: says it, and gives up on a cache that does not answer again and again.
    func failed(_ package: PackageName?, _ what: String, _ error: any Error, at place: String) {
        let isSilent = (error as? RemoteCacheError)?.code == .unreachable
        state.withLock { state in
            guard !state.isDown else { return }
            state.failures = isSilent ? state.failures + 1 : 0
            state.isDown = state.failures >= Self.patience
            state.waiting.append(SharedRemark(package: package, message: "remote cache: \(what): \(error)"))
            if state.isDown {
                state.waiting.append(
                    SharedRemark(message: "remote cache: \(place) does not answer; it is asked nothing more"))
            }
        }
    }

    /// Takes what was not said yet.
    func take() -> [SharedRemark] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
