package import Bytes
package import Ledger

extension TransparencyLog {
    /// The bytes of a tile as the log has it now or had it earlier. `.absent` where it never had as many hashes.
    package func tile(_ tile: TileCoordinate) async throws -> [UInt8] {
        guard let whole = TileCoordinate(level: tile.level, index: tile.index, inTreeOf: size),
            (1...whole.width).contains(tile.width)
        else { throw Self.absent("tile \(tile.index) of level \(tile.level) with \(tile.width) hashes") }
        return try await reader.read { try $0.tileBytes(tile) }
    }

    /// The first `width` entries of a bundle of 256.
    package func entries(bundle: UInt64, width: Int = HashTile.fullWidth) async throws -> [[UInt8]] {
        guard let whole = TileCoordinate(level: 0, index: bundle, inTreeOf: size), (1...whole.width).contains(width)
        else { throw Self.absent("bundle \(bundle) with \(width) entries") }
        return try await reader.read { try $0.entries(bundle: bundle, width: width) }
    }

    /// The same as one resource of tlog-tiles.
    package func entryBundle(_ index: UInt64, width: Int = HashTile.fullWidth) async throws -> [UInt8] {
        EntryBundle.encode(try await entries(bundle: index, width: width))
    }

    /// A full bundle as it is on the disk, a zstd frame (RFC 8878) that may be sent as it is; `nil` where the bundle is
    /// not full, or not yet packed.
    package func packedEntryBundle(_ index: UInt64) async throws -> [UInt8]? {
        try await reader.read { try $0.packedEntries(bundle: index) }
    }

    /// The entry at `index`; `.absent` where the log is shorter.
    package func entry(at index: UInt64) async throws -> StoredEntry {
        guard index < size else { throw Self.absent("entry \(index)") }
        return try await reader.read { try $0.entry(index) }
    }

    /// The audit path of the entry at `index` in the tree of `treeSize` leaves, without one that of the latest checkpoint.
    package func inclusionProof(of index: UInt64, size treeSize: UInt64? = nil) async throws -> [Digest] {
        let current = size
        let treeSize = treeSize ?? current
        guard treeSize <= current, index < treeSize else {
            throw Self.absent("entry \(index) in a tree of \(treeSize) leaves")
        }
        return try await reader.read { try $0.tree(forLeaf: index, size: treeSize).inclusionProof(of: index) }
    }

    /// The proof that the tree of `new` leaves begins with that of `old`.
    package func consistencyProof(from old: UInt64, to new: UInt64? = nil) async throws -> [Digest] {
        let current = size
        let new = new ?? current
        guard new <= current, old <= new else { throw Self.absent("a proof from \(old) to \(new) leaves") }
        guard old > 0 else { return [] }
        return try await reader.read { try $0.tree(forLeaf: old - 1, size: new).consistencyProof(from: old) }
    }

    /// The root of the tree of `size` leaves.
    package func root(size treeSize: UInt64) async throws -> Digest {
        guard treeSize <= size else { throw Self.absent("a tree of \(treeSize) leaves") }
        return try await reader.read { try $0.root(size: treeSize) }
    }

    /// The index of the entry with this leaf hash, or that was added under this identity; `nil` where there definitely
    /// is none.
    package func index(ofLeafHash hash: Digest) async throws -> UInt64? {
        try await reader.read { try $0.index(of: hash) }
    }

    /// The entries with this key from `start` on, in order. The log compares eight bytes of a salted hash, so whoever
    /// needs certainty looks at the entries.
    package func search(_ key: SearchKey, from start: UInt64 = 0, limit: Int = 1000) async throws -> [UInt64] {
        let shortened = key.shortened(salt: parts.identity.salt)
        return try await reader.read { try $0.search(shortened, from: start, limit: limit) }
    }

    /// Checks that the log has everything that checkpoints of it with others say: the guard against directories that are
    /// old copies, to be asked before the first signature and whenever a witness answers.
    package func check(knownCheckpoints known: [Checkpoint]) async throws {
        try await reader.read { try RollbackGuard.check(known, origin: self.origin, size: self.size, $0.root) }
    }

    private static func absent(_ what: String) -> TileLogError {
        TileLogError(.absent, "the log does not have \(what)")
    }
}
