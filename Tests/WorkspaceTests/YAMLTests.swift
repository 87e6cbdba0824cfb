import Bytes
import Testing

@testable import Workspace

/// Expected texts come from yaml.v3 v3.0.1, which is what Leeway uses.
@Suite("YAML")
struct YAMLTests {
    static func rewrite(_ text: String) throws -> String {
        let document = try YAMLParser.parse(Array(text.utf8))
        let root = try #require(document.root)
        return String(
            decoding: YAMLEmitter.emit(
                root, headComment: document.headComment, footComment: document.footComment), as: UTF8.self)
    }

    @Test(
        "documents are written as yaml.v3 writes them",
        arguments: [
            ("a: [ \"x\",  'y' ]\n", "a: [\"x\", 'y']\n"),
            ("a:\n- b\n- c: d\n  e: f\n", "a:\n    - b\n    - c: d\n      e: f\n"),
            ("a: >\n  one\n  two\n", "a: >\n    one two\n\n"),
            ("a: |\n  one\n  two\n", "a: |\n    one\n    two\n"),
            ("# head\na: 1 # line\n# foot\n\nb: 2\n", "# head\na: 1 # line\n# foot\n\nb: 2\n"),
            ("- # c\n  a: 1\n", "- # c\n  a: 1\n"),
            ("a:\n  # one\n  - x\n  # two\n  - y\n", "a:\n    # one\n    - x\n    # two\n    - y\n"),
            ("x: &a {b: 1}\ny: *a\nz: !foo bar\n", "x: &a {b: 1}\ny: *a\nz: !foo bar\n"),
            ("<<: {a: 1}\n", "!!merge <<: {a: 1}\n"),
            ("a: \"\u{1F600}\\t\"\n", "a: \"\\U0001F600\\t\"\n"),
            ("a: plain\n  continued\n", "a: plain continued\n"),
        ])
    func documents(text: String, expected: String) throws {
        #expect(try Self.rewrite(text) == expected)
    }

    @Test(
        "values are written as yaml.v3 writes Go's",
        arguments: [
            (#"{"b": 1, "a10": "x", "a9": true, "A": null}"#, "A: null\na9: true\na10: x\nb: 1\n"),
            (
                #"{"a": ["yes", "1", "1.5", "~", "", "a: b", "12:30:00", "2020-01-02", "x y"]}"#,
                """
                a:
                    - "yes"
                    - "1"
                    - "1.5"
                    - "~"
                    - ""
                    - 'a: b'
                    - "12:30:00"
                    - "2020-01-02"
                    - x y

                """
            ),
            (
                #"{"a": [], "b": {}, "c": [["x"]], "d": "l1\nl2", "e": 0.5, "f": 1e30}"#,
                """
                a: []
                b: {}
                c:
                    - - x
                d: |-
                    l1
                    l2
                e: 0.5
                f: 1e+30

                """
            ),
        ])
    func values(json: String, expected: String) throws {
        let value = try JSON(parsing: Array(json.utf8))
        #expect(String(decoding: YAMLEmitter.emit(YAMLNode(json: value)), as: UTF8.self) == expected)
    }

    @Test(
        "malformed documents are refused with a line",
        arguments: [("a: [\n", 2), ("a: b: c\n", 1), ("*x\n", 1), ("a: &a [*a]\n", 1), ("\tx: 1\n", 1)])
    func malformed(text: String, line: Int) {
        #expect { try YAMLParser.parse(Array(text.utf8)) } throws: { ($0 as? YAMLError)?.line == line }
    }

    @Test("a document nested 10,000 deep is refused", arguments: ["[", "{a: ", "- "])
    func depth(sign: String) {
        let text = String(repeating: sign, count: 10_000)
        #expect { try YAMLParser.parse(Array(text.utf8)) } throws: {
            ($0 as? YAMLError)?.message.contains("deeper") == true
        }
    }
}
