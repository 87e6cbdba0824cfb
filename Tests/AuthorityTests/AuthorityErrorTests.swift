import Testing

@testable import Authority

struct AuthorityErrorTests {
    @Test("An error reads as its message")
    func message() {
        #expect("\(AuthorityError(.malformed, "what to do"))" == "what to do")
    }
}
