package import Build
package import Host
internal import Workspace

/// A terminal that a display draws on.
package protocol Screen: Sendable {
    /// Columns and rows, asked before each drawing.
    var size: (columns: Int, rows: Int)? { get }
    func write(_ text: String) throws(HostError)
}

extension Terminal: Screen {}

/// Shows on a terminal what is going on: finished packages scroll by above, running steps and a bar stay below.
///
/// It never hides the cursor, sets a mode or uses another screen, so there is nothing to put back when martlet is
/// killed; the worst that remains is the last picture.
package struct ProgressDisplay: BuildReport {
    /// Drawings are at least this far apart.
    private static let pause = Duration.milliseconds(100)
    /// So many lines of a failed step's output are shown.
    private static let tailLines = 20

    private var screen: any Screen
    private var ink: Ink
    private var lastDrawing: Duration?
    /// Widths of the lines of the picture that is on the screen.
    private var drawn: [Int] = []
    /// Lines that belong above the picture and are not written yet.
    private var pending: [String] = []
    private var isBroken = false

    package init(screen: any Screen, ink: Ink) {
        self.screen = screen
        self.ink = ink
    }

    package mutating func receive(_ event: BuildEvent, _ record: BuildRecord) {
        pending += lines(for: event, record)
        refresh(record, at: event.time)
    }

    package mutating func refresh(_ record: BuildRecord, at time: Duration) {
        if let lastDrawing, time - lastDrawing < Self.pause { return }
        lastDrawing = time
        draw(record, at: time, isLast: false)
    }

    package mutating func finish(_ record: BuildRecord) {
        // The failures may have scrolled away.
        let failed = record.packages.filter { $0.status == .failed }
        if failed.count > 1 || (record.counts[.built] ?? 0) > 0 {
            pending += failed.prefix(Self.tailLines).map(headline)
        }
        pending.append(summary(record))
        draw(record, at: record.time, isLast: true)
    }

    private mutating func draw(_ record: BuildRecord, at time: Duration, isLast: Bool) {
        guard !isBroken else { return }
        let size = screen.size ?? (columns: 80, rows: 24)
        let frame =
            isLast ? [] : ProgressFrame(columns: size.columns, rows: size.rows, ink: ink).lines(record, at: time)
        // The terminal shows nothing until the whole picture is there, if it knows how (synchronized output).
        var text = "\u{1b}[?2026h" + erasure(columns: size.columns)
        for line in pending { text += line + "\n" }
        text += frame.joined(separator: "\n")
        if !frame.isEmpty { text += "\r" }
        text += "\u{1b}[?2026l"
        pending = []
        drawn = frame.map { Columns.width(of: PrintableText.text($0.utf8)) }
        do { try screen.write(text) } catch {
            // Nobody is looking any more; the build goes on.
            isBroken = true
        }
    }

    /// Moves to where the picture on the screen begins and clears from there on. The cursor waits in the first column
    /// of the last line. A terminal that became narrower has wrapped the lines, so that they take more rows now.
    private func erasure(columns: Int) -> String {
        let above = drawn.dropLast().reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
        return (above > 0 ? "\u{1b}[\(above)A" : "") + "\r\u{1b}[J"
    }

    /// What stays on the screen of `event`.
    private func lines(for event: BuildEvent, _ record: BuildRecord) -> [String] {
        switch event.kind {
        case .packageFinished(let name, let result, _):
            guard let entry = record[name] else { return [] }
            switch result {
            case .built:
                let time = DurationText.elapsed(entry.duration ?? .zero)
                return ["\(ink(.good, "✓")) \(shown(name.description)) \(ink(.quiet, time))"]
            case .failed(let reason): return failure(entry, reason)
            case .cached, .skipped: return []
            }
        case .warning(let name, let text):
            let place = name.map { shown($0.description) + ": " } ?? ""
            return ["\(ink(.busy, "!")) \(place)\(shown(text))"]
        default:
            return []
        }
    }

    private func failure(_ entry: BuildRecord.Entry, _ reason: String) -> [String] {
        var lines = [headline(entry)]
        let step = entry.steps.last { if case .failed? = $0.result { true } else { false } } ?? entry.steps.last
        lines += step?.output.lastLines(Self.tailLines).map { "  \(ink(.quiet, "│")) \($0)" } ?? []
        lines += PrintableText.text(reason.utf8).split(separator: "\n").map { "  \($0)" }
        return lines
    }

    private func headline(_ entry: BuildRecord.Entry) -> String {
        let doing = entry.lastStep.map { " while \($0.progressWord)" } ?? ""
        return ink(.bad, "✗ \(shown(entry.plan.name.description)) failed\(doing)")
    }

    private func summary(_ record: BuildRecord) -> String {
        func part(_ status: BuildRecord.Status) -> String? {
            record.counts[status].flatMap { $0 > 0 ? "\($0) \(status.rawValue)" : nil }
        }
        let parts = [BuildRecord.Status.built, .cached, .failed, .skipped].compactMap(part)
        let text = parts.joined(separator: ", ")
        let result = record.succeeded == true ? ink(.good, "build succeeded") : ink(.bad, "build failed")
        return "\(result): \(text.isEmpty ? "nothing to do" : text) in \(DurationText.elapsed(record.time))"
    }

    private func shown(_ text: String) -> String { PrintableText.name(text) }
}
