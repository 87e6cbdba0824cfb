internal import Bytes
internal import Host
internal import Ledger

/// What was committed with a request.
struct Committed: Sendable {
    let placements: [LogWriter.Placement]
    let checkpoint: SignedCheckpoint
    /// Gives proofs for new entries.
    let tree: TileTree
}

/// The thread that commits.
actor WriterLane {
    private let lane = BlockingLane(name: "martlet.log.write")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    private let parts: LogParts
    private let log: WriteAheadLog
    private let keeper: KeeperLane
    private let queue: AddQueue
    private var writer: LogWriter?

    init(_ parts: LogParts, log: WriteAheadLog, keeper: KeeperLane, queue: AddQueue) {
        self.parts = parts
        self.log = log
        self.keeper = keeper
        self.queue = queue
    }

    /// Makes what the thread needs; signs the empty tree of a new log.
    func start(isNew: Bool) async throws {
        let writer = LogWriter(
            parts.storage, parts.memory, parts.settings, identity: parts.identity, noteByteCount: parts.noteByteCount,
            index: parts.index, log: log)
        self.writer = writer
        guard isNew else { return }
        let batch = try writer.prepare([], clock: parts.clock())
        try writer.commit(batch, note: try await note(over: batch.checkpoint, at: batch.time))
    }

    /// Commits what comes, until the queue is closed and empty.
    func run() async {
        for await _ in queue.signals { await drain() }
        await drain()
        // A failure is in the memory, and the next start tells the rest.
        try? writer?.close()
    }

    private func drain() async {
        while true {
            let requests = queue.take(
                count: parts.settings.greatestBatchCount, byteCount: parts.greatestBatchByteCount)
            guard !requests.isEmpty else { return }
            do {
                try await commit(requests)
            } catch {
                let reason = error as? TileLogError ?? TileLogError(.unreachable, "the log can't answer: \(error)")
                for request in requests { request.answer(.failure(reason)) }
            }
        }
    }

    private func commit(_ requests: [AddQueue.Request]) async throws {
        guard let writer else { throw TileLogError(.stopped, "the log has not started") }
        if let failure = parts.memory.withState({ $0.failure }) { throw failure }
        try writer.checkSpace()
        let isFreezing = requests.contains { $0.kind == .freeze }
        let batch = try writer.prepare(
            requests.map(\.entries), clock: parts.clock(), freezing: isFreezing)
        if !batch.entries.isEmpty || requests.contains(where: { $0.kind != .add }) {
            if !writer.hasRoom(for: batch) { try await keeper.keepUp(isForced: true) }
            guard writer.hasRoom(for: batch) else {
                throw TileLogError(.busy, "the log's files can't be written as fast as entries come; try again")
            }
            try writer.commit(batch, note: try await note(over: batch.checkpoint, at: batch.time))
            if batch.firstIndex / 256 != batch.edge.size / 256 { keeper.signal() }
        }
        var tree = try batch.edge.tree()
        for full in batch.full { tree.insert(full.tile, level: full.level, index: full.index) }
        let checkpoint = parts.memory.withState { $0.checkpoint }
        for (request, placements) in zip(requests, batch.placements) {
            request.answer(placements.map { Committed(placements: $0, checkpoint: checkpoint, tree: tree) })
        }
    }

    /// The note over a checkpoint by all keys. It must not be shown to anybody before it is on the disk.
    private func note(over checkpoint: Checkpoint, at time: UInt64) async throws -> String {
        var note = Note(text: checkpoint.text)
        for signer in parts.signers {
            do {
                note.append(try await signer.line(for: checkpoint, at: time))
            } catch {
                throw TileLogError(.unreachable, "the log's key \(signer.name) did not sign: \(error)")
            }
        }
        guard note.description.utf8.count <= parts.noteByteCount else {
            throw TileLogError(.limit, "the checkpoint's signatures are longer than the log has room for")
        }
        return note.description
    }
}

/// The thread that moves what is committed into packs and the index.
actor KeeperLane {
    private let lane = BlockingLane(name: "martlet.log.keep")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    private let parts: LogParts
    private let signals: AsyncStream<Void>
    private nonisolated let continuation: AsyncStream<Void>.Continuation
    private var keeper: LogKeeper?

    init(_ parts: LogParts) {
        self.parts = parts
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Makes what the thread needs.
    func start() throws {
        keeper = LogKeeper(
            parts.storage, parts.memory, parts.settings, layout: parts.identity.layout,
            index: LogIndex.Writer(parts.index, leastStep: parts.settings.indexMergeCount))
    }

    /// Says that there is something to keep.
    nonisolated func signal() { continuation.yield() }

    /// Ends `run` when everything is kept.
    nonisolated func finish() { continuation.finish() }

    /// Works when told to, until `finish`.
    func run() async {
        // What a full disk prevents is tried again with the next signal; other errors the memory holds.
        for await _ in signals { try? keeper?.keepUp(isForced: false) }
        try? keeper?.keepUp(isForced: true)
    }

    func keepUp(isForced: Bool) throws { try keeper?.keepUp(isForced: isForced) }
}

/// The thread that reads.
actor ReaderLane {
    private let lane = BlockingLane(name: "martlet.log.read")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    private let parts: LogParts
    private var reader: LogReader?

    init(_ parts: LogParts) { self.parts = parts }

    /// Makes what the thread needs.
    func start() throws {
        reader = LogReader(
            parts.memory, packs: PackReader(parts.storage, parts.memory, parts.identity.layout),
            index: parts.index, settings: parts.settings)
    }

    /// What `body` reads.
    func read<Value: Sendable>(_ body: @Sendable (LogReader) throws -> Value) throws -> Value {
        guard let reader else { throw TileLogError(.stopped, "the log has not started") }
        return try body(reader)
    }
}

/// What the threads of a log share.
struct LogParts: Sendable {
    let storage: any LogStorage
    let memory: LogMemory
    let settings: LogSettings
    let identity: LogIdentity
    let index: LogIndex
    let signers: [NoteSigner]
    let clock: @Sendable () -> UInt64

    /// The most bytes of a note: the text, and for each key a line as long as RSA's of 4,096 bits.
    var noteByteCount: Int { 128 + identity.origin.utf8.count + signers.reduce(0) { $0 + 768 + $1.name.utf8.count } }

    /// The longest entry with its keys.
    var entryLimit: Int { identity.layout.greatestEntryByteCount(noteByteCount: noteByteCount) }

    /// The most bytes of entries in one batch.
    var greatestBatchByteCount: Int {
        identity.layout.greatestRecordByteCount - noteByteCount - LogRecord.headerByteCount
    }
}
