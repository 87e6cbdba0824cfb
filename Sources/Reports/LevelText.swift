internal import Bytes
package import Policy

/// Tables of SLSA's requirements for people to read.
package struct LevelText: Sendable {
    private let ink: Ink

    package init(ink: Ink) { self.ink = ink }

    /// Lines about all tables, each with the requirements up to the level above the one that is reached.
    package func lines(_ assessment: LevelAssessment) -> [String] {
        var out = [ink(.strong, assessment.subject.name.safeForTerminal)]
        for property in assessment.properties { out.append("  \(ink(.good, "✔")) \(property)") }
        for (index, table) in assessment.tables.enumerated() {
            let previous = index > 0 ? assessment.tables[index - 1].track.requirements : []
            // Versions that ask for the same are one table for people.
            let isSame = previous == table.track.requirements
            let heading = "SLSA \(table.track.rawValue): level \(table.level) of \(table.track.greatestLevel)"
            out += isSame ? [heading + ", as above"] : ["", heading]
            if isSame { continue }
            let shown = table.rows.filter { $0.requirement.level <= table.level + 1 }
            out += lines(shown)
            let rest = table.rows.count - shown.count
            if rest > 0 {
                out.append("  " + ink(.quiet, "and \(rest) requirements of higher levels; --all prints them"))
            }
        }
        return out
    }

    /// Lines about every requirement.
    package func allLines(_ assessment: LevelAssessment) -> [String] {
        var out = [ink(.strong, assessment.subject.name.safeForTerminal)]
        for table in assessment.tables {
            out += ["", "SLSA \(table.track.rawValue): level \(table.level) of \(table.track.greatestLevel)"]
            out += lines(table.rows)
        }
        return out
    }

    private func lines(_ rows: [LevelAssessment.Row]) -> [String] {
        let names = rows.map { title($0) }
        let width = names.map { Columns.width(of: $0) }.max() ?? 0
        return zip(rows, names).flatMap { row, name -> [String] in
            let mark =
                switch row.outcome {
                case .met: ink(.good, "✔")
                case .notMet: row.requirement.isBestEffort ? ink(.quiet, "–") : ink(.bad, "✘")
                case .unknown: ink(.quiet, "?")
                }
            var out = ["  \(mark) L\(row.requirement.level) \(Columns.padded(name, width))  \(row.evidence)"]
            if let next = row.next { out.append("       " + ink(.quiet, "next: \(next)")) }
            return out
        }
    }

    private func title(_ row: LevelAssessment.Row) -> String { "\(row.requirement.group) – \(row.requirement.name)" }

    /// One level as a table of two columns: the requirement, and what shows it.
    package func lines(_ table: LevelAssessment.Table, level: Int, name: String) -> [String] {
        let rows = table.rows.filter { $0.requirement.level <= level && !$0.requirement.isBestEffort }
        let heading = "SLSA \(level) Requirement"
        let width = max(heading.count, rows.map { Columns.width(of: title($0)) }.max() ?? 0)
        var out = ["\(Columns.padded(heading, width))  \(name.safeForTerminal)"]
        for row in rows {
            let text = row.outcome == .met ? row.evidence.capitalizedFirst : "NOT MET: \(row.evidence)"
            out.append("\(Columns.padded(title(row), width))  \(text)")
        }
        return out
    }
}

extension String {
    /// With a capital, where it begins with a word and not with an address or a field.
    fileprivate var capitalizedFirst: String {
        prefix { $0 != " " }.allSatisfy(\.isLowercase) ? prefix(1).uppercased() + dropFirst() : self
    }
}
