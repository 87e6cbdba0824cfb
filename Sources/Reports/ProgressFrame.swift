internal import Build
internal import Workspace

/// The picture of a running build: one line per running step and a bar below.
///
/// A pure function of the record, the size of the terminal and the time.
package struct ProgressFrame: Sendable {
    /// Size of the terminal.
    package var columns: Int
    package var rows: Int
    package var ink: Ink

    package init(columns: Int, rows: Int, ink: Ink) {
        self.columns = columns
        self.rows = rows
        self.ink = ink
    }

    /// More running steps than these are only counted.
    private static let stepLimit = 16
    private static let barWidth = 10...32

    /// One column stays free: terminals differ in what they do when the last one is written.
    private var width: Int { max(1, columns - 1) }

    /// The lines of the picture, none wider than the terminal and fewer than its rows.
    package func lines(_ record: BuildRecord, at time: Duration) -> [String] {
        let room = min(Self.stepLimit, max(0, rows - 3))
        var lines: [String] = []
        let running = record.running
        let shown = running.count > room ? max(0, room - 1) : running.count
        let names = running.prefix(shown).map { nameText(record.packages[$0.package].plan.name) }
        let nameWidth = min(names.map { Columns.width(of: $0) }.max() ?? 0, max(8, width * 2 / 5))
        for (place, name) in zip(running, names) {
            let step = record.packages[place.package].steps[place.step]
            lines.append(stepLine(name, nameWidth, step, at: time))
        }
        if running.count > shown, room > 0 {
            lines.append(ink(.quiet, Columns.head("  … \(running.count - shown) more running", width)))
        }
        lines.append(barLine(record, at: time))
        return lines
    }

    private func nameText(_ name: PackageName) -> String { PrintableText.name(name.description) }

    private func stepLine(_ name: String, _ nameWidth: Int, _ step: BuildRecord.Step, at time: Duration) -> String {
        let elapsed = DurationText.elapsed(time - step.start)
        // Room for `1:02:03`.
        let elapsedText = String(repeating: " ", count: max(0, 7 - elapsed.count)) + elapsed
        let kind = Columns.padded(step.kind.rawValue, 7)
        let fixed = 2 + nameWidth + 2 + 7 + 1 + 7
        guard fixed <= width else {
            // So narrow that the name alone has to do.
            return Columns.head("  " + Columns.tail(name, max(1, width - 2)), width)
        }
        let padded = Columns.padded(Columns.tail(name, nameWidth), nameWidth)
        let start = "  \(ink(.strong, padded))  \(ink(.busy, kind)) \(elapsedText)"
        let rest = width - fixed - 2
        guard rest >= 12, let output = lastLine(step), !output.isEmpty else { return start }
        return start + "  " + ink(.quiet, Columns.head(output, rest))
    }

    private func lastLine(_ step: BuildRecord.Step) -> String? {
        step.output.lastLines(1).last?.replacing("\t", with: " ").trimmingPrefix { $0 == " " }.description
    }

    private func barLine(_ record: BuildRecord, at time: Duration) -> String {
        let total = record.packages.count
        func count(_ status: BuildRecord.Status) -> Int { record.counts[status] ?? 0 }
        let done = BuildRecord.Status.allCases.filter(\.isFinal).reduce(0) { $0 + count($1) }
        var plain: [String] = ["\(done)/\(total)"]
        var colored = [ink(.strong, plain[0])]
        func add(_ text: String, _ tone: Ink.Tone) {
            guard plain.joined(separator: " ").count + 1 + text.count <= width else { return }
            plain.append(text)
            colored.append(ink(tone, text))
        }
        // What failed comes first: on a narrow terminal it must not be what is left out.
        if count(.failed) > 0 { add("\(count(.failed)) failed", .bad) }
        if count(.skipped) > 0 { add("\(count(.skipped)) skipped", .busy) }
        if count(.built) > 0 { add("\(count(.built)) built", .good) }
        if count(.cached) > 0 { add("\(count(.cached)) cached", .good) }
        add(DurationText.elapsed(time), .quiet)
        let used = plain.joined(separator: " ").count
        guard used <= width else { return Columns.head(plain[0], width) }
        let room = min(Self.barWidth.upperBound, width - used - 1)
        guard room >= Self.barWidth.lowerBound else { return colored.joined(separator: " ") }
        let filled = total == 0 ? 0 : room * done / total
        let bar =
            ink(count(.failed) > 0 ? .bad : .good, String(repeating: "━", count: filled))
            + ink(.quiet, String(repeating: "─", count: room - filled))
        return bar + " " + colored.joined(separator: " ")
    }
}
