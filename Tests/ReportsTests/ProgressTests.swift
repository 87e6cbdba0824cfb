import Build
import Host
import Reports
import SystemPackage
import Testing

@Suite struct ProgressTests {
    private func frame(
        _ events: some Sequence<BuildEvent>, columns: Int, rows: Int = 24, at milliseconds: Int
    ) -> [String] {
        ProgressFrame(columns: columns, rows: rows, ink: Ink(isColored: false)).lines(
            BuildRecord(events), at: .milliseconds(milliseconds))
    }

    @Test("the picture of a build on 80 columns")
    func wide() {
        let lines = frame(SampleBuilds.failing.prefix(11), columns: 80, at: 1500)
        #expect(
            lines == [
                "  apps/web:app    test       1.4s  1 of 2 failed",
                "  apps/hello:app  build      1.3s  compiling",
                "━━━━━━━━──────────────────────── 1/4 1 cached 1.5s",
            ])
    }

    @Test("the picture on 40 columns leaves out what has no room")
    func narrow() {
        #expect(
            frame(SampleBuilds.failing.prefix(11), columns: 40, at: 1500) == [
                "  apps/web:app    test       1.4s",
                "  apps/hello:app  build      1.3s",
                "━━━━━──────────────── 1/4 1 cached 1.5s",
            ])
    }

    @Test(
        "no line is ever wider than the terminal, and the picture never higher", arguments: [1, 2, 7, 10, 20, 33, 80])
    func bounds(_ columns: Int) {
        let wide = SampleBuilds.name("コンポーネント/とても長い名前のパッケージ:アプリ")
        var events = [
            SampleBuilds.event(0, .planned((0..<40).map { SampleBuilds.plan("components/long-name:p\($0)") }))
        ]
        events.append(SampleBuilds.event(0, .stepStarted(wide, .build)))
        events.append(SampleBuilds.event(0, .stepOutput(wide, .build, Array("日本語日本語\t日本語日本語日本語日本語日本語".utf8))))
        for index in 0..<30 {
            let name = SampleBuilds.name("components/long-name:p\(index)")
            events.append(SampleBuilds.event(index, .stepStarted(name, .package)))
            events.append(SampleBuilds.event(index, .stepOutput(name, .package, SampleBuilds.hostileOutput)))
        }
        for rows in [1, 3, 5, 10, 60] {
            let lines = frame(events, columns: columns, rows: rows, at: 3_700_000)
            #expect(lines.allSatisfy { Columns.width(of: $0) <= max(columns - 1, 1) }, "\(lines)")
            #expect(lines.count <= max(1, rows - 2))
        }
    }

    @Test("drawings are at least a tenth of a second apart, and the last one always comes")
    func rate() {
        let screen = FakeScreen(columns: 80, rows: 24)
        let reports = BuildReports([ProgressDisplay(screen: screen, ink: Ink(isColored: false))])
        let name = SampleBuilds.name("a:b")
        reports.receive(SampleBuilds.event(0, .stepStarted(name, .build)))
        for time in 1..<1000 { reports.receive(SampleBuilds.event(time, .stepOutput(name, .build, [0x61, 0x0a]))) }
        #expect(screen.written.text.split(separator: "\u{1b}[?2026h").count == 10)
        reports.receive(SampleBuilds.event(999, .packageFinished(name, .built, artifact: nil)))
        reports.receive(SampleBuilds.event(999, .finished(succeeded: true)))
        #expect(reports.finish().isEmpty)
        #expect(screen.written.text.hasSuffix("\r\u{1b}[J✓ a:b 0.0s\nbuild succeeded: 1 built in 0.9s\n\u{1b}[?2026l"))
    }

    @Test("a failure stays above the picture with the end of its output and its reason")
    func failure() {
        let screen = FakeScreen(columns: 80, rows: 24)
        let reports = BuildReports([ProgressDisplay(screen: screen, ink: Ink(isColored: false))])
        for event in SampleBuilds.failing { reports.receive(event) }
        #expect(reports.finish().isEmpty)
        #expect(
            screen.written.text.contains(
                """
                ✗ apps/web:app failed while testing
                  │ ok 1
                  │ not ok 2 - 日本
                  │ 1 of 2 failed
                  exit status 1

                """))
        #expect(
            screen.written.text.contains(
                "✗ apps/web:app failed while testing\nbuild failed: 1 built, 1 cached, 1 failed, 1 skipped in 2.2s\n"))
    }

    @Test("after the terminal became narrower the wrapped rows of the old picture are cleared too")
    func resize() {
        let screen = FakeScreen(columns: 80, rows: 24)
        let display = BuildReports([ProgressDisplay(screen: screen, ink: Ink(isColored: true))])
        for event in SampleBuilds.failing.prefix(11) { display.receive(event) }
        display.refresh(at: .milliseconds(1500))
        screen.resize(columns: 30, rows: 24)
        display.refresh(at: .milliseconds(1700))
        // Two step lines of 47 and 43 columns take two rows each on 30 columns.
        #expect(screen.written.text.contains("\u{1b}[4A\r\u{1b}[J"))
    }

    @Test("a display whose terminal went away doesn't trouble the build")
    func broken() {
        let screen = FakeScreen(columns: 80, rows: 24, isBroken: true)
        let reports = BuildReports([ProgressDisplay(screen: screen, ink: Ink(isColored: false))])
        for event in SampleBuilds.failing { reports.receive(event) }
        #expect(reports.finish().isEmpty)
        #expect(screen.attempts == 1)
    }

    @Test("escape sequences of a step never reach the terminal")
    func hostile() {
        let screen = FakeScreen(columns: 80, rows: 24)
        let reports = BuildReports([ProgressDisplay(screen: screen, ink: Ink(isColored: false))])
        for event in SampleBuilds.hostile { reports.receive(event) }
        #expect(reports.finish().isEmpty)
        let text = screen.written.text
        #expect(!text.contains("\u{1b}[2J") && !text.contains("\u{1b}]") && !text.contains("\0"))
        #expect(!text.contains("\n" + "injected"))
    }

    @Test("a pipe gets plain lines, whatever the environment says of terminals")
    func pipe() throws {
        let pipe = try FileDescriptor.pipe()
        defer { for end in [pipe.readEnd, pipe.writeEnd] { try? end.close() } }
        let terminal = Terminal(pipe.writeEnd)
        #expect(!terminal.isTerminal && terminal.size == nil)
        #expect(ConsoleReport.report(on: terminal, environment: ["TERM": "xterm-256color"]) is PlainReport)
    }
}
