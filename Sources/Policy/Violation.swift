internal import Bytes

/// One assertion that does not hold for one statement.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// The full name of the package, or where the statement names none the line of the bundle; empty for the bundle
    /// as a whole.
    package var subject: String
    /// The assertion's name.
    package var assertion: String
    /// What is not as it should be.
    package var explanation: String
    /// The line of the bundle, from 1.
    package var line: Int?

    package init(subject: String, assertion: String, explanation: String, line: Int? = nil) {
        self.subject = subject
        self.assertion = assertion
        self.explanation = explanation
        self.line = line
    }

    /// The line that Leeway prints: `PACKAGE failed ASSERTION: DESCRIPTION`, safe for a terminal.
    package var description: String {
        ((subject.isEmpty ? "" : subject + " ") + "failed \(assertion): \(explanation)").safeForTerminal
    }
}
