import Testing

@testable import Database

struct DatabaseErrorTests {
    @Test("An error reads as its message")
    func message() {
        #expect("\(DatabaseError(.unreachable, "what to do"))" == "what to do")
    }
}
