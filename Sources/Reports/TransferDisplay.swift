package import Host
internal import Synchronization

/// Shows on a terminal how much has come or gone, and how fast; says nothing elsewhere.
package final class TransferDisplay: Sendable {
    private struct State {
        var count = 0
        var began: Int64
        var drawn: Int64 = 0
        var width = 0
    }

    /// Drawings are at least this far apart, in nanoseconds.
    private static let pause: Int64 = 100_000_000

    private let screen: Terminal
    private let isShown: Bool
    private let title: String
    /// The bytes that are expected; `nil` where nobody knows.
    private let total: Int?
    /// Guards the figures, and that one line is written at a time.
    private let state: Mutex<State>

    package init(_ title: String, total: Int?, screen: Terminal, isQuiet: Bool) {
        self.title = title
        self.total = total
        self.screen = screen
        isShown = !isQuiet && screen.isTerminal
        state = Mutex(State(began: Clocks.monotonicNanoseconds()))
    }

    /// Counts bytes.
    package func add(_ count: Int) {
        guard isShown else { return }
        state.withLock { state in
            state.count += count
            let now = Clocks.monotonicNanoseconds()
            guard now - state.drawn >= Self.pause else { return }
            state.drawn = now
            draw(&state, now)
        }
    }

    /// Takes the line away.
    package func finish() {
        guard isShown else { return }
        state.withLock { state in
            guard state.width > 0 else { return }
            try? screen.write("\r" + String(repeating: " ", count: state.width) + "\r")
            state.width = 0
        }
    }

    private func draw(_ state: inout State, _ now: Int64) {
        let seconds = max(Double(now - state.began) / 1e9, 0.001)
        let columns = screen.size?.columns ?? 80
        let text = Self.line(
            title, count: state.count, total: total, rate: Double(state.count) / seconds, columns: columns - 1)
        let padding = String(repeating: " ", count: max(0, state.width - text.count))
        try? screen.write("\r\(text)\(padding)")
        state.width = text.count
    }

    /// One line: the title, a bar where the end is known, the amount, and the rate.
    static func line(_ title: String, count: Int, total: Int?, rate: Double, columns: Int) -> String {
        let amount = amount(count) + (total.map { " of \(self.amount($0))" } ?? "")
        let facts = "\(amount)  \(self.amount(Int(min(rate, 1e15))))/s"
        guard let total, total > 0 else { return String("\(title)  \(facts)".prefix(max(0, columns))) }
        let room = columns - title.count - facts.count - 6
        guard room >= 10 else { return String("\(title)  \(facts)".prefix(max(0, columns))) }
        let width = min(room, 40)
        let done = min(width, count / max(1, total / width))
        let bar = String(repeating: "=", count: done) + String(repeating: " ", count: width - done)
        return "\(title)  [\(bar)]  \(facts)"
    }

    /// A number of bytes for people.
    package static func amount(_ count: Int) -> String {
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count)
        var unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        let tenths = Int((value * 10).rounded())
        return value < 100 ? "\(tenths / 10).\(tenths % 10) \(unit)" : "\((tenths + 5) / 10) \(unit)"
    }
}
