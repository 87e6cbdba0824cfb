internal import Build
package import Bytes
internal import Workspace

extension BuildRecord {
    /// The record as `build --json` prints it: what came of every package and of each of its steps.
    package var json: JSON {
        [
            "succeeded": .bool(succeeded == true), "milliseconds": Self.milliseconds(time),
            "packages": .array(packages.map(Self.json)),
            "warnings": .array(
                warnings.map { warning in
                    [
                        "package": warning.package.map { .string($0.description) } ?? .null,
                        "message": .string(warning.text),
                    ]
                }),
        ]
    }

    private static func json(_ entry: Entry) -> JSON {
        [
            "name": .string(entry.plan.name.description), "type": entry.plan.type.map { .string($0.rawValue) } ?? .null,
            "version": .string(entry.plan.leewayVersion), "result": .string(entry.status.rawValue),
            "artifact": entry.artifact.map { .string($0.description) } ?? .null,
            "reason": entry.reason.map { .string($0) } ?? .null,
            "milliseconds": entry.duration.map(milliseconds) ?? .null,
            "steps": .array(
                entry.steps.map { step in
                    [
                        "kind": .string(step.kind.rawValue),
                        "result": .string(step.result.word),
                        "milliseconds": step.duration.map(milliseconds) ?? .null,
                    ]
                }),
        ]
    }

    private static func milliseconds(_ duration: Duration) -> JSON {
        let (seconds, attoseconds) = duration.components
        return .integer(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}

/// Prints the record of a build for programs when it ends.
struct SummaryReport: BuildReport {
    /// Takes the text.
    var write: @Sendable (String) throws -> Void

    mutating func receive(_ event: BuildEvent, _ record: BuildRecord) {}

    mutating func finish(_ record: BuildRecord) throws { try write(record.json.text(indented: true) + "\n") }
}
