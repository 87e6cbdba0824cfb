internal import Bytes
package import Workspace

/// What loading a workspace and checking it found, for `vet`.
package struct VetReport: Sendable {
    private let diagnostics: [Diagnostic]
    private let findings: [Vet.Finding]

    /// - Parameters:
    ///   - checks: names of checks; empty for all.
    ///   - packages: full names, or `:name`; empty for all.
    ///   - components: names; empty for all.
    package init(
        _ project: Project, checks: [String], packages: [String], components: [String], ignoringWarnings: Bool
    ) throws {
        for name in checks where !Vet.checks.contains(where: { $0.name == name }) {
            throw BuildError(.configuration, "there is no check '\(name)'; `martlet vet ls` lists all")
        }
        let names = packages.isEmpty ? nil : Set(try project.targets(packages))
        let chosen = components.isEmpty ? nil : Set(components)
        diagnostics = project.workspace.diagnostics.filter { !ignoringWarnings || $0.severity == .error }
        findings = Vet.run(
            project.workspace, checks: checks.isEmpty ? nil : Set(checks),
            components: { chosen?.contains($0) ?? true }, packages: { names?.contains($0) ?? true }
        ).filter { !ignoringWarnings || $0.isError }
    }

    /// Whether nothing was found.
    package var isClean: Bool { diagnostics.isEmpty && findings.isEmpty }

    /// The report in a format; a line for each finding where no template is given.
    package func text(_ format: Collection.Format) throws -> String {
        if case .template(nil) = format { return lines }
        return try Collection.write(json, format, default: "")
    }

    /// A line for each finding, as compilers print them.
    var lines: String {
        let lines =
            diagnostics.map(\.description)
            + findings.map { finding in
                "\(finding.location): \(finding.isError ? "error" : "warning"): "
                    + "\(finding.package?.description ?? finding.component): \(finding.message) [\(finding.check)]"
            }
        return lines.map { $0 + "\n" }.joined()
    }

    /// For programs.
    var json: JSON {
        let loading = diagnostics.map { diagnostic -> JSON in
            .rows([
                ("check", "load"), ("severity", .string(diagnostic.severity.rawValue)),
                ("file", .string(diagnostic.location.file)), ("line", .integer(diagnostic.location.line)),
                ("message", .string(diagnostic.message)), ("remedy", .string(diagnostic.remedy)),
            ])
        }
        let found = findings.map { finding -> JSON in
            .rows([
                ("check", .string(finding.check)), ("severity", .string(finding.isError ? "error" : "warning")),
                ("file", .string(finding.location.file)), ("line", .integer(finding.location.line)),
                ("message", .string(finding.message)), ("component", .string(finding.component)),
                ("package", finding.package.map { .string($0.description) } ?? .null),
            ])
        }
        return ["findings": .array(loading + found)]
    }
}
