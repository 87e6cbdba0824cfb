internal import Bytes
internal import Host
internal import Ledger

/// Moves what is committed from memory into packs and into the index. One thread's; it waits for the disk while the
/// writer goes on.
///
/// Nothing depends on when it does so: until a pack is on the disk for good, the write-ahead log keeps its entries.
final class LogKeeper {
    private let storage: any LogStorage
    private let memory: LogMemory
    private let settings: LogSettings
    private let layout: LogSettings.Layout
    private let index: LogIndex.Writer
    private var file: (any LogFile)?
    private var isNameNew = false

    init(
        _ storage: any LogStorage, _ memory: LogMemory, _ settings: LogSettings, layout: LogSettings.Layout,
        index: LogIndex.Writer
    ) {
        self.storage = storage
        self.memory = memory
        self.settings = settings
        self.layout = layout
        self.index = index
    }

    /// Does what is due; with `isForced` everything that can be done.
    func keepUp(isForced: Bool) throws {
        try stoppingOnFailure {
            while try packNext() {}
            let (unsynced, unindexed) = memory.withState {
                ($0.packedBundleCount - $0.durableBundleCount, $0.unindexedCount)
            }
            if unsynced > 0, isForced || unsynced >= 64 { try synchronize() }
            if unindexed > 0, isForced || unindexed >= settings.indexBatchCount { try updateIndex() }
        }
    }

    /// A full disk ends what was begun and leaves it to be tried again; every other error stops the log.
    private func stoppingOnFailure(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            if let full = Self.fullDisk(error) { throw full }
            let failure = TileLogError(
                .stopped,
                "the log has stopped, because its files can't be written: \(error); check the disk, then start again"
            )
            memory.withState { $0.failure = $0.failure ?? failure }
            throw failure
        }
    }

    /// Writes the next full bundle to the pack; `false` when there is none.
    private func packNext() throws -> Bool {
        let (bundle, entries, tile, open) = memory.withState { state in
            let bundle = state.packedBundleCount
            return (
                bundle, state.bundles[bundle] ?? [], state.tiles[LogState.TilePlace(level: 0, index: bundle)],
                state.openPack
            )
        }
        if open.offsets.count == layout.packBundleCount { try finish(open) }
        guard entries.count == HashTile.fullWidth, let tile else { return false }
        let pack = memory.withState { $0.openPack }
        let file = try openFile(pack)
        let (bytes, header) = try PackBundle.encode(index: bundle, entries: entries, tile: tile)
        do {
            try file.write(bytes, at: pack.byteCount)
        } catch {
            // A part of it would be found behind the end of the pack; the file system may refuse even this.
            try? file.resize(to: pack.byteCount)
            throw error
        }
        memory.withState { state in
            state.openPack.offsets.append(UInt64(pack.byteCount))
            state.openPack.roots.append(header.root)
            state.openPack.byteCount += bytes.count
            state.forgetPacked(bundle)
        }
        return true
    }

    private func openFile(_ pack: LogState.OpenPack) throws -> any LogFile {
        if let file { return file }
        let name = Packs.fileName(pack.number)
        let file: any LogFile
        if let known = try storage.open(name) {
            file = known
        } else {
            try storage.makeDirectory(Packs.directory)
            file = try storage.create(name)
        }
        isNameNew = true
        // What stands behind the end was written before a crash, and is written again.
        if try file.size() > pack.byteCount { try file.resize(to: pack.byteCount) }
        self.file = file
        return file
    }

    /// Ends a pack that has all of its bundles.
    private func finish(_ pack: LogState.OpenPack) throws {
        let file = try openFile(pack)
        let firstBundle = pack.number * UInt64(layout.packBundleCount)
        let endBundle = firstBundle + UInt64(layout.packBundleCount)
        // The third level's hashes are those of full tiles of the second; the last of them may end with this pack.
        let upper = memory.withState { state -> [Digest] in
            guard let last = (endBundle / 256).subtractingOne else { return [] }
            return Array((state.tile(level: 2, index: last / 256)?.hashes ?? []).prefix(Int(last % 256) + 1))
        }
        let footer = PackFooter(pack: pack.number, offsets: pack.offsets, roots: pack.roots, upper: upper)
        let bytes = footer.encoded
        do {
            try file.write(bytes, at: pack.byteCount)
            try synchronize()
        } catch {
            if Self.fullDisk(error) != nil { try? file.resize(to: pack.byteCount) }
            throw error
        }
        memory.withState { state in
            state.openPack = LogState.OpenPack(number: pack.number + 1)
            if endBundle % 256 == 0 {
                state.tiles[LogState.TilePlace(level: 1, index: endBundle / 256 - 1)] = nil
            }
        }
        self.file = nil
    }

    /// Waits until all bundles in the open pack are on the disk, so that the write-ahead log's room is free.
    private func synchronize() throws {
        guard let file else { return }
        let packed = memory.withState { $0.packedBundleCount }
        do {
            try file.synchronize()
            if isNameNew {
                try storage.synchronizeNames(in: Packs.directory)
                try storage.synchronizeNames(in: "")
                isNameNew = false
            }
        } catch {
            // Whatever the reason is, the system may have thrown away what it could not write.
            throw TileLogError(.stopped, "\(error)")
        }
        memory.withState { $0.durableBundleCount = packed }
    }

    /// Adds everything that the index lacks.
    private func updateIndex() throws {
        let parts = memory.withState { $0.unindexed.take() }
        guard let last = parts.last?.last else { return }
        try index.append(
            parts.joined().map(\.addition), mark: IndexMark(count: last.index + 1, lastIdentity: last.identity))
        memory.withState { $0.forgetIndexed(parts: parts.count) }
    }

    static func fullDisk(_ error: any Error) -> TileLogError? {
        if let error = error as? HostError, error.code == .noSpace { return TileLogError(.full, "\(error)") }
        if let error = error as? TileLogError, error.code == .full { return error }
        return nil
    }
}

extension UInt64 {
    /// The number before; `nil` for 0.
    fileprivate var subtractingOne: UInt64? { self == 0 ? nil : self - 1 }
}
