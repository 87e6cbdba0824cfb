internal import Synchronization

/// What waits to be added: whoever adds puts it in and sleeps, the writer takes what there is.
final class AddQueue: Sendable {
    /// What is asked of the writer.
    enum Kind: Sendable {
        case add
        /// A new signature over the same tree.
        case refresh
        case freeze
    }

    struct Request: Sendable {
        let kind: Kind
        let entries: [HashedEntry]
        let byteCount: Int
        /// Called once, on the writer's thread; it must be quick.
        let answer: @Sendable (Result<Committed, TileLogError>) -> Void
    }

    private struct State: Sendable {
        var requests: [Request] = []
        var count = 0
        var byteCount = 0
        var isClosed = false
    }

    /// Guards the list alone.
    private let state = Mutex(State())
    private let greatestCount: Int
    private let greatestByteCount: Int
    /// Says that something came; several things may be said once.
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(_ settings: LogSettings) {
        greatestCount = settings.greatestWaitingCount
        greatestByteCount = settings.greatestWaitingByteCount
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Waits until the entries are in the log.
    func submit(_ kind: Kind, _ entries: [HashedEntry], byteCount: Int) async throws(TileLogError) -> Committed {
        let result = await withCheckedContinuation { continuation in
            submit(Request(kind: kind, entries: entries, byteCount: byteCount) { continuation.resume(returning: $0) })
        }
        return try result.get()
    }

    /// Puts a request in. Where there is no room for it, it is answered at once.
    func submit(_ request: Request) {
        enum Outcome { case first, further, refused(TileLogError) }
        let outcome: Outcome = state.withLock { state in
            guard !state.isClosed else { return .refused(TileLogError(.stopped, "the log is closed")) }
            let isFirst = state.requests.isEmpty
            // A single call may be as long as it likes: it waits for its own parts.
            guard
                isFirst
                    || state.count + request.entries.count <= greatestCount
                        && state.byteCount + request.byteCount <= greatestByteCount
            else {
                return .refused(TileLogError(.busy, "\(state.count) entries wait already; try again in a moment"))
            }
            state.requests.append(request)
            state.count += request.entries.count
            state.byteCount += request.byteCount
            return isFirst ? .first : .further
        }
        switch outcome {
        // Whoever takes goes on until nothing is left.
        case .first: signal.yield()
        case .further: break
        case .refused(let error): request.answer(.failure(error))
        }
    }

    /// Takes the oldest requests, at least one when there is any.
    func take(count: Int, byteCount: Int) -> [Request] {
        state.withLock { state in
            var (entries, bytes, taken) = (0, 0, 0)
            for request in state.requests {
                guard taken == 0 || entries + request.entries.count <= count && bytes + request.byteCount <= byteCount
                else { break }
                entries += request.entries.count
                bytes += request.byteCount
                taken += 1
            }
            let requests = Array(state.requests[..<taken])
            state.requests.removeFirst(taken)
            state.count -= entries
            state.byteCount -= bytes
            return requests
        }
    }

    /// Takes nothing more; what waits is still given out.
    func close() {
        state.withLock { $0.isClosed = true }
        signal.finish()
    }
}
