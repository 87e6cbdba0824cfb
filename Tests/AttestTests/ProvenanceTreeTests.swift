import Attest
import Bytes
import Testing

@Suite("Provenance as a tree")
struct ProvenanceTreeTests {
    private func view(_ name: String, dependencies: [String] = []) throws -> ProvenanceView {
        var facts = ProvenanceFactsTests.facts()
        facts.packageName = name
        facts.dependencies = dependencies.map { .init(name: $0, digest: Digest.of($0)) }
        return try ProvenanceView(facts.statement)
    }

    @Test("a package, its facts and its dependencies")
    func tree() throws {
        let views = [
            try view("lib:lib"), try view("other:lib", dependencies: ["lib:lib", "gone:lib"]),
            try view("app:app", dependencies: ["lib:lib", "other:lib"]), try view("unrelated:x"),
        ]
        let text = ProvenanceTree(views, target: "app:app").text()
        func short(_ text: String) -> String { "sha256:" + Digest.of(text).hex.prefix(12) }
        let expected = """
            app:app  (go)
            ├─ built     https://martlet.dev/builder 1.0.0@\(short("martlet")) on 2026-01-02T03:04:06.5Z
            ├─ sandbox   full, result built
            ├─ subject   components-web--app.tar.gz  \(short("artifact"))  and 1 more
            ├─ source    git+https://git.example.org/team/repo.git  gitCommit:abababababab  (refs/heads/main)  clean
            ├─ inputs    3 files  \(short("inputs"))
            ├─ tool      go  \(short("go"))  (go1.26)
            ├─ fetched   https://proxy.example.org/m.zip  \(short("m"))
            ├─ image     oci://example.org/base:1  \(short("base"))
            ├─ locked    1 packages of lock files
            ├─ lib:lib  (go)
            """
        #expect(text.hasPrefix(expected))
        #expect(text.contains("└─ other:lib  (go)\n"))
        #expect(text.contains("   ├─ gone:lib  \(short("gone:lib"))  (no statement in this bundle)\n"))
        #expect(text.contains("   └─ lib:lib  (shown above)\n"))
        #expect(text.contains("\nunrelated:x  (go)\n"))
        let ascii = ProvenanceTree(views, target: "app:app").text(style: .ascii)
        #expect(ascii.contains("`- other:lib"))
        #expect(ascii.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test("cycles and endless chains end")
    func cycle() throws {
        let cyclic = [try view("a:a", dependencies: ["b:b"]), try view("b:b", dependencies: ["a:a", "b:b"])]
        #expect(ProvenanceTree(cyclic).text().contains("(shown above)"))
        let chain = try (0..<110).map { try view("p:\($0)", dependencies: ["p:\($0 - 1)"]) }
        #expect(ProvenanceTree(chain).text().contains("(too deep to show)"))
        #expect(ProvenanceTree([]).text().isEmpty)
    }

    @Test("Leeway's statements stand side by side, and names can't reach the terminal raw")
    func foreign() throws {
        let text = ProvenanceViewTests.leewayV02.replacing("//:app", with: #"\u001b[2Jx\u202e:y"#)
        let statement = try Statement(parsing: Array(text.utf8))
        let views = [
            try ProvenanceView(Statement(parsing: Array(ProvenanceViewTests.leewayV01.utf8))),
            try ProvenanceView(statement),
        ]
        let tree = ProvenanceTree(views).text()
        #expect(tree.hasPrefix(#"\u{1b}[2Jx\u{202e}:y"#))
        #expect(tree.contains("└─ material  git+https://github.com/gitpod-io/gitpod.git  sha256:5176a908d7a7\n"))
        #expect(!tree.unicodeScalars.contains("\u{1B}"))
    }
}
