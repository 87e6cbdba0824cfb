import Build
import Reports
import Synchronization
import Testing
import Workspace

@Suite struct PlainReportTests {
    private func text(_ events: [BuildEvent], ink: Ink = Ink(isColored: false)) -> String {
        let written = Written()
        let reports = BuildReports([PlainReport(ink: ink, write: written.append)])
        for event in events { reports.receive(event) }
        #expect(reports.finish().isEmpty)
        return written.text
    }

    @Test("a build is told in Leeway's words")
    func golden() {
        let version = "0123456789abcdef0123456789abcdef01234567"
        #expect(
            text(SampleBuilds.failing) == """
                📦  cached locally  libs/greeting:lib  (version \(version))
                🔧  build           apps/hello:app     (version \(version))
                🔧  build           apps/hello:image   (version \(version))
                🔧  build           apps/web:app       (version \(version))

                [apps/hello:app] build started (version \(version))
                [apps/web:app] build started (version \(version))
                [apps/web:app] ok 1
                [apps/hello:app] compiling
                [apps/web:app] not ok 2 - 日本
                [apps/web:app] 1 of 2 failed
                [apps/web:app] package build failed while testing
                [apps/web:app] Reason: exit status 1
                [apps/hello:app] package cached
                [apps/hello:app] package build succeeded in 2.20s (prep 0.1s, build 2.0s)
                [apps/hello:image] package build skipped
                warning: the sandbox is off
                build failed
                Reason: package "apps/web:app" failed: exit status 1

                """)
    }

    @Test("a result says whose cache has it")
    func remote() throws {
        let packages = try ["a:near", "a:far"].map { name in
            PlannedPackage(
                name: try #require(PackageName(name)), leewayVersion: "1", dependencies: [], isCached: true,
                isRemote: name == "a:far")
        }
        #expect(
            text([SampleBuilds.event(0, .planned(packages))]) == """
                🌎  cached remotely a:far   (version 1)
                📦  cached locally  a:near  (version 1)


                """)
    }

    @Test("a build that was ended says so")
    func cancelled() {
        #expect(
            text(SampleBuilds.cancelled).hasSuffix("build failed\nReason: the build was ended before it was done\n"))
    }

    @Test("a build that succeeds ends with that")
    func succeeded() {
        #expect(text([SampleBuilds.event(0, .finished(succeeded: true))]) == "\nbuild succeeded\n")
    }

    @Test("without colours not one control character of a step or a name gets through")
    func hostile() {
        let text = text(SampleBuilds.hostile)
        #expect(!text.unicodeScalars.contains { $0 != "\n" && ($0.value < 0x20 || (0x7f..<0xa0).contains($0.value)) })
        #expect(!text.split(separator: "\n").contains { $0.hasPrefix("injected") })
        #expect(text.contains("] 100%\n"))
    }

    @Test("a line without an end is printed in pieces and not kept for ever")
    func endless() {
        let name = SampleBuilds.name("a:b")
        let piece = [UInt8](repeating: 0x61, count: 50_000)
        let text = text((0..<4).map { SampleBuilds.event($0, .stepOutput(name, .build, piece)) })
        #expect(text.utf8.count > 190_000 && text.split(separator: "\n").count == 2)
    }

    @Test("colours appear only on a terminal without NO_COLOR")
    func colors() {
        #expect(Ink(isTerminal: true, environment: ["TERM": "xterm"]).isColored)
        #expect(!Ink(isTerminal: true, environment: ["NO_COLOR": "1"]).isColored)
        #expect(Ink(isTerminal: true, environment: ["NO_COLOR": ""]).isColored)
        #expect(!Ink(isTerminal: true, environment: ["TERM": "dumb"]).isColored)
        #expect(!Ink(isTerminal: false, environment: [:]).isColored)
        #expect(text(SampleBuilds.failing, ink: Ink(isColored: true)).contains("\u{1b}[31mbuild failed\u{1b}[0m"))
    }
}

/// Collects what a report writes.
final class Written: Sendable {
    private let state = Mutex("")

    func append(_ text: String) { state.withLock { $0 += text } }

    var text: String { state.withLock { $0 } }
}
