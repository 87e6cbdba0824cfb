import Reports
import Testing

@Suite struct PrintableTextTests {
    @Test(
        "what steers a terminal is removed from a step's output",
        arguments: [
            ("plain text", "plain text"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38:2:1:2:3mred", "red"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}Pq#0;2\u{1b}\\text", "text"),
            ("\u{1b}(Btext", "text"),
            ("\u{1b}[?1049h\u{1b}[2J\u{1b}[Htext", "text"),
            ("a\u{1b}]52;c;never ended", "a"),
            ("a\u{1b}", "a"),
            ("a\u{1b}[", "a"),
            ("\u{1b}\u{1b}[1mtext", "text"),
            ("a\u{8}b\u{7f}c\u{9b}d\0e", "abcde"),
            ("\u{202e}abc\u{2066}d", "abcd"),
            ("10%\r20%\r", "20%"),
            ("tab\there", "tab\there"),
            ("日本 ✓", "日本 ✓"),
        ])
    func cleaned(_ example: (String, String)) {
        #expect(PrintableText.line(Array(example.0.utf8)[...]) == example.1)
    }

    @Test("invalid UTF-8 is replaced")
    func invalid() {
        #expect(PrintableText.line([0x61, 0xff, 0xc3, 0x28, 0x62]) == "a\u{fffd}\u{fffd}(b")
    }

    @Test("an escape sequence that never ends hides only its own line")
    func hiding() {
        #expect(PrintableText.text("a\u{1b}]0;b\nc\r\nd".utf8) == "a\nc\nd")
    }

    @Test("colours stay where a terminal wants them, and end with the line")
    func colors() {
        let line = Array("\u{1b}[1;31mred\u{1b}[2K".utf8)
        #expect(PrintableText.line(line[...], keepingColors: true) == "\u{1b}[1;31mred\u{1b}[0m")
    }

    @Test("a line of nothing but escape characters takes linear time")
    func linear() {
        let line = [UInt8](repeating: 0x1b, count: 200_000)
        #expect(PrintableText.line(line[...]) == "")
    }

    @Test(
        "columns count wide, combining and joined characters as terminals do",
        arguments: [
            ("abc", 3), ("日本", 4), ("é", 1), ("e\u{301}", 1), ("한글", 4), ("👩‍👩‍👧", 2), ("🇩🇪", 2), ("❤️", 2), ("…", 1),
            ("\u{200b}", 0), ("ｆｕｌｌ", 8), ("📦", 2), ("━", 1),
        ])
    func columns(_ example: (String, Int)) {
        #expect(Columns.width(of: example.0) == example.1)
    }

    @Test("text is cut to columns and never beyond them")
    func cut() {
        #expect(Columns.head("abcdef", 4) == "abc…")
        #expect(Columns.head("日本語", 4) == "日…")
        #expect(Columns.tail("components/x:app", 6) == "…x:app")
        #expect(Columns.tail("日本語", 4) == "…語")
        #expect(Columns.head("abc", 0) == "")
        #expect(Columns.padded("日本", 6) == "日本  ")
    }
}
