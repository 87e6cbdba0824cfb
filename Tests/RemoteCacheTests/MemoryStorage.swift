import Bytes
import Synchronization

@testable import RemoteCache

/// A remote cache in memory, which does what its owner wants it to.
final class MemoryStorage: RemoteStorage {
    struct State {
        var entries: [EntryName: [UInt8]] = [:]
        var blobs: [Digest: [UInt8]] = [:]
        /// What was asked, in order.
        var requests: [String] = []
    }

    /// What happens to a request: by its number and its name.
    typealias Fault = @Sendable (Int, String) throws -> Void

    let state = Mutex(State())
    private let fault: Fault
    /// Changes what is answered, by the name of the request.
    private let change: @Sendable (String, [UInt8]) -> [UInt8]?

    init(
        copying other: MemoryStorage? = nil, change: @escaping @Sendable (String, [UInt8]) -> [UInt8]? = { $1 },
        fault: @escaping Fault = { _, _ in }
    ) {
        self.fault = fault
        self.change = change
        guard let other else { return }
        let (entries, blobs) = other.state.withLock { ($0.entries, $0.blobs) }
        state.withLock { ($0.entries, $0.blobs) = (entries, blobs) }
    }

    var shown: String { "memory" }

    var requests: [String] { state.withLock { $0.requests } }

    private func note(_ request: String) throws {
        let number = state.withLock { state in
            state.requests.append(request)
            return state.requests.count - 1
        }
        try fault(number, request)
    }

    func entry(_ name: EntryName) async throws -> [UInt8]? {
        let request = "entry \(name.namespace)"
        try note(request)
        return state.withLock { $0.entries[name] }.flatMap { change(request, $0) }
    }

    func putEntry(_ bytes: [UInt8], as name: EntryName, naming blobs: [BlobName]) async throws {
        try note("put entry \(name.namespace)")
        state.withLock { $0.entries[name] = bytes }
    }

    func open(_ blob: BlobName, from offset: Int) async throws -> IncomingBlob? {
        let request = "blob \(blob.size > 100_000 ? "large" : "small")"
        try note(request)
        guard let bytes = state.withLock({ $0.blobs[blob.digest] }).flatMap({ change(request, $0) }) else { return nil }
        let rest = Mutex([Array(bytes.dropFirst(offset))])
        return IncomingBlob(start: offset) { rest.withLock { $0.popLast() } }
    }

    func has(_ blob: BlobName) async throws -> Bool {
        try note("has")
        return state.withLock { $0.blobs[blob.digest]?.count == blob.size }
    }

    func put(_ blob: BlobName, _ content: BlobContent) async throws {
        try note("put blob")
        var bytes: [UInt8] = []
        let pieces = content.pieces
        while let piece = try pieces() { bytes += piece }
        state.withLock { $0.blobs[blob.digest] = bytes }
    }

    func close() async {}
}
