import Bytes
import Testing

@testable import Build

@Suite("Key difference")
struct KeyDifferenceTests {
    @Test("equal manifests have none")
    func equal() { #expect(KeyDifference.between(["a": "1"], ["a": "1"]).isEmpty) }

    @Test("each member that changed, came or went is named by its path")
    func members() {
        let before: JSON = ["sources": ["a.go": "11", "b.go": "22"], "type": "go"]
        let after: JSON = ["sources": ["a.go": "12", "c.go": "33"], "type": "go"]
        let differences = KeyDifference.between(before, after)
        #expect(differences.map(\.path) == ["sources/a.go", "sources/b.go", "sources/c.go"])
        #expect(differences.map(\.description).first == "sources/a.go changed: 11 -> 12")
        #expect(differences.map(\.description).last == "sources/c.go was added (33)")
    }

    @Test("elements that have names are compared by them")
    func named() {
        let before: JSON = ["dependencies": [["package": "a:b", "path": "x", "key": "1"]]]
        let after: JSON = [
            "dependencies": [
                ["package": "c:d", "path": "y", "key": "9"], ["package": "a:b", "path": "x", "key": "2"],
            ]
        ]
        let paths = KeyDifference.between(before, after).map(\.path)
        #expect(paths == ["dependencies/a:b at x/key", "dependencies/c:d at y"])
    }
}
