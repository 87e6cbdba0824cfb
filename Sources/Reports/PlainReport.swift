package import Build
package import Host
internal import Workspace

/// Lines for pipes, logs and people without a capable terminal, in the words and with the prefixes of Leeway's console
/// output, so that scripts which read that keep working.
///
/// Packages that build at the same time are told apart by a prefix, and mixed by whole lines only.
package struct PlainReport: BuildReport {
    /// A line that doesn't end is printed in pieces of this size.
    private static let lineLimit = 64 << 10

    private var ink: Ink
    private var write: @Sendable (String) -> Void
    /// What each package printed since its last line feed.
    private var partial: [PackageName: [UInt8]] = [:]

    /// - Parameter write: takes whole lines.
    package init(ink: Ink, write: @escaping @Sendable (String) -> Void) {
        self.ink = ink
        self.write = write
    }

    package mutating func receive(_ event: BuildEvent, _ record: BuildRecord) {
        let lines = self.lines(for: event, record)
        if !lines.isEmpty { write(lines) }
    }

    /// The lines that tell of `event`, each with its line feed.
    mutating func lines(for event: BuildEvent, _ record: BuildRecord) -> String {
        switch event.kind {
        case .planned(let packages):
            return table(of: packages)
        case .packageStarted(let name):
            let version = record[name]?.plan.leewayVersion ?? ""
            return prefix(name) + ink(.busy, "build started") + " " + ink(.quiet, "(version \(shown(version)))") + "\n"
        case .stepStarted:
            return ""
        case .stepOutput(let name, _, let bytes):
            return outputLines(of: name, bytes)
        case .stepFinished(let name, let kind, let result):
            let rest = restOfOutput(of: name)
            return result == .cached ? rest + prefix(name) + ink(.quiet, "\(kind.rawValue) cached") + "\n" : rest
        case .packageFinished(let name, let result, _):
            return restOfOutput(of: name) + end(of: name, result, record)
        case .warning(let name, let text):
            return (name.map(prefix) ?? "") + ink(.busy, "warning:") + " " + shown(text) + "\n"
        case .finished(let succeeded):
            return succeeded ? "\n" + ink(.good, "build succeeded") + "\n" : failure(record)
        }
    }

    private func table(of packages: [PlannedPackage]) -> String {
        let widest = packages.map { Columns.width(of: shown($0.name.description)) }.max() ?? 0
        let rows = packages.map { package in
            let state =
                package.isRemote
                ? "🌎  cached remotely " : package.isCached ? "📦  cached locally  " : "🔧  build           "
            return ink(package.isCached ? .good : .busy, state)
                + Columns.padded(shown(package.name.description), widest + 2)
                + ink(.quiet, "(version \(shown(package.leewayVersion)))") + "\n"
        }
        return rows.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined() + "\n"
    }

    private mutating func outputLines(of name: PackageName, _ bytes: [UInt8]) -> String {
        let lineFeed = UInt8(ascii: "\n")
        var pending = partial.removeValue(forKey: name) ?? []
        pending += bytes
        var rest = pending[...]
        var out = ""
        let prefix = prefix(name)
        while let end = rest.firstIndex(of: lineFeed) {
            out += prefix + PrintableText.line(rest[..<end], keepingColors: ink.isColored) + "\n"
            rest = rest[(end + 1)...]
        }
        if rest.count > Self.lineLimit {
            out += prefix + PrintableText.line(rest, keepingColors: ink.isColored) + "\n"
            rest = []
        }
        if !rest.isEmpty { partial[name] = Array(rest) }
        return out
    }

    private mutating func restOfOutput(of name: PackageName) -> String {
        guard let rest = partial.removeValue(forKey: name) else { return "" }
        return prefix(name) + PrintableText.line(rest[...], keepingColors: ink.isColored) + "\n"
    }

    private func end(of name: PackageName, _ result: StepResult, _ record: BuildRecord) -> String {
        let entry = record[name]
        switch result {
        case .built:
            let steps = (entry?.steps ?? []).filter { $0.result == .built }.compactMap { step in
                step.duration.map { "\(step.kind.rawValue) \(DurationText.seconds($0, digits: 1))s" }
            }
            let time = "in \(DurationText.seconds(entry?.duration ?? .zero, digits: 2))s"
            let phases = steps.isEmpty ? "" : " (\(steps.joined(separator: ", ")))"
            return prefix(name) + ink(.good, "package build succeeded") + " " + ink(.quiet, time + phases) + "\n"
        case .cached:
            // What the table has announced needs no second word.
            return entry?.plan.isCached == true ? "" : prefix(name) + ink(.good, "cached locally") + "\n"
        case .failed(let reason):
            let doing = entry?.lastStep.map { " while \($0.progressWord)" } ?? ""
            let lines = reason.split(separator: "\n", omittingEmptySubsequences: false).map { shown(String($0)) }
            return prefix(name) + ink(.bad, "package build failed\(doing)") + "\n" + prefix(name)
                + ink(.strong, "Reason:") + " " + lines.joined(separator: "\n" + prefix(name)) + "\n"
        case .skipped:
            return prefix(name) + ink(.quiet, "package build skipped") + "\n"
        }
    }

    private func failure(_ record: BuildRecord) -> String {
        let failed = record.packages.filter { $0.status == .failed }
        let reason =
            switch failed.count {
            case 0: "the build was ended before it was done"
            case 1: "package \"\(shown(failed[0].plan.name.description))\" failed: \(shown(failed[0].reason ?? ""))"
            default:
                "\(failed.count) packages failed: "
                    + failed.map { shown($0.plan.name.description) }.joined(separator: ", ")
            }
        return ink(.bad, "build failed") + "\n" + ink(.strong, "Reason:") + " " + reason + "\n"
    }

    private func prefix(_ name: PackageName) -> String { ink(.quiet, "[\(shown(name.description))]") + " " }

    private func shown(_ text: String) -> String { PrintableText.name(text) }
}

extension PlainReport {
    /// Lines to a terminal, a file or a pipe. Where nobody reads them any more, they go nowhere.
    package init(to terminal: Terminal, environment: [String: String]) {
        self.init(ink: Ink(isTerminal: terminal.isTerminal, environment: environment)) { text in
            // A build must not fail because the reader of its log went away.
            try? terminal.write(text)
        }
    }
}

extension StepKind {
    /// What a package is doing in this step.
    var progressWord: String {
        switch self {
        case .prep: "preparing"
        case .fetch: "fetching"
        case .lint: "linting"
        case .test: "testing"
        case .build: "building"
        case .package: "packaging"
        }
    }
}
