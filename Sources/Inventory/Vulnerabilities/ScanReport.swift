package import Bytes

/// What a scan found.
package struct ScanReport: Sendable {
    package var subject: String
    package var componentCount: Int
    /// The worst first.
    package var findings: [Scan.Finding]
    /// Components that advisories could not be asked about, for their distribution is not known.
    package var unplaced: Int

    /// The findings that count: those that nobody dismissed.
    package var open: [Scan.Finding] { findings.filter { $0.dismissal == nil } }

    /// Whether something at or above a severity is open: a gate closes then. What nobody has rated is above `none`
    /// and closes the gate at `low`.
    package func isBlocked(at threshold: Severity) -> Bool {
        open.contains { $0.severity >= threshold || $0.severity == .unknown && threshold <= .low }
    }

    /// A line for each finding, and how many there are.
    package var text: String {
        var rows = [["SEVERITY", "SCORE", "ID", "PACKAGE", "VERSION", "FIXED IN"]]
        for finding in open {
            rows.append([
                finding.severity.rawValue, finding.score.map { "\($0)" } ?? "-", finding.id, finding.component.name,
                finding.component.version, finding.fix ?? "-",
            ])
        }
        var out = rows.count > 1 ? Self.columns(rows) : ""
        for finding in open {
            if let expired = finding.expired {
                out +=
                    "\(finding.id.safeForTerminal): the rule that ignores it ended on \(expired.description.prefix(10))\n"
            }
        }
        let dismissed = findings.count - open.count
        out += "\(open.count) vulnerabilities in \(componentCount) components"
        out += dismissed > 0 ? ", \(dismissed) more are ignored\n" : "\n"
        if unplaced > 0 {
            out += "\(unplaced) packages are of an unknown distribution; name it with --distribution\n"
        }
        return out
    }

    private static func columns(_ rows: [[String]]) -> String {
        let rows = rows.map { $0.map(\.safeForTerminal) }
        let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell + String(repeating: " ", count: column < 5 ? widths[column] - cell.count + 2 : 0)
            }
            return line + "\n"
        }.joined()
    }

    /// The report for programs; docs/formats/sbom.md describes it.
    package var json: JSON {
        [
            "subject": .string(subject), "components": .integer(componentCount),
            "findings": .array(
                findings.map { finding in
                    var object: JSONObject = [
                        "id": .string(finding.id), "aliases": .array(finding.aliases.map(JSON.string)),
                        "package": .string(finding.component.purl.description),
                        "severity": .string(finding.severity.rawValue), "summary": .string(finding.summary),
                    ]
                    if let score = finding.score { object["score"] = JSONNumber(score).map(JSON.number) }
                    if let vector = finding.vector { object["vector"] = .string(vector) }
                    if let fix = finding.fix { object["fixedIn"] = .string(fix) }
                    if let dismissal = finding.dismissal { object["ignored"] = .string(dismissal) }
                    if let expired = finding.expired { object["ruleExpired"] = .string(expired.description) }
                    if !finding.component.file.isEmpty { object["file"] = .string(finding.component.file) }
                    if finding.component.line > 0 { object["line"] = .integer(finding.component.line) }
                    return .object(object)
                }),
        ]
    }

    /// The report as a SARIF log (OASIS SARIF 2.1.0), for code-scanning services. `version` is martlet's.
    package func sarif(version: String) -> JSON {
        var rules: [JSON] = []
        var places: [String: Int] = [:]
        for finding in findings where places[finding.id] == nil {
            places[finding.id] = rules.count
            var properties: JSONObject = ["tags": ["security", "vulnerability"]]
            if let score = finding.score { properties["security-severity"] = .string("\(score)") }
            let summary = finding.summary.isEmpty ? finding.id : finding.summary
            rules.append([
                "id": .string(finding.id), "shortDescription": ["text": .string(summary)],
                "properties": .object(properties),
            ])
        }
        let results = findings.map { finding -> JSON in
            let fix = finding.fix.map { "; fixed in \($0)" } ?? "; no fixed version is known"
            let text = "\(finding.component.name) \(finding.component.version) has \(finding.id)\(fix)"
            var location: JSONObject = [
                "artifactLocation": ["uri": .string(finding.component.file.isEmpty ? subject : finding.component.file)]
            ]
            if finding.component.line > 0 { location["region"] = ["startLine": .integer(finding.component.line)] }
            var result: JSONObject = [
                "ruleId": .string(finding.id), "ruleIndex": .integer(places[finding.id] ?? 0),
                "level": .string(
                    finding.severity >= .high ? "error" : finding.severity >= .medium ? "warning" : "note"),
                "message": ["text": .string(text)], "locations": [["physicalLocation": .object(location)]],
                "partialFingerprints": [
                    "package/v1": .string("\(finding.id) \(finding.component.purl.package)")
                ],
            ]
            if let dismissal = finding.dismissal {
                result["suppressions"] = [["kind": "external", "justification": .string(dismissal)]]
            }
            return .object(result)
        }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [
                [
                    "tool": ["driver": ["name": "martlet", "version": .string(version), "rules": .array(rules)]],
                    "results": .array(results),
                ]
            ],
        ]
    }
}
