internal import Bytes
internal import Host
internal import Ledger
package import SystemPackage

extension TransparencyLog {
    /// Writes the log as plain files (C2SP tlog-tiles) for a web server or an object store, and gives the checkpoint of
    /// them: full tiles and bundles once, partial ones for this checkpoint alone, the checkpoint last.
    ///
    /// Every later call adds what is new. `checkpoint` is what is served, by default the log's own; it must be of this log
    /// and may have more signatures, such as those of witnesses.
    package func export(to directory: FilePath, checkpoint: SignedCheckpoint? = nil) async throws -> SignedCheckpoint {
        let checkpoint = checkpoint ?? self.checkpoint
        let size = checkpoint.checkpoint.size
        guard try await root(size: size) == checkpoint.checkpoint.root else {
            throw TileLogError(.malformed, "the checkpoint to export is not of this log")
        }
        let lane = ExportingLane(directory)
        for level in 0..<8 {
            guard let count = TileCoordinate.count(level: level, inTreeOf: size) else { break }
            for index in try await lane.firstMissing(level: level, below: count)..<count {
                try Task.checkCancellation()
                guard let tile = TileCoordinate(level: level, index: index, inTreeOf: size) else { break }
                try await lane.write(try await self.tile(tile), .tile(tile))
                guard level == 0 else { continue }
                let bundle = TileResource.entries(index: index, width: tile.width)
                try await lane.write(try await entryBundle(index, width: tile.width), bundle)
            }
        }
        try await lane.finish(Array(checkpoint.note.utf8))
        return checkpoint
    }
}

extension TileCoordinate {
    /// The number of tiles on a level, a partial one included; `nil` where there is none.
    static func count(level: Int, inTreeOf size: UInt64) -> UInt64? {
        let hashes = size >> UInt64(8 * level)
        return hashes == 0 ? nil : (hashes + 255) / 256
    }
}

/// The thread that writes exported files.
private actor ExportingLane {
    private let lane = BlockingLane(name: "martlet.log.export")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    private let directory: FilePath

    init(_ directory: FilePath) { self.directory = directory }

    /// The first tile of a level that is not there as a full one. Tiles are written in order, so a search by halves
    /// finds it; the bundle of a tile is written behind it, so the last tile of the lowest level is written again.
    func firstMissing(level: Int, below count: UInt64) throws -> UInt64 {
        var (low, high) = (UInt64(0), count)
        while low < high {
            let middle = low + (high - low) / 2
            let path = TileResource.tile(TileCoordinate(level: level, index: middle)).path
            if try Files.exists(directory.appending(path)) { low = middle + 1 } else { high = middle }
        }
        return level == 0 && low > 0 ? low - 1 : low
    }

    func write(_ bytes: [UInt8], _ resource: TileResource) throws {
        let path = directory.appending(resource.path)
        try Files.createDirectories(path.removingLastComponent())
        try Files.write(bytes, to: path)
    }

    /// Makes everything durable, then shows the checkpoint.
    func finish(_ note: [UInt8]) throws {
        try Files.createDirectories(directory)
        try OpenDirectory(directory).synchronizeFileSystem()
        try Files.write(note, to: directory.appending(TileResource.checkpoint.path), durable: true)
    }
}
