/// How a sandboxed command ended, and what it did that is worth a word.
package struct SandboxOutcome: Sendable {
    /// The end of a command.
    package enum End: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        /// It passed the limit of this name (`time`, `memory`, `processes`, `output`, `file-size`) and was ended.
        case limit(String)
    }

    /// Something that the command tried and did not get, by name.
    package struct Violation: Hashable, Sendable {
        /// A stable name, such as `network`, `mount` or `ptrace`.
        package var name: String
        /// What was tried, for people.
        package var detail: String

        package init(name: String, detail: String) {
            self.name = name
            self.detail = detail
        }
    }

    /// A path that the command used, when the request asked for tracing.
    package struct TracedFile: Hashable, Sendable {
        package var path: String
        /// Whether there was such a file.
        package var found: Bool

        package init(path: String, found: Bool) {
            self.path = path
            self.found = found
        }
    }

    package var end: End
    /// Wall-clock time from start to end.
    package var duration: Duration
    package var violations: [Violation]
    package var tracedFiles: [TracedFile]
    /// Standard output and standard error in the order in which they came, cut at the request's limit.
    package var output: [UInt8]

    package init(
        end: End, duration: Duration, violations: [Violation] = [], tracedFiles: [TracedFile] = [], output: [UInt8] = []
    ) {
        self.end = end
        self.duration = duration
        self.violations = violations
        self.tracedFiles = tracedFiles
        self.output = output
    }

    /// Whether the command ended by itself with status 0.
    package var succeeded: Bool { end == .exited(0) }
}
