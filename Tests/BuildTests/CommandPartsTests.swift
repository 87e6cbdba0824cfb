import Bytes
import Synchronization
import Testing
import Workspace

@testable import Build

struct CommandPartsTests {
    @Test(
        "sizes are read with and without units, and refused when they don't fit",
        arguments: [
            ("1500", 1500), ("5GiB", 5 << 30), ("2 MB", 2_000_000), ("3k", 3 << 10), ("7B", 7),
        ])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(ByteCount(text: text)?.bytes == bytes)
    }

    @Test("what is no size is refused", arguments: ["", "GiB", "1.5GiB", "-1", "9999999999999GiB", "5 apples"])
    func noSizes(_ text: String) {
        #expect(ByteCount(text: text) == nil)
    }

    @Test("sizes are shown in the largest unit")
    func shownSizes() {
        #expect(ByteCount(bytes: 12).text == "12 bytes")
        #expect(ByteCount(bytes: 1536).text == "1.50 KiB")
        #expect(ByteCount(bytes: 5 << 30).text == "5.00 GiB")
    }

    @Test("lines get their prefix whole, however they arrive")
    func lines() {
        let shown = Mutex("")
        let prefixer = LinePrefixer(prefix: "[a] ") { text in shown.withLock { $0 += text } }
        for piece in ["o", "ne\ntw", "o\n\nthr", "ee"] { prefixer.take(Array(piece.utf8)) }
        prefixer.finish()
        #expect(shown.withLock { $0 } == "[a] one\n[a] two\n[a] \n[a] three\n")
    }

    @Test("a dependency's variable is its name in capitals")
    func variables() throws {
        #expect(ScriptRun.variable(for: try #require(PackageName("dev/my-tools:app"))) == "DEV_MY_TOOLS__APP")
    }

    @Test("a script's environment goes over the caller's, and dependencies are at the end of PATH")
    func environment() {
        let environment = ScriptRun.environment(
            of: ["X=2", "Y=a=b"], over: ["PATH": "/bin", "X": "1", "Z": "3"], paths: ["/p", "/q"],
            variables: ["LIB": "/p"])
        #expect(environment == ["PATH": "/bin:/p:/q", "X": "2", "Y": "a=b", "Z": "3", "LIB": "/p"])
    }

    @Test("what is affected is new or has another key; what is gone is told apart")
    func affected() throws {
        let names = try ["a:a", "b:b", "c:c", "d:d"].map { try #require(PackageName($0)) }
        let (one, two) = (Digest.of("1"), Digest.of("2"))
        let affected = Affected(
            commit: "x", before: [names[0]: one, names[1]: one, names[3]: one],
            after: [names[0]: one, names[1]: two, names[2]: one])
        #expect(affected.packages == [names[1], names[2]])
        #expect(affected.added == [names[2]])
        #expect(affected.removed == [names[3]])
    }

    @Test("an explanation follows changed dependencies down to what changed them")
    func explanation() throws {
        let (app, lib) = (try #require(PackageName("a:app")), try #require(PackageName("l:lib")))
        func manifest(_ source: String, _ key: String) -> JSON {
            [
                "sources": ["f": .string(source)],
                "dependencies": [["package": "l:lib", "path": "l--lib", "key": .string(key)]],
            ]
        }
        let before: [PackageName: JSON] = [app: manifest("1", "k1"), lib: ["sources": ["g": "1"]]]
        let now: [PackageName: JSON] = [app: manifest("1", "k2"), lib: ["sources": ["g": "2"]]]
        let changes = try Explanation.changes(of: app, now: now) { before[$0] }
        #expect(changes.map(\.package) == [app, lib])
        #expect(changes[0].differences.isEmpty)
        #expect(changes[0].dependencies == [lib])
        #expect(changes[1].differences == [KeyDifference(path: "sources/g", before: "1", after: "2")])
    }
}
