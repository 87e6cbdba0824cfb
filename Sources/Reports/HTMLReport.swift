internal import Build
internal import Bytes
internal import Workspace

/// The build as one web page that needs nothing else: no script, no font, no picture from anywhere.
package enum HTMLReport {
    /// The bytes of the page.
    package static func render(_ record: BuildRecord, _ context: ReportContext) -> [UInt8] {
        let title = self.title(record)
        let page = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(title): \(targets(context))</title>
            <style>
            \(style)
            </style>
            </head>
            <body>
            <header>
            <h1><span class="mark \(outcome(record).rawValue)" aria-hidden="true"></span>\(title)</h1>
            <p>\(targets(context)) in <code>\(Markup.name(context.workspaceRoot))</code>, by martlet \
            \(Markup.name(context.toolVersion))</p>
            </header>
            <main>
            \(summary(record))\(failures(record))\(warnings(record))\(HTMLTimeline.render(record))\(criticalPath(record))\
            \(packages(record))\(outputs(record))</main>
            </body>
            </html>

            """
        return Array(page.utf8)
    }

    private static func outcome(_ record: BuildRecord) -> BuildRecord.Status {
        record.succeeded == true ? .built : .failed
    }

    private static func title(_ record: BuildRecord) -> String {
        switch record.succeeded {
        case true?: "Build succeeded"
        case false? where (record.counts[.failed] ?? 0) > 0: "Build failed"
        default: "Build ended before it was done"
        }
    }

    private static func targets(_ context: ReportContext) -> String {
        context.targets.map { Markup.name($0.description) }.joined(separator: ", ")
    }

    private static func summary(_ record: BuildRecord) -> String {
        var tiles = "<div><dt>time</dt><dd>\(DurationText.elapsed(record.time))</dd></div>\n"
        tiles += "<div><dt>packages</dt><dd>\(record.packages.count)</dd></div>\n"
        for status in BuildRecord.Status.allCases {
            guard let count = record.counts[status], count > 0 else { continue }
            tiles += "<div class=\"\(status.rawValue)\"><dt>\(status.rawValue)</dt><dd>\(count)</dd></div>\n"
        }
        return "<dl class=\"tiles\">\n\(tiles)</dl>\n"
    }

    private static func failures(_ record: BuildRecord) -> String {
        var out = ""
        for (index, entry) in record.packages.enumerated() where entry.status == .failed {
            let doing = entry.lastStep.map { " while \($0.progressWord)" } ?? ""
            out += """
                <article class="failure" id="failure-\(index)">
                <h3>\(Markup.name(entry.plan.name.description)) failed\(doing)</h3>
                <p class="reason">\(Markup.escaped(entry.reason ?? ""))</p>

                """
            let step = entry.steps.last { $0.result.word == "failed" } ?? entry.steps.last
            if let step { out += pre(step.output, label: "Output of \(step.kind.rawValue)") }
            out += "</article>\n"
        }
        return out.isEmpty ? "" : "<section>\n<h2>Failures</h2>\n\(out)</section>\n"
    }

    private static func warnings(_ record: BuildRecord) -> String {
        guard !record.warnings.isEmpty else { return "" }
        let items = record.warnings.map { warning in
            let place = warning.package.map { "<b>\(Markup.name($0.description))</b>: " } ?? ""
            return "<li>\(place)\(Markup.escaped(warning.text))</li>\n"
        }
        return "<section>\n<h2>Warnings</h2>\n<ul>\n\(items.joined())</ul>\n</section>\n"
    }

    private static func criticalPath(_ record: BuildRecord) -> String {
        let path = CriticalPath(record)
        guard !path.steps.isEmpty else { return "" }
        let rows = path.steps.map { step in
            "<tr><td>\(Markup.name(step.package.description))</td><td>\(step.kind.rawValue)</td>"
                + "<td class=\"number\">\(DurationText.elapsed(step.start))</td>"
                + "<td class=\"number\">\(DurationText.elapsed(step.duration))</td></tr>\n"
        }
        return """
            <section>
            <h2>Critical path</h2>
            <p>More processors can't make this build faster than \(DurationText.elapsed(path.duration)), the time of these \
            steps in turn.</p>
            <details><summary>\(path.steps.count) steps</summary>
            <div class="scroll" tabindex="0" role="region" aria-label="Critical path"><table>
            <thead><tr><th scope="col">Package</th><th scope="col">Step</th><th scope="col" class="number">Start</th>\
            <th scope="col" class="number">Time</th></tr></thead>
            <tbody>
            \(rows.joined())</tbody>
            </table></div></details>
            </section>

            """
    }

    private static func packages(_ record: BuildRecord) -> String {
        let rows = record.packages.enumerated().map { index, entry in row(index, entry) }
        return """
            <section>
            <h2>Packages</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="Packages"><table>
            <thead><tr><th scope="col">Status</th><th scope="col">Package</th><th scope="col" class="number">Start</th>\
            <th scope="col" class="number">Time</th><th scope="col">Steps</th><th scope="col">Artifact</th></tr></thead>
            <tbody>
            \(rows.joined())</tbody>
            </table></div>
            </section>

            """
    }

    private static func row(_ index: Int, _ entry: BuildRecord.Entry) -> String {
        let name = Markup.name(entry.plan.name.description)
        let link =
            entry.status == .failed
            ? "<a href=\"#failure-\(index)\">\(name)</a>"
            : hasOutput(entry) ? "<a href=\"#output-\(index)\">\(name)</a>" : name
        let steps = entry.steps.map { step in
            let time = step.result == .cached ? "cached" : DurationText.elapsed(step.duration ?? .zero)
            return "\(step.kind.rawValue) \(time)"
        }
        let artifact = entry.artifact.map {
            "<code title=\"\($0.description)\">\($0.hex.prefix(12))</code>"
        }
        return """
            <tr><td><span class="mark \(entry.status.rawValue)" aria-hidden="true"></span>\(entry.status.rawValue)</td>\
            <th scope="row">\(link)</th><td class="number">\(entry.start.map(DurationText.elapsed) ?? "")</td>\
            <td class="number">\(entry.duration.map(DurationText.elapsed) ?? "")</td>\
            <td>\(steps.joined(separator: ", "))</td><td>\(artifact ?? "")</td></tr>

            """
    }

    private static func hasOutput(_ entry: BuildRecord.Entry) -> Bool {
        entry.steps.contains { !$0.output.isEmpty }
    }

    private static func outputs(_ record: BuildRecord) -> String {
        var out = ""
        for (index, entry) in record.packages.enumerated() where entry.status != .failed && hasOutput(entry) {
            out += "<details id=\"output-\(index)\"><summary>\(Markup.name(entry.plan.name.description))</summary>\n"
            for step in entry.steps where !step.output.isEmpty {
                out += "<h3>\(step.kind.rawValue)</h3>\n" + pre(step.output, label: "Output of \(step.kind.rawValue)")
            }
            out += "</details>\n"
        }
        return out.isEmpty ? "" : "<section>\n<h2>Output</h2>\n\(out)</section>\n"
    }

    /// The line feed after the tag is one that HTML drops, so that a blank first line of the output stays.
    private static func pre(_ output: OutputTail, label: String) -> String {
        guard !output.isEmpty else { return "<p>It printed nothing.</p>\n" }
        return "<pre tabindex=\"0\" role=\"region\" aria-label=\"\(label)\">\n\(Markup.escaped(output.text))</pre>\n"
    }
}
