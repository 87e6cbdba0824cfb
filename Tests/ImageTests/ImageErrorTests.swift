import Testing

@testable import Image

struct ImageErrorTests {
    @Test("An error reads as its message")
    func message() {
        #expect("\(ImageError(.malformed, "what to do"))" == "what to do")
    }
}
