import Testing

@testable import Workspace

@Suite("Globs")
struct GlobTests {
    @Test(
        "patterns match as Leeway's do",
        arguments: [
            ("src", "src/deep/b.go", true), ("src/*", "src/deep/b.go", true), ("src", "srcs", false),
            ("*.go", "a.go", true), ("*.go", "d/a.go", false), ("**/*.go", "a.go", true),
            ("**/*.go", "d/e/a.go", true), ("**", "a/b", true), ("a/**", "a/b/c", true), ("a/**", "a", false),
            ("**/**/x", "x", false), ("**/**/x", "a/x", true), ("**/node_modules/**", "a/node_modules/b/c", true),
            ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true), ("a/**/b", "a/x/c", false),
            ("[a-c].txt", "b.txt", true), ("[^a-c].txt", "b.txt", false), ("?.txt", "é.txt", true),
            ("a\\*b", "a*b", true), ("a\\*b", "axb", false), ("a*b*c", "a1b2c", true), ("a*b*c", "a1c2b", false),
            ("[", "[", true), ("[", "x", false), ("[]a]", "]", false), ("[a-]", "a", false), ("*", ".hidden", true),
            ("", "a", false), ("a//b", "a/b", false), ("foo.txt", "foo.txt", true), ("*/b", "a/b", true),
        ])
    func table(pattern: String, path: String, expected: Bool) {
        #expect(Glob(pattern).matches(path) == expected)
    }

    @Test("a malformed pattern says so")
    func malformed() {
        #expect(Glob("a/[b").isMalformed)
        #expect(!Glob("a/[b]").isMalformed)
    }

    @Test("many double stars take time by their number, not by its power")
    func manyDoubleStars() {
        let glob = Glob(String(repeating: "**/*/", count: 30) + "x")
        #expect(!glob.matches(String(repeating: "a/", count: 60) + "b"))
    }
}
