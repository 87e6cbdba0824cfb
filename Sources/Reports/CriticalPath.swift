package import Build
package import Workspace

/// The chain of steps, each waiting for the one before, that took longest: the build could not have been faster with
/// any number of processors.
package struct CriticalPath: Sendable {
    /// A step on the path.
    package struct Step: Sendable {
        package var package: PackageName
        package var kind: StepKind
        package var result: StepResult?
        /// When it ran, since the build began.
        package var start: Duration
        package var duration: Duration
    }

    /// In the order in which they had to run.
    package private(set) var steps: [Step] = []
    /// The time of all steps together, without the waiting for a free place between them.
    package private(set) var duration = Duration.zero

    /// Finds the path in what is recorded. Steps that never ended are taken to last until the record's time.
    package init(_ record: BuildRecord) {
        // The record is in dependency order, so each package finds its dependencies done.
        var places: [PackageName: Int] = [:]
        var lengths: [Duration] = []
        var previous: [Int?] = []
        for (index, entry) in record.packages.enumerated() {
            let longest = entry.plan.dependencies.compactMap { places[$0] }.max { lengths[$0] < lengths[$1] }
            let own = entry.steps.reduce(Duration.zero) { $0 + Self.duration(of: $1, record) }
            lengths.append(own + (longest.map { lengths[$0] } ?? .zero))
            previous.append(longest)
            places[entry.plan.name] = index
        }
        var next = lengths.indices.max { lengths[$0] < lengths[$1] }
        var reversed: [Step] = []
        while let index = next {
            let entry = record.packages[index]
            for step in entry.steps.reversed() {
                let duration = Self.duration(of: step, record)
                reversed.append(
                    Step(
                        package: entry.plan.name, kind: step.kind, result: step.result, start: step.start,
                        duration: duration))
                self.duration += duration
            }
            next = previous[index]
        }
        steps = reversed.reversed()
    }

    private static func duration(of step: BuildRecord.Step, _ record: BuildRecord) -> Duration {
        max(.zero, (step.end ?? record.time) - step.start)
    }
}
