internal import Build
internal import Workspace

/// The build as a picture: time from left to right, a lane for each package that was under way at the same time.
enum HTMLTimeline {
    private static let laneHeight = 22
    private static let axisHeight = 20
    /// More bars than these make a page that browsers are slow to show; the longest are drawn then.
    private static let barLimit = 5000

    static func render(_ record: BuildRecord) -> String {
        let lanes = Lanes(record)
        let total = DurationText.nanoseconds(record.time)
        guard lanes.count > 0, total > 0 else { return "" }
        let longest = lanes.bars.sorted { $0.end - $0.start > $1.end - $1.start }.prefix(barLimit)
        let height = lanes.count * laneHeight + axisHeight
        var picture = ""
        for tick in ticks(record.time) {
            let x = percent(tick, total)
            picture += """
                <line class="grid" x1="\(x)" x2="\(x)" y1="0" y2="\(height - axisHeight)"/>\
                <text class="axis" x="\(x)" y="\(height - 5)">\(label(tick))</text>

                """
        }
        for bar in longest { picture += self.bar(record.packages[bar.package], bar, total) }
        return """
            <section>
            <h2>Timeline</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="Timeline">
            <svg class="timeline" width="100%" height="\(height)" role="img" \
            aria-label="When each package was built; the table of packages has the same times">
            \(picture)</svg>
            </div>
            <ul class="legend">
            \(StepKind.allCases.map { "<li><span class=\"\($0.rawValue)\"></span>\($0.rawValue)</li>" }.joined(separator: "\n"))
            <li><span class="failed"></span>failed</li>
            </ul>
            </section>

            """
    }

    private static func bar(_ entry: BuildRecord.Entry, _ bar: Lanes.Bar, _ total: Int64) -> String {
        let y = bar.lane * laneHeight
        let name = Markup.name(entry.plan.name.description)
        let took = DurationText.elapsed(bar.end - bar.start)
        var out = "<g><title>\(name): \(entry.status.rawValue), \(took)</title>\n"
        out += rectangle("package-bar", bar.start, bar.end, y: y, total)
        for step in entry.steps {
            let kind = step.result.word == "failed" ? "failed" : step.kind.rawValue
            out += rectangle(kind, step.start, max(step.start, step.end ?? bar.end), y: y, total)
        }
        // A name is drawn where about a seventh of the width is there for it; the others have it on hovering.
        if DurationText.nanoseconds(bar.end - bar.start) * 7 > total {
            let x = percent(DurationText.nanoseconds(bar.start), total)
            let text = Columns.head(PrintableText.name(entry.plan.name.description), 48)
            out += "<text class=\"label\" x=\"\(x)\" dx=\"5\" y=\"\(y + 14)\">\(Markup.name(text))</text>\n"
        }
        return out + "</g>\n"
    }

    private static func rectangle(_ kind: String, _ start: Duration, _ end: Duration, y: Int, _ total: Int64) -> String
    {
        let from = DurationText.nanoseconds(start)
        let length = DurationText.nanoseconds(end) - from
        return "<rect class=\"\(kind)\" x=\"\(percent(from, total))\" y=\"\(y)\" width=\"\(percent(length, total))\" "
            + "height=\"\(laneHeight - 3)\"/>\n"
    }

    /// A percentage with three digits after the point.
    private static func percent(_ part: Int64, _ total: Int64) -> String {
        let units = Int64(Double(part) / Double(total) * 100_000)
        return DurationText.seconds(.milliseconds(units), digits: 3) + "%"
    }

    /// Four to ten round times in nanoseconds.
    private static func ticks(_ time: Duration) -> [Int64] {
        let total = DurationText.nanoseconds(time)
        var step: Int64 = 1_000_000
        let factors: [Int64] = [2, 5, 10]
        while true {
            for factor in [1] + factors where total / (step * factor) < 9 {
                return Array(stride(from: 0, to: total, by: Int(step * factor)))
            }
            step *= 10
        }
    }

    private static func label(_ nanoseconds: Int64) -> String {
        nanoseconds < 1_000_000_000 && nanoseconds > 0
            ? "\(nanoseconds / 1_000_000) ms" : DurationText.elapsed(.nanoseconds(nanoseconds))
    }
}
