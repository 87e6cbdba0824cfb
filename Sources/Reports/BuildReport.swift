package import Build
internal import Synchronization

/// Something that tells people or programs how a build goes.
///
/// It gets the events of one build in order, each after `record` has taken it in. All calls come from one place at a
/// time, and the build waits for them, so they must be quick.
package protocol BuildReport: Sendable {
    /// Takes note of an event.
    mutating func receive(_ event: BuildEvent, _ record: BuildRecord)

    /// Is called about ten times a second while the build runs, with the time since the build began.
    mutating func refresh(_ record: BuildRecord, at time: Duration)

    /// Is called once after the last event, also when the build was cancelled: files are written here.
    mutating func finish(_ record: BuildRecord) throws
}

extension BuildReport {
    package mutating func refresh(_ record: BuildRecord, at time: Duration) {}
    package mutating func finish(_ record: BuildRecord) throws {}
}

/// All reports of one build. Events may be sent from any task; they are handed on in the order in which they arrive.
package final class BuildReports: Sendable {
    private struct State {
        var record = BuildRecord()
        var reports: [any BuildReport]
    }

    /// Guards the record and the reports; held while a report draws, so that lines don't mix. No other lock is taken
    /// inside.
    private let state: Mutex<State>

    package init(_ reports: [any BuildReport]) {
        state = Mutex(State(reports: reports))
    }

    /// Records `event` and gives it to each report.
    package func receive(_ event: BuildEvent) {
        state.withLock { state in
            state.record.apply(event)
            for index in state.reports.indices { state.reports[index].receive(event, state.record) }
        }
    }

    /// Lets the displays redraw. `time` counts from the beginning of the build.
    package func refresh(at time: Duration) {
        state.withLock { state in
            for index in state.reports.indices { state.reports[index].refresh(state.record, at: time) }
        }
    }

    /// Ends all reports and gives what went wrong with any of them; one that fails doesn't stop the others.
    package func finish() -> [any Error] {
        state.withLock { state in
            var failures: [any Error] = []
            for index in state.reports.indices {
                do { try state.reports[index].finish(state.record) } catch { failures.append(error) }
            }
            return failures
        }
    }

    /// What is known of the build so far.
    package var record: BuildRecord { state.withLock { $0.record } }

    /// Runs `body` while the displays redraw every `interval`. The build's time counts from `start`.
    package func refreshing<Result>(
        from start: ContinuousClock.Instant, every interval: Duration = .milliseconds(100),
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        async let _ = refreshUntilCancelled(from: start, every: interval)
        return try await body()
    }

    @concurrent
    private func refreshUntilCancelled(from start: ContinuousClock.Instant, every interval: Duration) async {
        // The sleep ends with an error as soon as the body is done and its scope cancels this task.
        while (try? await Task.sleep(for: interval)) != nil { refresh(at: start.duration(to: .now)) }
    }
}
