import Bytes
import Ledger
import Testing

@Suite struct TileTests {
    @Test(
        "the paths of C2SP tlog-tiles are read and written",
        arguments: [
            ("tile/0/x001/x234/067", TileResource.tile(TileCoordinate(level: 0, index: 1_234_067))),
            ("tile/3/000.p/1", .tile(TileCoordinate(level: 3, index: 0, width: 1))),
            ("tile/0/273.p/112", .tile(TileCoordinate(level: 0, index: 273, width: 112))),
            ("tile/entries/x001/000", .entries(index: 1000, width: 256)),
            ("tile/entries/005.p/255", .entries(index: 5, width: 255)),
            ("tile/data/x999/999", .data(index: 999_999, width: 256)),
            ("checkpoint", .checkpoint),
        ])
    func paths(path: String, resource: TileResource) {
        #expect(resource.path == path)
        #expect(TileResource(path: path) == resource)
    }

    @Test(
        "a path that is not the one spelling of anything is nothing",
        arguments: [
            "", "/checkpoint", "tile", "tile/0", "tile/0/", "tile/0/1", "tile/0/0001", "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001", "tile/00/001", "tile/64/000", "tile/-1/000", "tile/+1/000", "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/+1", "tile/0/000.p/01", "tile/0/000.p", "tile/0/000.p/", "tile/entries/000.p/1/2",
            "tile/0/xx01/000", "tile/0/x99999/000", "tile/0/../000", "tile/0/x999/x999/x999/x999/x999/x999/999",
        ])
    func malformed(path: String) { #expect(TileResource(path: path) == nil) }

    @Test("a tree of 70,000 leaves has the tiles that the standard says")
    func widths() {
        #expect(TileCoordinate(level: 0, index: 272, inTreeOf: 70_000)?.width == 256)
        #expect(TileCoordinate(level: 0, index: 273, inTreeOf: 70_000)?.width == 112)
        #expect(TileCoordinate(level: 0, index: 274, inTreeOf: 70_000) == nil)
        #expect(TileCoordinate(level: 1, index: 0, inTreeOf: 70_000)?.width == 256)
        #expect(TileCoordinate(level: 1, index: 1, inTreeOf: 70_000)?.width == 17)
        #expect(TileCoordinate(level: 2, index: 0, inTreeOf: 70_000)?.width == 1)
        #expect(TileCoordinate(level: 3, index: 0, inTreeOf: 70_000) == nil)
        #expect(
            TileCoordinate.edge(ofTreeOf: 70_000)
                == [
                    TileCoordinate(level: 0, index: 273, width: 112), TileCoordinate(level: 1, index: 1, width: 17),
                    TileCoordinate(level: 2, index: 0, width: 1),
                ])
        #expect(TileCoordinate.edge(ofTreeOf: 65_536) == [TileCoordinate(level: 2, index: 0, width: 1)])
    }

    /// A growing tree whose full tiles are kept.
    struct Grown {
        var edge = TreeEdge()
        var full: [TreeEdge.FullTile] = []
        var leaves: [Digest] = []

        init(_ count: Int) {
            for number in 0..<count {
                let leaf = MerkleTree.leafHash(Array("\(number)".utf8))
                leaves.append(leaf)
                full += edge.append(leaf)
            }
        }

        /// What a proof for `leaf` in the tree of `size` leaves needs, and nothing else.
        func tree(_ leaf: UInt64, _ size: UInt64) throws -> TileTree {
            var tree = TileTree(size: size)
            for tile in TileTree.tiles(forLeaf: leaf, size: size) {
                let whole =
                    full.first { $0.level == tile.level && $0.index == tile.index }?.tile ?? edge.tiles[tile.level]
                tree.insert(HashTile(whole.hashes.prefix(tile.width)), level: tile.level, index: tile.index)
            }
            try tree.complete()
            return tree
        }
    }

    @Test("proofs from tiles are those of the definition", arguments: [1, 2, 3, 7, 8, 255, 256, 257, 300, 511, 513])
    func proofs(size: Int) throws {
        let grown = Grown(size)
        let root = MerkleTree.root(grown.leaves[...])
        #expect(try grown.edge.tree().root() == root)
        for index in Set([0, 1, size / 2, size / 3, 254, 255, 256, size - 2, size - 1]) where (0..<size).contains(index)
        {
            let proof = try grown.tree(UInt64(index), UInt64(size)).inclusionProof(of: UInt64(index))
            #expect(proof == MerkleTree.path(ofLeaf: index, in: grown.leaves[...]))
        }
        for old in Set([1, 2, 3, 4, 64, 128, size / 2, 255, 256, 257, size - 1, size]) where (1...size).contains(old) {
            let proof = try grown.tree(UInt64(old - 1), UInt64(size)).consistencyProof(from: UInt64(old))
            try MerkleProof.verifyConsistency(
                oldSize: UInt64(old), oldRoot: MerkleTree.root(grown.leaves[..<old]), newSize: UInt64(size),
                newRoot: root, proof: proof)
        }
    }

    @Test("proofs reach over three levels of tiles")
    func manyLevels() async throws {
        let grown = Grown(65_536 + 256 * 3 + 5)
        await Task.yield()
        let size = grown.edge.size
        let root = try grown.edge.tree().root()
        for index: UInt64 in [0, 255, 256, 65_535, 65_536, 65_536 + 255, 65_536 + 768, size - 1] {
            let proof = try grown.tree(index, size).inclusionProof(of: index)
            try MerkleProof.verifyInclusion(
                of: grown.leaves[Int(index)], at: index, inTreeOf: size, root: root, path: proof)
        }
        for old: UInt64 in [1, 256, 257, 65_535, 65_536, 65_537, size - 1] {
            try MerkleProof.verifyConsistency(
                oldSize: old, oldRoot: grown.tree(old - 1, old).root(), newSize: size, newRoot: root,
                proof: grown.tree(old - 1, size).consistencyProof(from: old))
        }
    }

    @Test("a proof without its tiles fails")
    func missing() throws {
        var tree = TileTree(size: 5)
        #expect(throws: LedgerError.self) { try tree.complete() }
        #expect(throws: LedgerError.self) { try tree.inclusionProof(of: 0) }
    }

    @Test("bundles are read and written, up to entries of 65,535 bytes")
    func bundles() throws {
        let entries: [[UInt8]] = [[], [1], [UInt8](repeating: 2, count: 65_535)]
        let bytes = EntryBundle.encode(entries)
        #expect(bytes.count == 6 + 1 + 65_535)
        #expect(try EntryBundle.parse(bytes, count: 3) == entries)
        for count in [2, 4] { #expect(throws: LedgerError.self) { try EntryBundle.parse(bytes, count: count) } }
        #expect(throws: LedgerError.self) { try EntryBundle.parse(Array(bytes.dropLast()), count: 3) }
    }
}
