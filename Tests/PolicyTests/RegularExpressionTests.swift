import Policy
import Testing

/// Patterns as RE2 takes them.
@Suite struct RegularExpressionTests {
    @Test(
        "patterns match what RE2 matches",
        arguments: [
            ("abc", "xabcx", true), ("^abc$", "xabc", false), ("^(a|b)+$", "abba", true),
            ("^[a-c]{2,3}$", "abcd", false),
            ("^[a-c]{2,3}$", "abc", true), ("(?i)ABC", "xaBcx", true), ("a.c", "a\nc", false),
            ("(?s)a.c", "a\nc", true),
            ("^\\d+\\.\\d+$", "10.25", true), ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoob", false),
            ("[^/]*", "", true), ("^[^/]+$", "a/b", false), ("^x*?y$", "xxxy", true), ("[[:alpha:]]+", "12", false),
            ("^a{0,2}$", "aaa", false), ("^(?P<n>a)(?:b)$", "ab", true), ("\\Qa.b\\E", "a.b", true),
            ("\\Qa.b\\E", "axb", false),
            ("^\\x41\\x{42}$", "AB", true), ("(?m)^b$", "a\nb\nc", true), ("^b$", "a\nb\nc", false),
            ("a{,2}", "a{,2}", true),
            ("^$", "", true), ("é", "caf\u{e9}", true), ("e\u{301}", "\u{e9}", false), ("[]a]", "]", true),
            ("[\\d-]", "-", true),
            ("^https://github\\.com/acme/.*$", "https://github.com/acme/app", true),
        ])
    func matches(pattern: String, text: String, expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == expected)
    }

    @Test(
        "what RE2 refuses is refused",
        arguments: [
            "(", ")", "a**", "[z-a]", "\\", "a{1001}", "(?z)", "[a", "*a", "\\p{Nope}", "((((((((a{1000}){1000}){1000}",
        ])
    func refused(pattern: String) {
        #expect(throws: PolicyError.self) { try RegularExpression(pattern) }
    }

    @Test("a pattern that keeps other engines busy for ever ends")
    func linear() throws {
        let expression = try RegularExpression("^(a+)+$")
        #expect(!expression.matches(String(repeating: "a", count: 5000) + "b"))
        #expect(throws: PolicyError.self) { try RegularExpression("(((){1000}){1000}){1000}") }
    }
}
