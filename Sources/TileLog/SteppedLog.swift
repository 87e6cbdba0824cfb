package import Bytes
package import Ledger

/// A log without threads: each step runs when it is called and has ended when it returns, so that a simulated disk sees
/// one order of writes. What the steps do is what `TransparencyLog` does on its threads.
package final class SteppedLog {
    private let parts: LogParts
    private let writer: LogWriter
    private let keeper: LogKeeper
    private let reader: LogReader
    private let sign: (Checkpoint) -> String

    /// Opens the log, or makes it. `sign` gives the note over a checkpoint.
    package init(
        _ storage: any LogStorage, origin: String, settings: LogSettings,
        sign: @escaping (Checkpoint) -> String
    ) throws {
        let opened = try LogOpening(
            storage, origin: origin, signers: [], settings: settings, clock: { 0 })
        parts = opened.parts
        self.sign = sign
        writer = LogWriter(
            storage, parts.memory, settings, identity: parts.identity, noteByteCount: Self.noteByteCount,
            index: parts.index, log: opened.log)
        keeper = LogKeeper(
            storage, parts.memory, settings, layout: parts.identity.layout,
            index: LogIndex.Writer(parts.index, leastStep: settings.indexMergeCount))
        reader = LogReader(
            parts.memory, packs: PackReader(storage, parts.memory, parts.identity.layout), index: parts.index,
            settings: settings)
        if opened.isNew { _ = try add([]) }
    }

    /// The most bytes of a note that `sign` gives.
    private static let noteByteCount = 192

    package var checkpoint: SignedCheckpoint { parts.memory.withState { $0.checkpoint } }

    /// Commits a batch and gives the index of each entry.
    package func add(_ entries: [NewEntry], clock: UInt64 = 0) throws -> [UInt64] {
        if let failure = parts.memory.withState({ $0.failure }) { throw failure }
        try writer.checkSpace()
        let limit = parts.identity.layout.greatestEntryByteCount(noteByteCount: Self.noteByteCount)
        let hashed = try entries.map { try HashedEntry($0, parts.settings, limit: limit) }
        let batch = try writer.prepare([hashed], clock: clock)
        if !batch.entries.isEmpty || entries.isEmpty {
            if !writer.hasRoom(for: batch) { try keep(isForced: true) }
            guard writer.hasRoom(for: batch) else { throw TileLogError(.busy, "there is no room for the batch") }
            try writer.commit(batch, note: sign(batch.checkpoint))
        }
        return try batch.placements[0].get().map(\.index)
    }

    /// Moves what is committed into packs and the index.
    package func keep(isForced: Bool) throws { try keeper.keepUp(isForced: isForced) }

    /// Ends the write-ahead log as a log that is closed does.
    package func close() throws { try writer.close() }

    package func entries(bundle: UInt64, width: Int) throws -> [[UInt8]] {
        try reader.entries(bundle: bundle, width: width)
    }
    package func entry(_ index: UInt64) throws -> StoredEntry { try reader.entry(index) }
    package func root(size: UInt64) throws -> Digest { try reader.root(size: size) }
    package func index(of identity: Digest) throws -> UInt64? { try reader.index(of: identity) }
    package func search(_ key: SearchKey) throws -> [UInt64] {
        try reader.search(key.shortened(salt: parts.identity.salt), from: 0, limit: .max)
    }
}
