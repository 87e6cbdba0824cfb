import Testing

@testable import Serve

struct ConnectionPaceTests {
    private let limits = ServerLimits()

    @Test("A connection without a request, or with half a head, ends after the idle time")
    func idle() {
        let pace = ConnectionPace(limits, now: .zero)
        #expect(pace.verdict(at: limits.idle) == nil)
        #expect(pace.verdict(at: limits.idle + .seconds(1)) == .idle)
    }

    @Test("Content that stops, or trickles, ends the connection; a handler that takes its time does not")
    func content() {
        var pace = ConnectionPace(limits, now: .zero)
        pace.head(at: .seconds(1))
        pace.content(1000, at: .seconds(2))
        #expect(pace.verdict(at: .seconds(30)) == nil)
        #expect(pace.verdict(at: .seconds(33)) == .stalled)
        // A byte a second: never stalled, and too slow.
        for second in 2...40 { pace.content(1, at: .seconds(second)) }
        #expect(pace.verdict(at: .seconds(40)) == .slow)
        pace.content(1 << 20, at: .seconds(41))
        #expect(pace.verdict(at: .seconds(42)) == nil)
        pace.requestEnd(at: .seconds(42))
        #expect(pace.verdict(at: .seconds(4000)) == nil)
    }

    @Test("An answer that nobody takes ends the connection; one that is taken slowly does not")
    func unread() {
        var pace = ConnectionPace(limits, now: .zero)
        pace.head(at: .zero)
        pace.requestEnd(at: .zero)
        for second in stride(from: 0, to: 200, by: 20) {
            pace.write(at: .seconds(second))
            #expect(pace.verdict(at: .seconds(second + 19)) == nil)
            pace.written(at: .seconds(second + 19))
        }
        pace.write(at: .seconds(300))
        #expect(pace.verdict(at: .seconds(331)) == .unread)
    }

    @Test("The next request may wait; content of an answered one is not read forever")
    func answered() {
        var pace = ConnectionPace(limits, now: .zero)
        pace.head(at: .zero)
        pace.requestEnd(at: .zero)
        pace.answerEnd(at: .seconds(100))
        #expect(pace.verdict(at: .seconds(160)) == nil)
        #expect(pace.verdict(at: .seconds(161)) == .idle)
        pace.head(at: .seconds(161))
        pace.answerEnd(at: .seconds(161))
        pace.content(ConnectionPace.drainLimit + 1, at: .seconds(162))
        #expect(pace.verdict(at: .seconds(162)) == .unwanted)
    }
}
