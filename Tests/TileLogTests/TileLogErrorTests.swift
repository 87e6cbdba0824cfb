import Testing

@testable import TileLog

struct TileLogErrorTests {
    @Test("An error reads as its message")
    func message() {
        #expect("\(TileLogError(.malformed, "what to do"))" == "what to do")
    }
}
