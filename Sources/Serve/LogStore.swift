package import Bytes
internal import HTTPTypes
package import Ledger
internal import TileLog

/// What the faces of a log need of its storage.
package protocol LogStore: Sendable {
    /// Adds bodies, each with what it is found by, and gives them back durable, proven and signed for. One that is there
    /// already comes back as it is.
    func add(_ bodies: [LogSubmission]) async throws -> [ProvenEntry]

    /// Adds bytes as entries that nothing but their hash finds, and gives their places.
    func place(_ leaves: [[UInt8]]) async throws -> (indexes: [UInt64], head: LogHead)

    /// Adds one body without a task that waits: `answer` is called once, on any thread, and must be quick.
    func add(_ submission: LogSubmission, answer: @escaping @Sendable (Result<AddedBody, any Error>) -> Void)

    /// The entry at this place with a proof under the newest checkpoint; `nil` where there is none.
    func entry(at index: UInt64) async throws -> ProvenEntry?

    /// Where the leaf with this hash is; `nil` where it is not.
    func index(ofLeafHash hash: Digest) async throws -> UInt64?

    /// The entries that are found by `key`, in order, at most `limit`.
    func search(_ key: String, limit: Int) async throws -> [UInt64]

    /// The newest checkpoint, signed by the log.
    func head() async throws -> LogHead

    /// Whether no entries are taken any more.
    var isFrozen: Bool { get }

    /// From the tree of `size` leaves, which is at most the newest.
    func inclusionProof(of index: UInt64, size: UInt64) async throws -> [Digest]
    func consistencyProof(from old: UInt64, to new: UInt64) async throws -> [Digest]
    func root(size: UInt64) async throws -> Digest

    /// A hash tile, or a bundle of entries; `.absent` where the newest checkpoint does not imply it.
    func tile(_ tile: TileCoordinate) async throws -> [UInt8]
    func entryBundle(_ index: UInt64, width: Int) async throws -> [UInt8]
}

/// A body that is to be logged.
package struct LogSubmission: Hashable, Sendable {
    package let body: [UInt8]
    package let searchKeys: [String]

    package init(body: [UInt8], searchKeys: [String]) {
        self.body = body
        self.searchKeys = searchKeys
    }
}

/// What came of a body: it is durable and signed for.
package struct AddedBody: Sendable {
    package let index: UInt64
    /// Whether it was there before it was added.
    package let isDuplicate: Bool
    /// Computes the proof of a body that was not there before.
    package let proof: @Sendable () throws -> (path: [Digest], head: LogHead)

    package init(
        index: UInt64, isDuplicate: Bool, proof: @escaping @Sendable () throws -> (path: [Digest], head: LogHead)
    ) {
        self.index = index
        self.isDuplicate = isDuplicate
        self.proof = proof
    }
}

/// A signed checkpoint.
package struct LogHead: Hashable, Sendable {
    package let size: UInt64
    package let root: Digest
    /// The note.
    package let checkpoint: String

    package init(size: UInt64, root: Digest, checkpoint: String) {
        self.size = size
        self.root = root
        self.checkpoint = checkpoint
    }
}

/// An entry of a log, with its proof.
package struct ProvenEntry: Hashable, Sendable {
    package let index: UInt64
    package let body: [UInt8]
    /// When it was first logged, in seconds since 1970.
    package let time: UInt64
    /// Whether it was there before it was added.
    package let isDuplicate: Bool
    package let path: [Digest]
    package let head: LogHead

    package init(
        index: UInt64, body: [UInt8], time: UInt64, isDuplicate: Bool, path: [Digest], head: LogHead
    ) {
        self.index = index
        self.body = body
        self.time = time
        self.isDuplicate = isDuplicate
        self.path = path
        self.head = head
    }
}

extension TransparencyLog: LogStore {
    package func add(_ submissions: [LogSubmission]) async throws -> [ProvenEntry] {
        let added = try await add(submissions.map { NewEntry($0) })
        return zip(added, submissions).map { added, submission in
            ProvenEntry(
                index: added.index, body: submission.body, time: added.time / 1000, isDuplicate: added.isDuplicate,
                path: added.inclusionProof, head: LogHead(added.checkpoint))
        }
    }

    package func place(_ leaves: [[UInt8]]) async throws -> (indexes: [UInt64], head: LogHead) {
        let placed = try await place(leaves.map { NewEntry(leaf: $0) })
        return (placed.indexes, LogHead(placed.checkpoint))
    }

    package func add(
        _ submission: LogSubmission, answer: @escaping @Sendable (Result<AddedBody, any Error>) -> Void
    ) {
        add(NewEntry(submission)) { result in
            switch result {
            case .success(let added):
                answer(
                    .success(
                        AddedBody(index: added.index, isDuplicate: added.isDuplicate) {
                            (try added.inclusionProof(), LogHead(added.checkpoint))
                        }))
            case .failure(let error): answer(.failure(error))
            }
        }
    }

    package func entry(at index: UInt64) async throws -> ProvenEntry? {
        let head = LogHead(checkpoint)
        guard index < head.size else { return nil }
        let stored: StoredEntry = try await entry(at: index)
        return ProvenEntry(
            index: index, body: stored.bytes, time: stored.time / 1000, isDuplicate: true,
            path: try await inclusionProof(of: index, size: head.size), head: head)
    }

    package func search(_ key: String, limit: Int) async throws -> [UInt64] {
        try await search(SearchKey(key), limit: limit)
    }

    package func head() -> LogHead { LogHead(checkpoint) }

    package func inclusionProof(of index: UInt64, size: UInt64) async throws -> [Digest] {
        try await inclusionProof(of: index, size: Optional(size))
    }

    package func consistencyProof(from old: UInt64, to new: UInt64) async throws -> [Digest] {
        try await consistencyProof(from: old, to: Optional(new))
    }
}

extension NewEntry {
    fileprivate init(_ submission: LogSubmission) {
        self.init(leaf: submission.body, keys: submission.searchKeys.map { SearchKey($0) })
    }
}

extension LogHead {
    init(_ signed: SignedCheckpoint) {
        self.init(size: signed.checkpoint.size, root: signed.checkpoint.root, checkpoint: signed.note)
    }
}
