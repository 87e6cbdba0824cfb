internal import Dispatch
internal import Glibc

/// The signals by which people and systems end a program: SIGINT, SIGTERM and SIGHUP.
package enum TerminationSignals {
    /// Runs `body`, and cancels it when such a signal comes; a second one ends the program at once.
    ///
    /// - Returns: what `body` gives.
    /// - Throws: what `body` throws, which is `CancellationError` or what it makes of that.
    package static func cancelling<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let task = Task { try await body() }
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if task.isCancelled { exit(128 + number) }
                task.cancel()
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Lets keys typed at the terminal pass by this process, which another one ends.
    package static func ignoreInterrupts() { signal(SIGINT, SIG_IGN) }
}
