internal import Bytes
internal import Ledger

extension FuzzTarget {
    /// Paths of tiles, tiles and bundles as other logs and clients send them: each has one spelling, and what is read is
    /// written back.
    static let tiles = FuzzTarget(name: "tiles") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let resource = TileResource(path: text) {
            require(resource.path.utf8.elementsEqual(text.utf8), "a resource has one path")
        }
        let width = Int(input.first ?? 0) + 1
        let rest = Array(input.dropFirst())
        if let tile = try? HashTile(parsing: rest, width: width) {
            require(tile.bytes(width: width) == rest, "a tile reads back as it was written")
            require((tile.root != nil) == (width == HashTile.fullWidth), "full tiles have a root, and no others")
        }
        if let entries = try? EntryBundle.parse(rest, limit: width) {
            require(entries.count <= width, "no more entries than the limit")
            require(EntryBundle.encode(entries) == rest, "entries read back as they were sent")
        }
        if let entries = try? EntryBundle.parse(rest, count: width) {
            require(entries.count == width, "a bundle has the entries that were asked for")
            require(EntryBundle.encode(entries) == rest, "a bundle reads back as it was written")
        }
    }
}
