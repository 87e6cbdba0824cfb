internal import Build
package import Bytes
internal import Workspace

/// The build as a trace file for Perfetto and `chrome://tracing` (the Trace Event Format, JSON object form).
///
/// One lane for each package that was under way at the same time, its steps inside; the critical path in a lane of its
/// own and as arrows through the others.
package enum ChromeTrace {
    private static let process = 1
    private static let criticalLane = 0

    /// The trace as a JSON value.
    package static func json(_ record: BuildRecord, _ context: ReportContext) -> JSON {
        let lanes = Lanes(record)
        let path = CriticalPath(record)
        var events = [name("process_name", "martlet build", lane: criticalLane)]
        events.append(name("thread_name", "critical path", lane: criticalLane))
        for lane in 0..<lanes.count { events.append(name("thread_name", "lane \(lane + 1)", lane: lane + 1)) }
        for lane in 0...lanes.count {
            events.append(metadata("thread_sort_index", ["sort_index": .integer(lane)], lane: lane))
        }
        var laneOf: [PackageName: Int] = [:]
        for bar in lanes.bars {
            let entry = record.packages[bar.package]
            laneOf[entry.plan.name] = bar.lane + 1
            events += slices(entry, bar)
        }
        events += critical(path, laneOf)
        return [
            "displayTimeUnit": "ms",
            "otherData": [
                "martlet": .string(context.toolVersion),
                "targets": .string(context.targets.map { shown($0) }.joined(separator: " ")),
                "cached": .string(String(record.counts[.cached] ?? 0)),
                "criticalPathSeconds": .string(DurationText.seconds(path.duration, digits: 3)),
            ],
            "traceEvents": .array(events),
        ]
    }

    /// The bytes of the file.
    package static func render(_ record: BuildRecord, _ context: ReportContext) -> [UInt8] {
        json(record, context).bytes() + [UInt8(ascii: "\n")]
    }

    private static func slices(_ entry: BuildRecord.Entry, _ bar: Lanes.Bar) -> [JSON] {
        let lane = bar.lane + 1
        var arguments: JSONObject = [
            "status": .string(entry.status.rawValue), "version": .string(PrintableText.name(entry.plan.leewayVersion)),
        ]
        if let artifact = entry.artifact { arguments["artifact"] = .string(artifact.description) }
        if let reason = entry.reason { arguments["reason"] = .string(PrintableText.text(reason.utf8)) }
        var slices = [
            slice(shown(entry.plan.name), "package", from: bar.start, to: bar.end, lane: lane, .object(arguments))
        ]
        for step in entry.steps {
            // Kept inside the package's bar: slices of one lane must nest.
            let start = min(max(step.start, bar.start), bar.end)
            let end = min(max(step.end ?? bar.end, start), bar.end)
            slices.append(
                slice(
                    step.kind.rawValue, "step", from: start, to: end, lane: lane,
                    ["package": .string(shown(entry.plan.name)), "result": .string(step.result.word)]))
        }
        return slices
    }

    private static func critical(_ path: CriticalPath, _ laneOf: [PackageName: Int]) -> [JSON] {
        var events: [JSON] = []
        for (index, step) in path.steps.enumerated() {
            events.append(
                slice(
                    "\(shown(step.package)) \(step.kind.rawValue)", "critical", from: step.start,
                    to: step.start + step.duration, lane: criticalLane, ["result": .string(step.result.word)]))
            guard index > 0 else { continue }
            let before = path.steps[index - 1]
            events.append(flow("s", index, at: before.start, lane: laneOf[before.package] ?? criticalLane))
            events.append(flow("f", index, at: step.start, lane: laneOf[step.package] ?? criticalLane))
        }
        return events
    }

    private static func slice(
        _ name: String, _ category: String, from start: Duration, to end: Duration, lane: Int, _ arguments: JSON
    ) -> JSON {
        [
            "ph": "X", "name": .string(name), "cat": .string(category), "ts": microseconds(start),
            "dur": microseconds(end - start), "pid": .integer(process), "tid": .integer(lane), "args": arguments,
        ]
    }

    private static func flow(_ phase: String, _ identifier: Int, at time: Duration, lane: Int) -> JSON {
        var event: JSONObject = [
            "ph": .string(phase), "name": "critical path", "cat": "critical", "id": .integer(identifier),
            "ts": microseconds(time), "pid": .integer(process), "tid": .integer(lane),
        ]
        // The arrow ends at the slice around it, not at the next one.
        if phase == "f" { event["bp"] = "e" }
        return .object(event)
    }

    private static func name(_ kind: String, _ name: String, lane: Int) -> JSON {
        metadata(kind, ["name": .string(name)], lane: lane)
    }

    private static func metadata(_ kind: String, _ arguments: JSON, lane: Int) -> JSON {
        ["ph": "M", "name": .string(kind), "pid": .integer(process), "tid": .integer(lane), "args": arguments]
    }

    private static func microseconds(_ duration: Duration) -> JSON {
        .integer(DurationText.nanoseconds(duration) / 1000)
    }

    private static func shown(_ name: PackageName) -> String { PrintableText.name(name.description) }
}
