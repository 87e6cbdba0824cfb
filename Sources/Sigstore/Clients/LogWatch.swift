internal import Bytes
internal import Host
package import SystemPackage

/// A monitor with a file that remembers how far it is.
package struct LogWatch: Sendable {
    private let monitor: LogMonitor
    private let file: FilePath
    private let fromStart: Bool

    package init(monitor: LogMonitor, file: FilePath, fromStart: Bool) {
        self.monitor = monitor
        self.file = file
        self.fromStart = fromStart
    }

    /// One pass over all that is new, or passes for ever, with a pause in between where the log is only unreachable.
    ///
    /// What was seen is told before it is remembered, so that nothing is ever missed; after a crash it may be told twice.
    package func run(every pause: Duration?, _ tell: (LogMonitor.Sighting) throws -> Void) async throws {
        var state = try Files.exists(file) ? try LogMonitor.State(parsing: Files.read(file, limit: 1 << 20)) : nil
        while true {
            do {
                var hasMore = true
                while hasMore {
                    let pass = try await monitor.pass(after: state, fromStart: fromStart)
                    for sighting in pass.sightings { try tell(sighting) }
                    if pass.state != state {
                        try Files.write(pass.state.json.bytes(indented: true), to: file, durable: true)
                    }
                    state = pass.state
                    hasMore = pass.hasMore
                }
            } catch let error as SigstoreError where error.code == .unreachable && pause != nil {}
            guard let pause else { return }
            try await Task.sleep(for: pause)
        }
    }
}
