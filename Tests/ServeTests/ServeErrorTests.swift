import Testing

@testable import Serve

struct ServeErrorTests {
    @Test("An error reads as its message")
    func message() {
        #expect("\(ServeError(.configuration, "what to do"))" == "what to do")
    }
}
