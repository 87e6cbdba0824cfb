internal import Attest
internal import Bytes

/// When the packages of a build were built, as their statements say: time from left to right, a lane for each package.
struct Timeline {
    /// One package.
    struct Bar {
        var name: String
        var start: Timestamp
        var end: Timestamp
        /// Where the result came from: `built`, `local`, `remote`; empty where the statement does not say.
        var origin: String
        /// What the bar leads to.
        var statement: Digest
    }

    private let bars: [Bar]
    /// Whether all times are whole seconds, so that what took less than one has no length.
    private let isCoarse: Bool
    /// The most bars of a picture.
    static let limit = 300
    private static let laneHeight = 24
    private static let axisHeight = 22

    /// Takes what has a beginning and an end. Statements are a stranger's words, so a build that ends before it begins
    /// is left out.
    init(_ bars: [Bar]) {
        self.bars = Array(
            bars.filter { $0.start <= $0.end }.sorted { ($0.start, $0.end, $0.name) < ($1.start, $1.end, $1.name) }
                .prefix(Self.limit))
        isCoarse = self.bars.allSatisfy { $0.start.nanoseconds == 0 && $0.end.nanoseconds == 0 }
    }

    init(payloads: [(digest: Digest, payload: [UInt8])]) {
        self.init(
            payloads.compactMap { item in
                guard let statement = try? Statement(parsing: item.payload),
                    let view = try? ProvenanceView(statement), let start = view.startedOn, let end = view.finishedOn
                else { return nil }
                let name = view.entryPoint.isEmpty ? statement.subjects.first?.name ?? "" : view.entryPoint
                return Bar(name: name, start: start, end: end, origin: view.cacheOrigin ?? "", statement: item.digest)
            })
    }

    /// Picture and table; nothing where no statement says when.
    var section: HTML {
        guard let first = bars.first, let end = bars.map(\.end).max() else { return "" }
        // A picture of no length shows nothing.
        let total = max(200, milliseconds(from: first.start, to: end))
        let shapes = bars.enumerated().map { shape($1, lane: $0, from: first.start, total: total) }.joined()
        let height = bars.count * Self.laneHeight + Self.axisHeight
        let rows = bars.map { bar -> [HTML] in
            [
                Parts.thing(bar.name), Parts.time(bar.start), .text(took(bar)), .text(bar.origin),
                "<a href=\"/explore/statement/\(bar.statement.hex)\">statement</a>",
            ]
        }
        return """
            <section aria-labelledby="timeline">
            <h2 id="timeline">Timeline of the build</h2>
            <p>\(bars.count) \(bars.count == 1 ? "package" : "packages") in \(Self.length(total)), \
            from \(Parts.time(first.start)).</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Timeline">
            <svg class="timeline" width="100%" height="\(height)" role="img" \
            aria-label="When each package was built; the table below has the same times">
            \(axis(total, height: height - Self.axisHeight))\(shapes)</svg>
            </div>
            <ul class="legend"><li><span class="key built"></span>built</li>\
            <li><span class="key cached"></span>taken from a cache</li></ul>
            <details><summary>Times in a table</summary>
            \(Parts.table("Times", ["Package", "Started", "Took", "Result", "Says who"], rows))\
            </details>
            </section>

            """
    }

    private func shape(_ bar: Bar, lane: Int, from start: Timestamp, total: Int64) -> HTML {
        let x = Self.milliseconds(from: start, to: bar.start)
        let length = milliseconds(from: bar.start, to: bar.end)
        let y = lane * Self.laneHeight
        let kind: HTML = ["local", "remote"].contains(bar.origin) ? "cached" : "built"
        // The name stands in the bar, else behind it, else before it, wherever there is room.
        let name: HTML = "\(bar.name, limit: 48)"
        let label: HTML =
            if length * 4 > total {
                "<text class=\"label\" x=\"\(Self.percent(x, total))\" dx=\"6\" y=\"\(y + 15)\">\(name)</text>"
            } else if (x + length) * 4 < total * 3 {
                "<text class=\"name\" x=\"\(Self.percent(x + length, total))\" dx=\"8\" y=\"\(y + 15)\">\(name)</text>"
            } else {
                """
                <text class="name" x="\(Self.percent(x, total))" dx="-6" text-anchor="end" y="\(y + 15)">\(name)</text>
                """
            }
        let width = max(length, total / 200)
        // What took no time at the very end would be drawn beyond it.
        let left = min(x, total - width)
        return """
            <g><title>\(bar.name, limit: 200): \(took(bar))</title>\
            <rect class="bar \(kind)" x="\(Self.percent(left, total))" y="\(y)" rx="3" \
            width="\(Self.percent(width, total))" height="\(Self.laneHeight - 4)"/>\(label)</g>

            """
    }

    private func axis(_ total: Int64, height: Int) -> HTML {
        var step: Int64 = 1
        var factor = 0
        while total / step > 8 {
            step = step / [1, 2, 5][factor % 3] * [2, 5, 10][factor % 3]
            factor += 1
        }
        return stride(from: 0, to: total, by: Int(step)).map { tick -> HTML in
            let x = Self.percent(tick, total)
            return """
                <line class="grid" x1="\(x)" x2="\(x)" y1="0" y2="\(height)"/>\
                <text class="axis" x="\(x)" dx="2" y="\(height + 16)">\(Self.length(tick))</text>

                """
        }.joined()
    }

    /// From a beginning to an end. Of whole seconds, the last is part of it.
    private func milliseconds(from start: Timestamp, to end: Timestamp) -> Int64 {
        Self.milliseconds(from: start, to: end) + (isCoarse ? 1000 : 0)
    }

    /// How long a package took, for people.
    private func took(_ bar: Bar) -> String {
        let length = Self.milliseconds(from: bar.start, to: bar.end)
        if isCoarse { return length == 0 ? "under 1 s" : "about \(Self.length(length))" }
        return Self.length(length)
    }

    /// From one moment to a later one. Years apart are cut, so that no sum overflows.
    private static func milliseconds(from start: Timestamp, to end: Timestamp) -> Int64 {
        let seconds = min(end.seconds - start.seconds, 1_000_000_000)
        return max(0, seconds * 1000 + Int64(end.nanoseconds - start.nanoseconds) / 1_000_000)
    }

    /// A percentage with two digits after the point.
    private static func percent(_ part: Int64, _ total: Int64) -> String {
        let units = part * 10_000 / total
        let rest = units % 100
        return "\(units / 100).\(rest < 10 ? "0" : "")\(rest)%"
    }

    private static func length(_ milliseconds: Int64) -> String {
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds < 60_000 { return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s" }
        let seconds = milliseconds / 1000
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds / 60 % 60) min"
    }
}
