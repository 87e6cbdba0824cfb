import Testing

@testable import Registry

struct RegistryErrorTests {
    @Test("An error reads as its message")
    func message() {
        #expect("\(RegistryError(.malformed, "what to do"))" == "what to do")
    }
}
