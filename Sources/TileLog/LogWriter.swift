internal import Bytes
internal import Ledger

/// Makes batches of new entries and commits them. One thread's; it waits for the disk.
///
/// A batch is prepared, then signed by whoever holds the keys, then committed: a signature is on the disk before anybody
/// sees it, and what is on the disk after a crash is all that was ever seen.
final class LogWriter {
    private let storage: any LogStorage
    private let memory: LogMemory
    private let settings: LogSettings
    private let origin: String
    private let salt: [UInt8]
    private let index: LogIndex
    private let packs: PackReader
    /// The longest entry with its keys, and the longest note.
    private let entryLimit: Int
    private let noteByteCount: Int
    private var log: WriteAheadLog
    /// Whether the newest record has entries.
    private var needsEnd = false

    init(
        _ storage: any LogStorage, _ memory: LogMemory, _ settings: LogSettings, identity: LogIdentity,
        noteByteCount: Int, index: LogIndex, log: WriteAheadLog
    ) {
        self.storage = storage
        self.memory = memory
        self.settings = settings
        origin = identity.origin
        salt = identity.salt
        self.index = index
        packs = PackReader(storage, memory, identity.layout)
        entryLimit = identity.layout.greatestEntryByteCount(noteByteCount: noteByteCount)
        self.noteByteCount = noteByteCount
        self.log = log
    }

    /// Where an entry of a request is, or will be when the batch is committed.
    enum Placement: Sendable {
        case new(UInt64)
        case known(UInt64)

        var index: UInt64 {
            switch self {
            case .new(let index), .known(let index): index
            }
        }
    }

    /// A batch that lacks nothing but signatures.
    struct Batch: Sendable {
        let firstIndex: UInt64
        let entries: [LogEntry]
        let edge: TreeEdge
        let full: [TreeEdge.FullTile]
        let checkpoint: Checkpoint
        let time: UInt64
        let isFrozen: Bool
        /// For each request what became of its entries, or why it was refused.
        let placements: [Result<[Placement], TileLogError>]

        /// The bytes of its record without the note.
        var recordByteCount: Int { entries.reduce(LogRecord.headerByteCount) { $0 + $1.recordByteCount } }
    }

    /// Puts entries into order. Nothing changes yet.
    ///
    /// `clock` may go back; the log's time does not.
    func prepare(_ requests: [[HashedEntry]], clock: UInt64, freezing: Bool = false) throws -> Batch {
        let (edge, last, isFrozen) = memory.withState { ($0.edge, $0.checkpoint, $0.isFrozen) }
        var batch = BatchInProgress(edge: edge, time: max(clock, last.time))
        var placements: [Result<[Placement], TileLogError>] = []
        for request in requests {
            // A copy makes every change of the batch after it a copy too, so only requests that can fail get one.
            let before = request.contains { $0.canFail } || isFrozen ? batch : nil
            do {
                guard !isFrozen else {
                    throw TileLogError(.frozen, "the log \(origin) is frozen; send new entries to its successor")
                }
                placements.append(.success(try request.map { try place($0, in: &batch) }))
            } catch let error as TileLogError
                where error.code == .limit || error.code == .malformed || error.code == .frozen
            {
                // One request's fault must not be another's.
                if let before { batch = before }
                placements.append(.failure(error))
            }
        }
        let root = try batch.edge.tree().root()
        return Batch(
            firstIndex: edge.size, entries: batch.entries, edge: batch.edge, full: batch.full,
            checkpoint: Checkpoint(origin: origin, size: batch.edge.size, root: root), time: batch.time,
            isFrozen: isFrozen || freezing, placements: placements)
    }

    /// What `prepare` has so far.
    private struct BatchInProgress {
        var edge: TreeEdge
        let time: UInt64
        var entries: [LogEntry] = []
        var full: [TreeEdge.FullTile] = []
        var places: [Digest: UInt64] = [:]
    }

    private func place(_ new: HashedEntry, in batch: inout BatchInProgress) throws -> Placement {
        if !new.entry.isRepeatable {
            if let index = batch.places[new.identity] { return .known(index) }
            if let index = try self.index(of: new.identity) { return .known(index) }
        }
        let position = EntryPosition(index: batch.edge.size, time: batch.time)
        var entry = LogEntry(bytes: [], leafHash: new.identity, identity: nil, keys: [], time: batch.time)
        entry.keys = new.entry.keys.map { $0.shortened(salt: salt) }
        switch new.entry.content {
        case .leaf(let bytes):
            entry.bytes = bytes
        case .made(let identity, let make):
            entry.bytes = try make(position)
            try HashedEntry.check(entry.bytes, new.entry.keys, limit: entryLimit)
            entry.leafHash = try settings.leafHash(entry.bytes)
            entry.identity = identity
        }
        batch.full += batch.edge.append(entry.leafHash)
        batch.entries.append(entry)
        batch.places[new.identity] = position.index
        return .new(position.index)
    }

    /// The index of the entry with this identity; `nil` when there definitely is none.
    func index(of identity: Digest) throws -> UInt64? {
        if let index = memory.withState({ $0.unindexed.index(of: identity) }) { return index }
        for candidate in try index.entries(identityPrefix: identity.prefix)
        where try self.identity(of: candidate) == identity { return candidate }
        return nil
    }

    private func identity(of index: UInt64) throws -> Digest? {
        let (bundle, place) = (index / 256, Int(index % 256))
        let inMemory = memory.withState { state in
            state.bundles[bundle].flatMap { $0.indices.contains(place) ? $0[place] : nil }
        }
        if let inMemory { return inMemory.identity ?? inMemory.leafHash }
        if let identity = try packs.facts(bundle)[place].identity { return identity }
        return Digest(try packs.tileBytes(bundle), at: place * Digest.byteCount)
    }

    /// Whether `batch` can be committed now. Where not, the keeper must first put more on the disk.
    func hasRoom(for batch: Batch) -> Bool {
        let (durable, unpacked, unindexed) = memory.withState {
            ($0.durableBundleCount * 256, $0.unpackedCount, $0.unindexedCount)
        }
        return log.hasRoom(
            for: batch.recordByteCount + noteByteCount, durable: durable)
            && max(unpacked, unindexed) + batch.entries.count <= settings.greatestBacklog
    }

    /// Throws `full` while less space is free than is kept in reserve.
    func checkSpace() throws {
        let free = try storage.freeByteCount()
        guard free >= settings.reservedByteCount else {
            throw TileLogError(
                .full,
                "only \(free) bytes are free where the log is, and \(settings.reservedByteCount) are kept in reserve; free some space, and the log goes on by itself"
            )
        }
    }

    /// Ends what was written with a record without entries, so that damage to the newest entries is told from a crash.
    func close() throws {
        let (edge, checkpoint, isFrozen, failure) = memory.withState {
            ($0.edge, $0.checkpoint, $0.isFrozen, $0.failure)
        }
        guard failure == nil, needsEnd else { return }
        let end = Batch(
            firstIndex: edge.size, entries: [], edge: edge, full: [], checkpoint: checkpoint.checkpoint,
            time: checkpoint.time, isFrozen: isFrozen, placements: [])
        guard hasRoom(for: end) else { return }
        try commit(end, note: checkpoint.note)
    }

    /// Writes the batch and waits for the disk; when it returns, the batch is the log's. `full` leaves everything as it
    /// was; after every other error nobody knows, and the log has stopped.
    func commit(_ batch: Batch, note: String) throws {
        let record = LogRecord(
            segment: 0, number: 0, previous: MerkleTree.emptyRoot, firstIndex: batch.firstIndex, time: batch.time,
            isFrozen: batch.isFrozen, note: note, entries: batch.entries)
        do {
            try log.append(record)
        } catch let error as TileLogError where error.code == .full {
            throw error
        } catch {
            let failure = TileLogError(
                .stopped,
                "the log has stopped, because its disk did not keep what was written: \(error); check the disk, then start again"
            )
            memory.withState { $0.failure = failure }
            throw failure
        }
        needsEnd = !batch.entries.isEmpty
        memory.withState { state in
            state.append(batch.entries, edge: batch.edge, full: batch.full)
            state.checkpoint = SignedCheckpoint(checkpoint: batch.checkpoint, note: note, time: batch.time)
            state.isFrozen = batch.isFrozen
        }
    }
}

/// A new entry whose size and hash are known. Made on the thread of whoever adds it.
struct HashedEntry: Sendable {
    let entry: NewEntry
    /// The leaf hash, or what the entry is added under.
    let identity: Digest

    /// Whether it may turn out to be wrong when its bytes are made.
    var canFail: Bool {
        if case .made = entry.content { return true }
        return false
    }

    /// `limit` is the most bytes of an entry with its keys in this log.
    init(_ entry: NewEntry, _ settings: LogSettings, limit: Int) throws {
        self.entry = entry
        switch entry.content {
        case .leaf(let bytes):
            try Self.check(bytes, entry.keys, limit: limit)
            identity = try settings.leafHash(bytes)
        case .made(let identity, _):
            try Self.check([], entry.keys, limit: limit)
            self.identity = identity
        }
    }

    /// The bytes that the entry may take in a record.
    func recordByteCount(limit: Int) -> Int {
        guard case .leaf(let bytes) = entry.content else { return limit }
        return Self.recordByteCount(bytes, entry.keys)
    }

    private static func recordByteCount(_ bytes: [UInt8], _ keys: [SearchKey]) -> Int {
        5 + Digest.byteCount + keys.count * 8 + bytes.count
    }

    static func check(_ bytes: [UInt8], _ keys: [SearchKey], limit: Int) throws(TileLogError) {
        guard bytes.count <= EntryBundle.greatestEntryByteCount else {
            throw TileLogError(
                .limit, "an entry has at most \(EntryBundle.greatestEntryByteCount) bytes, not \(bytes.count)")
        }
        guard keys.count <= NewEntry.greatestKeyCount else {
            throw TileLogError(
                .limit, "an entry is found by at most \(NewEntry.greatestKeyCount) keys, not \(keys.count)")
        }
        guard recordByteCount(bytes, keys) <= limit else {
            throw TileLogError(
                .limit, "this log was made with room for entries of \(limit) bytes, not \(recordByteCount(bytes, keys))"
            )
        }
    }
}
