internal import NIOPosix

/// Threads for calls that block: files, and whatever computes for long. Handlers run on the few threads of the
/// cooperative pool, which must never wait.
package enum FileThreads {
    /// Runs `body` on such a thread.
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(body)
    }
}
