/// Something that is wrong or doubtful in a workspace's files: where, what, and what to do about it.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable, Comparable {
        case warning, error

        package static func < (left: Self, right: Self) -> Bool { left == .warning && right == .error }
    }

    package var severity: Severity
    package var message: String
    package var location: SourceLocation
    /// What to do; empty when the message says it.
    package var remedy: String

    package init(_ severity: Severity, _ message: String, at location: SourceLocation, remedy: String = "") {
        self.severity = severity
        self.message = message
        self.location = location
        self.remedy = remedy
    }

    /// `file:line: severity: message; remedy`, which editors and CI systems understand.
    package var description: String {
        "\(location): \(severity.rawValue): \(message)" + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}
