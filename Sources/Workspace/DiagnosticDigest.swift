/// Diagnostics as they are shown to people: every error, and so many warnings that they don't hide the rest.
package struct DiagnosticDigest: Sendable {
    /// How many warnings are shown when nobody asked for more.
    package static let warningLimit = 10

    /// What is shown, a line each.
    package var lines: [String]

    package init(_ diagnostics: [Diagnostic], isVerbose: Bool) {
        let limit = isVerbose ? Int.max : Self.warningLimit
        var warnings = 0
        lines = []
        for diagnostic in diagnostics {
            if diagnostic.severity == .warning {
                warnings += 1
                guard warnings <= limit else { continue }
            }
            lines.append(diagnostic.description)
        }
        if warnings > limit { lines.append("\(warnings - limit) more warnings; -v shows them") }
    }
}
