import Host
import Reports
import Synchronization

/// A terminal of a given size that records what is written to it.
final class FakeScreen: Screen {
    private struct State {
        var columns: Int
        var rows: Int
        var attempts = 0
    }

    private let state: Mutex<State>
    private let isBroken: Bool
    let written = Written()

    init(columns: Int, rows: Int, isBroken: Bool = false) {
        state = Mutex(State(columns: columns, rows: rows))
        self.isBroken = isBroken
    }

    var size: (columns: Int, rows: Int)? { state.withLock { ($0.columns, $0.rows) } }
    var attempts: Int { state.withLock { $0.attempts } }

    func resize(columns: Int, rows: Int) {
        state.withLock {
            $0.columns = columns
            $0.rows = rows
        }
    }

    func write(_ text: String) throws(HostError) {
        state.withLock { $0.attempts += 1 }
        if isBroken { throw HostError(.system, "gone") }
        written.append(text)
    }
}
