internal import Dispatch
internal import Synchronization

/// Hands bytes from async code to code that reads them and may wait: a parser on a thread of its own.
package final class BytePipe: Sendable {
    private struct State {
        var pieces: [[UInt8]] = []
        var isFinished = false
        var failure: (any Error)?
        var isReaderGone = false
        var writer: CheckedContinuation<Void, Never>?
    }

    /// Pieces that may wait for the reader.
    private static let capacity = 8

    /// Guards everything. Nothing else is locked while it is held.
    private let state = Mutex(State())
    /// Counts what there is to look at: pieces, and the end.
    private let available = DispatchSemaphore(value: 0)

    package init() {}

    /// Gives `bytes` to the reader, when it has room for them; `false` when it has gone.
    package func write(_ bytes: [UInt8]) async -> Bool {
        guard !bytes.isEmpty else { return !state.withLock { $0.isReaderGone } }
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.isReaderGone || state.pieces.count < Self.capacity { return true }
                state.writer = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
        let isGone = state.withLock { state in
            if !state.isReaderGone { state.pieces.append(bytes) }
            return state.isReaderGone
        }
        available.signal()
        return !isGone
    }

    /// Says that nothing follows; with an error, that what was given is not whole, which the reader gets to know.
    package func finish(throwing error: (any Error)? = nil) {
        state.withLock { state in
            state.isFinished = true
            state.failure = error
        }
        available.signal()
    }

    /// Runs `body` with the bytes on a thread of its own.
    package func read<Value: Sendable>(_ body: @escaping @Sendable (ByteReader) throws -> Value) async throws -> Value {
        let queue = DispatchQueue(label: "martlet.pipe")
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                let result = Result { try body(ByteReader { try self.next() }) }
                leave()
                continuation.resume(with: result)
            }
        }
    }

    private func leave() {
        let writer = state.withLock { state in
            state.isReaderGone = true
            state.pieces = []
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume()
    }

    private func next() throws -> [UInt8]? {
        while true {
            available.wait()
            var writer: CheckedContinuation<Void, Never>?
            let piece = try state.withLock { state throws -> [UInt8]? in
                guard state.pieces.isEmpty else {
                    (writer, state.writer) = (state.writer, nil)
                    return state.pieces.removeFirst()
                }
                if let failure = state.failure { throw failure }
                return nil
            }
            writer?.resume()
            if let piece { return piece }
            if state.withLock({ $0.isFinished && $0.pieces.isEmpty }) {
                // Whoever asks again gets the same answer.
                available.signal()
                return nil
            }
        }
    }
}
