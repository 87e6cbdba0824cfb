internal import Bytes
internal import Host
package import Ledger
package import SystemPackage

/// Where another log is read from: a directory, a web server.
package protocol TileSource: Sendable {
    /// The bytes of a resource, at most `limit`; `nil` when it is definitely absent.
    func read(_ resource: TileResource, limit: Int) async throws -> [UInt8]?
}

/// A log in plain files, as `export` writes them.
package struct TileDirectory: TileSource {
    private let directory: FilePath

    package init(_ directory: FilePath) { self.directory = directory }

    package func read(_ resource: TileResource, limit: Int) async throws -> [UInt8]? {
        // One file at a time, on the caller's thread only for as long as its content is copied.
        do {
            return try Files.read(directory.appending(resource.path), limit: limit)
        } catch let error as HostError where error.code == .notFound {
            return nil
        }
    }
}

extension TransparencyLog {
    /// Takes over the entries of another log, from where this one ends, and checks that both have the same tree.
    ///
    /// `key` checks the other's checkpoint. Each part is compared with that log's tiles before it is added, so that what
    /// is added always belongs to it; an import that was stopped goes on where it ended. Gives the checkpoint imported.
    /// `keys` says what an entry is found by; `progress` is told how many entries there are.
    package func importEntries(
        from source: some TileSource, key: NoteKey, keys: @Sendable ([UInt8]) -> [SearchKey] = { _ in [] },
        progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws -> Checkpoint {
        guard let text = try await source.read(.checkpoint, limit: Note.greatestByteCount) else {
            throw TileLogError(.absent, "the log to import has no checkpoint")
        }
        let note = try Note(parsing: String(decoding: text, as: UTF8.self))
        try note.verify(key)
        let checkpoint = try Checkpoint(parsing: note.text)
        guard size <= checkpoint.size else {
            throw TileLogError(
                .malformed, "this log has \(size) entries already, and the one to import \(checkpoint.size)")
        }
        let tree = try await verifiedEdge(source, checkpoint)
        guard try await startsLikeThis(tree, source, checkpoint) else {
            throw TileLogError(.malformed, "this log has other entries than the one to import begins with")
        }
        while size < checkpoint.size {
            try Task.checkCancellation()
            let bundle = size / 256
            guard let tile = TileCoordinate(level: 0, index: bundle, inTreeOf: checkpoint.size) else { break }
            let hashes = try await Self.tile(tile, source)
            let entries = try await Self.entries(bundle, width: tile.width, source)
            for (entry, hash) in zip(entries, hashes.hashes) {
                guard try parts.settings.leafHash(entry) == hash else {
                    throw TileLogError(.damaged, "bundle \(bundle) of the log to import has entries of other leaves")
                }
            }
            try await Self.check(hashes, bundle, source, checkpoint, tree)
            let first = size
            try await importLeaves(Array(entries[Int(first % 256)...]), at: first, keys: keys)
            progress(size)
        }
        guard self.checkpoint.checkpoint.root == checkpoint.root else {
            throw TileLogError(.damaged, "the imported entries have another root than the checkpoint says")
        }
        return checkpoint
    }

    /// Adds entries that another log has from `first` on, which must be where this one ends.
    package func importLeaves(
        _ leaves: [[UInt8]], at first: UInt64, keys: @Sendable ([UInt8]) -> [SearchKey]
    ) async throws {
        let added = try await add(leaves.map { NewEntry(imported: $0, keys: keys($0)) }, proofs: false)
        guard added.first?.index == first, size == first + UInt64(added.count) else {
            throw TileLogError(.malformed, "somebody else added to the log during the import")
        }
    }

    /// The tree by its right edge, checked against the checkpoint.
    private func verifiedEdge(_ source: some TileSource, _ checkpoint: Checkpoint) async throws -> TileTree {
        var tree = TileTree(size: checkpoint.size)
        for tile in TileCoordinate.edge(ofTreeOf: checkpoint.size) {
            tree.insert(try await Self.tile(tile, source), level: tile.level, index: tile.index)
        }
        try tree.complete()
        guard try tree.root() == checkpoint.root else {
            throw TileLogError(.damaged, "the tiles of the log to import have another root than its checkpoint says")
        }
        return tree
    }

    /// Whether the other's tree begins with this one's, by a proof.
    private func startsLikeThis(
        _ tree: TileTree, _ source: some TileSource, _ checkpoint: Checkpoint
    ) async throws -> Bool {
        let own = self.checkpoint.checkpoint
        guard own.size > 0 else { return true }
        var tree = tree
        for tile in TileTree.tiles(forLeaf: own.size - 1, size: checkpoint.size) {
            tree.insert(try await Self.tile(tile, source), level: tile.level, index: tile.index)
        }
        do throws(LedgerError) {
            try MerkleProof.verifyConsistency(
                oldSize: own.size, oldRoot: own.root, newSize: checkpoint.size, newRoot: checkpoint.root,
                proof: try tree.consistencyProof(from: own.size))
            return true
        } catch {
            return false
        }
    }

    /// Checks that the tile over a bundle belongs to the tree of the checkpoint, by the proof of its last leaf.
    private static func check(
        _ tile: HashTile, _ bundle: UInt64, _ source: some TileSource, _ checkpoint: Checkpoint, _ tree: TileTree
    ) async throws {
        let last = bundle * 256 + UInt64(tile.width) - 1
        var tree = tree
        for needed in TileTree.tiles(forLeaf: last, size: checkpoint.size) where needed.level > 0 {
            tree.insert(try await self.tile(needed, source), level: needed.level, index: needed.index)
        }
        tree.insert(tile, level: 0, index: bundle)
        guard let leaf = tile.hashes.last else { return }
        // The proof's own nodes come from the tile, so a tile with one wrong hash leads to another root.
        try MerkleProof.verifyInclusion(
            of: leaf, at: last, inTreeOf: checkpoint.size, root: checkpoint.root,
            path: try tree.inclusionProof(of: last))
    }

    /// A tile, or the part of a full one where only that is kept.
    private static func tile(_ tile: TileCoordinate, _ source: some TileSource) async throws -> HashTile {
        let byteCount = HashTile.fullWidth * Digest.byteCount
        if let bytes = try await source.read(.tile(tile), limit: byteCount) {
            return try HashTile(parsing: bytes, width: tile.width)
        }
        let full = TileCoordinate(level: tile.level, index: tile.index)
        guard tile.width < full.width, let bytes = try await source.read(.tile(full), limit: byteCount) else {
            throw TileLogError(.absent, "the log to import has no \(TileResource.tile(tile).path)")
        }
        return HashTile(try HashTile(parsing: bytes, width: full.width).hashes.prefix(tile.width))
    }

    /// A bundle's first entries, from the part or from the full one where only that is kept.
    private static func entries(_ bundle: UInt64, width: Int, _ source: some TileSource) async throws -> [[UInt8]] {
        let limit = HashTile.fullWidth * (EntryBundle.greatestEntryByteCount + 2)
        var found = try await source.read(.entries(index: bundle, width: width), limit: limit)
        var foundWidth = width
        if found == nil, width < HashTile.fullWidth {
            foundWidth = HashTile.fullWidth
            found = try await source.read(.entries(index: bundle, width: foundWidth), limit: limit)
        }
        guard let found else {
            throw TileLogError(.absent, "the log to import has no entries of bundle \(bundle)")
        }
        return Array(try EntryBundle.parse(try unpacked(found, limit), count: foundWidth).prefix(width))
    }

    /// A bundle may be kept as gzip, which tlog-tiles lets servers send; a bundle itself begins with a length, and one of
    /// 0x1F8B, 8,075, is told apart by the next byte, the only method of gzip, and by failing to unpack.
    private static func unpacked(_ bytes: [UInt8], _ limit: Int) throws -> [UInt8] {
        guard bytes.starts(with: [0x1F, 0x8B, 0x08]), let content = try? Compression.decompress(bytes, limit: limit)
        else { return bytes }
        return content
    }
}
