import Testing

@testable import RemoteCache

@Suite("Namespaces")
struct NamespaceTests {
    @Test("a namespace is a path without ways out", arguments: ["main", "pr/17", "a.b-c_D/e"])
    func valid(_ text: String) throws {
        #expect(try Namespace(text).text == text)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "/", "a/", "/a", "..", "a/../b", ".a", "a//b", "a b", "a~b", "ä", String(repeating: "a", count: 101),
        ])
    func invalid(_ text: String) {
        #expect(throws: RemoteCacheError.self) { try Namespace(text) }
    }
}
