package import Attest

/// Assertions about a provenance bundle, and which package they are about.
///
/// Whatever is asserted, a bundle must have statements, and each must be provenance of a version that martlet knows.
/// What a statement does not say is taken for a no. Signatures are not looked at: the answers are about what the
/// bundle claims.
package struct BundlePolicy: Sendable {
    package var assertions: [Assertion]
    /// The full name of the package that was asked about; `nil` takes the last statement, where builders put it.
    package var target: String?

    package init(_ assertions: [Assertion], target: String? = nil) {
        self.assertions = assertions
        self.target = target
    }

    /// The name under which a bundle that is empty or lacks its target is reported.
    package static let bundleRule = "bundle"
    /// The name under which a statement that can't be read is reported.
    package static let statementRule = "statement"

    /// Checks every statement. Violations come in the reverse order of the bundle, the target's first, as Leeway
    /// prints them.
    package func check(_ bundle: ProvenanceBundle) -> AssertionReport {
        var report = AssertionReport(assertions: assertions, statementCount: bundle.entries.count)
        guard !bundle.isEmpty else {
            report.violations = [
                Violation(subject: "", assertion: Self.bundleRule, explanation: "the bundle has no statement")
            ]
            return report
        }
        var statements: [CheckedStatement] = []
        var unreadable: [Violation] = []
        for entry in bundle.entries {
            do {
                statements.append(CheckedStatement(view: try ProvenanceView(entry.envelope), line: entry.number))
            } catch {
                unreadable.append(
                    Violation(
                        subject: "line \(entry.number)", assertion: Self.statementRule, explanation: error.message,
                        line: entry.number))
            }
        }
        let index = SubjectIndex(statements)
        let found = findTarget(statements, in: bundle)
        report.violations = found.violations
        for statement in statements.reversed() {
            for assertion in assertions {
                if case .artifact = assertion, statement.line != found.line { continue }
                for explanation in assertion.failures(of: statement.view, index) {
                    report.violations.append(
                        Violation(
                            subject: statement.name, assertion: assertion.name, explanation: explanation,
                            line: statement.line))
                }
            }
        }
        report.violations += unreadable.reversed()
        return report
    }

    private func findTarget(
        _ statements: [CheckedStatement], in bundle: ProvenanceBundle
    ) -> (line: Int?, violations: [Violation]) {
        guard let target else {
            // An unreadable last line is a violation already; the one before it is not the target.
            let last = statements.last?.line
            return (last == bundle.entries.last?.number ? last : nil, [])
        }
        if let statement = statements.last(where: { $0.view.entryPoint.utf8.elementsEqual(target.utf8) }) {
            return (statement.line, [])
        }
        let violation = Violation(
            subject: target, assertion: Self.bundleRule, explanation: "has no statement in the bundle")
        return (nil, [violation])
    }
}

/// A statement that was read, and where it stands.
struct CheckedStatement {
    let view: ProvenanceView
    let line: Int

    /// The name for violations.
    var name: String { view.entryPoint.isEmpty ? "line \(line)" : view.entryPoint }
}

/// Which packages have a statement about which SHA-256 digests.
struct SubjectIndex {
    private var digests: [String: Set<String>] = [:]

    init(_ statements: [CheckedStatement]) {
        for statement in statements {
            digests[statement.view.entryPoint, default: []].formUnion(
                statement.view.subjects.compactMap { $0.digest["sha256"] })
        }
    }

    /// Whether a package has any statement.
    func hasStatement(of package: String) -> Bool { digests[package] != nil }

    /// Whether a package has a statement whose subject has this digest.
    func hasStatement(of package: String, about digest: String) -> Bool {
        digests[package]?.contains(digest) == true
    }
}
