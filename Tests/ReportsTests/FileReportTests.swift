import Build
import Bytes
import Host
import Reports
import SystemPackage
import TestKit
import Testing

@Suite struct FileReportTests {
    static let context = ReportContext(
        targets: [SampleBuilds.name("apps/hello:image")], workspaceRoot: "/workspace", toolVersion: "0.1.0",
        began: 1_700_000_000_000_000_000, environment: [:])

    @Test("the critical path goes through the slowest chain of dependencies")
    func criticalPath() {
        let path = CriticalPath(BuildRecord(SampleBuilds.failing))
        #expect(
            path.steps.map { "\($0.package) \($0.kind)" } == [
                "apps/hello:app prep", "apps/hello:app build", "apps/hello:app package",
            ])
        #expect(path.duration == .milliseconds(2200))
        #expect(CriticalPath(BuildRecord()).steps.isEmpty)
    }

    @Test("a step that never ended counts on the critical path until the build's end")
    func unfinishedPath() {
        #expect(CriticalPath(BuildRecord(SampleBuilds.cancelled)).duration == .seconds(1))
    }

    @Test(
        "a Chrome trace has only events of the form that viewers read, nested within their lanes",
        arguments: [
            SampleBuilds.failing, SampleBuilds.cancelled, SampleBuilds.hostile, [],
        ])
    func chromeTrace(_ events: [BuildEvent]) throws {
        let trace = try JSON(parsing: ChromeTrace.render(BuildRecord(events), Self.context))
        var open: [Int: [(start: Int, end: Int)]] = [:]
        for event in try #require(trace["traceEvents"]?.arrayValue) {
            let phase = try #require(event["ph"]?.stringValue)
            let lane = try #require(event["tid"]?.intValue)
            #expect(event["pid"]?.intValue == 1 && event["name"]?.stringValue != nil)
            switch phase {
            case "M": #expect(event["args"]?.objectValue != nil)
            case "X":
                let start = try #require(event["ts"]?.intValue)
                let end = start + (try #require(event["dur"]?.intValue))
                #expect(start >= 0 && end >= start)
                if event["cat"]?.stringValue == "step" {
                    #expect(open[lane]?.last.map { $0.start <= start && end <= $0.end } == true)
                } else {
                    #expect(open[lane]?.last.map { $0.end <= start } ?? true)
                    open[lane, default: []].append((start, end))
                }
            case "s", "f":
                #expect(event["id"]?.intValue != nil && event["ts"]?.intValue != nil)
                #expect((phase == "f") == (event["bp"]?.stringValue == "e"))
            default: Issue.record("unknown phase \(phase)")
            }
        }
    }

    @Test("packages that are built at the same time have lanes of their own, and the critical path has the first")
    func lanes() throws {
        let trace = ChromeTrace.json(BuildRecord(SampleBuilds.failing), Self.context)
        let slices = try #require(trace["traceEvents"]?.arrayValue).filter { $0["ph"]?.stringValue == "X" }
        let shown = slices.map { "\($0["tid"]?.intValue ?? -1) \($0["name"]?.stringValue ?? "")" }
        #expect(
            shown == [
                "1 apps/hello:app", "1 prep", "1 build", "1 package", "2 apps/web:app", "2 test",
                "0 apps/hello:app prep", "0 apps/hello:app build", "0 apps/hello:app package",
            ])
    }

    @Test("spans have Leeway's names, hang together, and say what failed")
    func spans() throws {
        var generator = Counter()
        let json = OTLPTrace.json(BuildRecord(SampleBuilds.failing), Self.context, using: &generator)
        let spans = try #require(json["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.arrayValue)
        let names = spans.map { $0["name"]?.stringValue ?? "" }
        #expect(
            names == [
                "leeway.build", "leeway.package", "leeway.phase", "leeway.phase", "leeway.phase", "leeway.package",
                "leeway.phase",
            ])
        #expect(Set(spans.compactMap { $0["traceId"]?.stringValue }).count == 1)
        #expect(spans[0]["parentSpanId"] == nil)
        #expect(spans[1]["parentSpanId"] == spans[0]["spanId"] && spans[5]["parentSpanId"] == spans[0]["spanId"])
        #expect(spans[2]["parentSpanId"] == spans[1]["spanId"] && spans[6]["parentSpanId"] == spans[5]["spanId"])
        #expect(spans.map { $0["status"]?["code"]?.intValue } == [2, 1, 1, 1, 1, 2, 2])
        #expect(spans[0]["startTimeUnixNano"]?.stringValue == "1700000000000000000")
        #expect(spans[0]["endTimeUnixNano"]?.stringValue == "1700000002210000000")
        #expect(attribute(spans[0], "leeway.packages.total") == "4")
        #expect(attribute(spans[0], "leeway.packages.to_build") == "3")
        #expect(attribute(spans[1], "leeway.package.duration_ms") == "2200")
        #expect(attribute(spans[1], "leeway.package.last_phase") == "package")
        #expect(attribute(spans[6], "leeway.phase.name") == "test")
        #expect(spans[6]["events"]?[0]?["name"]?.stringValue == "exception")
    }

    @Test("a trace continues the one that TRACEPARENT names and carries TRACESTATE and the facts of a GitHub run")
    func traceParent() throws {
        var context = Self.context
        context.environment = [
            "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "TRACESTATE": "vendor=1",
            "GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "7",
        ]
        var generator = Counter()
        let json = OTLPTrace.json(BuildRecord(SampleBuilds.cancelled), context, using: &generator)
        let spans = try #require(json["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.arrayValue)
        #expect(spans.allSatisfy { $0["traceId"]?.stringValue == "0af7651916cd43dd8448eb211c80319c" })
        #expect(spans.allSatisfy { $0["traceState"]?.stringValue == "vendor=1" })
        #expect(spans[0]["parentSpanId"]?.stringValue == "b7ad6b7169203331")
        #expect(attribute(spans[0], "github.run_id") == "7")
        #expect(spans.allSatisfy { $0["status"]?["code"]?.intValue == 2 })
    }

    @Test(
        "what is no valid trace parent starts a trace of its own",
        arguments: [
            "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ])
    func invalidTraceParent(_ text: String) {
        #expect(TraceParent(text) == nil)
    }

    @Test("JUnit has a suite for each package, with its tests and what else failed")
    func junit() {
        let text = String(decoding: JUnitReport.render(BuildRecord(SampleBuilds.failing)), as: UTF8.self)
        #expect(
            text == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites name="martlet" tests="1" failures="1" errors="0" skipped="0" time="2.210">
                  <testsuite name="apps/hello:app" tests="0" failures="0" errors="0" skipped="0" time="2.200">
                  </testsuite>
                  <testsuite name="apps/web:app" tests="1" failures="1" errors="0" skipped="0" time="1.500">
                    <testcase classname="apps/web:app" name="test" time="1.500">
                      <failure message="exit status 1">exit status 1</failure>
                      <system-out>ok 1
                not ok 2 - 日本
                1 of 2 failed</system-out>
                    </testcase>
                  </testsuite>
                  <testsuite name="apps/hello:image" tests="0" failures="0" errors="0" skipped="0" time="0.000">
                  </testsuite>
                </testsuites>

                """)
    }

    @Test("markup holds nothing of a step's output that is markup or that XML forbids")
    func hostileMarkup() {
        let record = BuildRecord(SampleBuilds.hostile)
        for bytes in [JUnitReport.render(record), HTMLReport.render(record, Self.context)] {
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(Array(text.utf8) == bytes)
            #expect(
                !text.unicodeScalars.contains {
                    $0 != "\n" && $0 != "\t"
                        && ($0.value < 0x20 || (0x7f..<0xa0).contains($0.value) || $0.value >= 0xfffe)
                })
            #expect(!text.contains("<script") && !text.contains("</script") && !text.contains("<img"))
            #expect(!text.contains("]]>") && text.contains("]]&gt;") && text.contains("&lt;/script&gt;"))
            #expect(!text.contains("\u{202e}"))
        }
    }

    @Test("a page links only to places in itself, and each link has its place")
    func links() {
        for events in [SampleBuilds.failing, SampleBuilds.cancelled, SampleBuilds.hostile, []] {
            let text = String(decoding: HTMLReport.render(BuildRecord(events), Self.context), as: UTF8.self)
            #expect(!text.contains("src=") || events.count == SampleBuilds.hostile.count)
            for link in text.split(separator: "href=\"").dropFirst() {
                let target = link.prefix { $0 != "\"" }
                #expect(target.hasPrefix("#") && text.contains("id=\"\(target.dropFirst())\""))
            }
        }
    }

    @Test("GITHUB_OUTPUT gets a line for each package that was built or failed, and no injected one")
    func gitHubOutput() {
        let lines = String(decoding: GitHubOutput.render(BuildRecord(SampleBuilds.failing)), as: UTF8.self)
        #expect(lines == "apps-hello--app=true\napps-web--app=false\n")
        #expect(GitHubOutput.render(BuildRecord(SampleBuilds.hostile)).isEmpty)
    }

    @Test("a file report replaces its file, or appends to it, when the build is over")
    func files() throws {
        let directory = try TemporaryDirectory()
        let page = directory.path.appending("report.html")
        let output = directory.path.appending("output")
        try Files.write(Array("before=1\n".utf8), to: output)
        let reports = BuildReports([
            FileReport.html(page, Self.context), FileReport.gitHubOutput(output),
            FileReport.junit(directory.path.appending("no/such/directory.xml")),
        ])
        for event in SampleBuilds.failing { reports.receive(event) }
        #expect(try Files.status(page) == nil)
        #expect(reports.finish().count == 1)
        #expect(try Files.readText(page, limit: 1 << 20).hasPrefix("<!DOCTYPE html>"))
        #expect(try Files.readText(output, limit: 1 << 20) == "before=1\napps-hello--app=true\napps-web--app=false\n")
    }

    private func attribute(_ span: JSON, _ key: String) -> String? {
        let value = span["attributes"]?.arrayValue?.first { $0["key"]?.stringValue == key }?["value"]
        return value?["stringValue"]?.stringValue ?? value?["intValue"]?.stringValue
    }
}

/// Counts up instead of being random.
struct Counter: RandomNumberGenerator {
    private var state: UInt64 = 0

    mutating func next() -> UInt64 {
        state += 1
        return state
    }
}
