import Build
import Reports
import Testing
import Workspace

@Suite struct BuildRecordTests {
    @Test("a record counts each package once, under the status it ended with")
    func counts() {
        let record = BuildRecord(SampleBuilds.failing)
        #expect(record.counts.filter { $0.value != 0 } == [.cached: 1, .built: 1, .failed: 1, .skipped: 1])
        #expect(record.succeeded == false)
        #expect(record.running.isEmpty)
        #expect(record[SampleBuilds.name("apps/web:app")]?.reason == "exit status 1")
        #expect(record[SampleBuilds.name("apps/hello:app")]?.duration == .milliseconds(2200))
    }

    @Test("a cancelled build leaves its running package without an end")
    func cancelled() {
        let record = BuildRecord(SampleBuilds.cancelled)
        #expect(record[SampleBuilds.name("a:one")]?.status == .running)
        #expect(record[SampleBuilds.name("a:one")]?.steps.first?.duration == nil)
        #expect(record.running.isEmpty)
    }

    @Test("events that name what nothing announced are recorded too")
    func unannounced() {
        let name = SampleBuilds.name("x:y")
        let record = BuildRecord([
            SampleBuilds.event(1, .stepOutput(name, .build, [0x61])),
            SampleBuilds.event(2, .stepFinished(name, .build, .built)),
        ])
        #expect(record[name]?.steps.count == 1)
    }

    @Test("of endless output the end is kept")
    func endless() {
        var tail = OutputTail()
        for _ in 0..<10 { tail.append([UInt8](repeating: 0x61, count: OutputTail.limit)) }
        #expect(tail.retained <= 2 * OutputTail.limit)
        #expect(tail.retained + tail.omitted == 10 * OutputTail.limit)
        #expect(tail.text.hasPrefix("[\(tail.omitted) bytes before this are not shown]\n"))
    }

    @Test("all steps together keep no more output than the limit")
    func manySteps() {
        var record = BuildRecord(outputLimit: 10_000)
        for index in 0..<100 {
            let name = SampleBuilds.name("a:p\(index)")
            record.apply(SampleBuilds.event(index, .stepStarted(name, .build)))
            record.apply(SampleBuilds.event(index, .stepOutput(name, .build, [UInt8](repeating: 0x62, count: 1000))))
            record.apply(SampleBuilds.event(index, .stepFinished(name, .build, .built)))
        }
        #expect(record.packages.flatMap(\.steps).reduce(0) { $0 + $1.output.retained } <= 10_000)
        #expect(record[SampleBuilds.name("a:p99")]?.steps.first?.output.retained == 1000)
    }
}
