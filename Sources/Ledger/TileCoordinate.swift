/// Which tile of a tree, and how much of it (C2SP tlog-tiles).
package struct TileCoordinate: Hashable, Sendable {
    /// The level of tiles, 0 for hashes of leaves; each is eight levels of the tree above the one before.
    package let level: Int
    /// The number of the tile on its level.
    package let index: UInt64
    /// The number of hashes, 1 to 256.
    package let width: Int

    package init(level: Int, index: UInt64, width: Int = HashTile.fullWidth) {
        self.level = level
        self.index = index
        self.width = width
    }

    /// The tile `index` of `level` as a tree of `size` leaves has it; `nil` where it has no hash of it.
    package init?(level: Int, index: UInt64, inTreeOf size: UInt64) {
        guard level >= 0, level < 8, index <= UInt64.max >> 8 else { return nil }
        let hashes = size >> UInt64(8 * level)
        guard hashes > index << 8 else { return nil }
        self.init(level: level, index: index, width: Int(min(hashes - index << 8, 256)))
    }

    /// The partial tiles at the right edge of a tree of `size` leaves, from the lowest level up. Their hashes make the
    /// root.
    package static func edge(ofTreeOf size: UInt64) -> [TileCoordinate] {
        (0..<8).compactMap { level in
            let hashes = size >> UInt64(8 * level)
            let width = Int(hashes & 255)
            return width == 0 ? nil : TileCoordinate(level: level, index: hashes >> 8, width: width)
        }
    }

    /// The tiles that hold the nodes above and beside leaf `leaf` of a tree of `size` leaves.
    package static func above(leaf: UInt64, inTreeOf size: UInt64) -> [TileCoordinate] {
        (0..<8).compactMap { level in
            let shift = UInt64(8 * level + 8)
            return TileCoordinate(level: level, index: shift > 63 ? 0 : leaf >> shift, inTreeOf: size)
        }
    }
}

/// What a path below a log's address names (C2SP tlog-tiles; for `data`, static-ct-api).
package enum TileResource: Hashable, Sendable {
    case checkpoint
    case tile(TileCoordinate)
    /// Entries `256 * index` and following, `width` of them.
    case entries(index: UInt64, width: Int)
    /// The same of a log of certificates.
    case data(index: UInt64, width: Int)

    /// The path, without a slash in front: `tile/0/x001/x234/067.p/8`.
    package var path: String {
        switch self {
        case .checkpoint: "checkpoint"
        case .tile(let tile): "tile/\(tile.level)/\(Self.number(tile.index, tile.width))"
        case .entries(let index, let width): "tile/entries/\(Self.number(index, width))"
        case .data(let index, let width): "tile/data/\(Self.number(index, width))"
        }
    }

    /// Reads a path that has exactly one spelling; `nil` for every other.
    package init?(path: String) {
        guard path.utf8.count <= 64 else { return nil }
        if path.utf8.elementsEqual("checkpoint".utf8) {
            self = .checkpoint
            return
        }
        var words = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard words.count >= 3, words.removeFirst() == "tile" else { return nil }
        let kind = words.removeFirst()
        var width = HashTile.fullWidth
        if words.count >= 2, words[words.count - 2].hasSuffix(".p") {
            guard let part = Int(words.removeLast()), part > 0, part < HashTile.fullWidth else { return nil }
            width = part
            words[words.count - 1].removeLast(2)
        }
        var index: UInt64 = 0
        for word in words {
            let digits = word.utf8.drop { $0 == UInt8(ascii: "x") }
            guard digits.count == 3, let part = UInt64(String(Substring(digits))) else { return nil }
            let (product, overflow) = index.multipliedReportingOverflow(by: 1000)
            guard !overflow, product <= UInt64.max - part else { return nil }
            index = product + part
        }
        guard index <= UInt64.max >> 9 else { return nil }
        switch kind {
        case "entries": self = .entries(index: index, width: width)
        case "data": self = .data(index: index, width: width)
        default:
            guard let level = Int(kind), level >= 0, level < 64 else { return nil }
            self = .tile(TileCoordinate(level: level, index: index, width: width))
        }
        // Plus signs, leading zeros and missing letters would be second names of one thing.
        guard self.path.utf8.elementsEqual(path.utf8) else { return nil }
    }

    /// The number in groups of three digits, all but the last after an x, and the width of a partial tile.
    private static func number(_ index: UInt64, _ width: Int) -> String {
        func group(_ value: UInt64) -> String { String(String(value + 1000).dropFirst()) }
        var text = group(index % 1000)
        var rest = index / 1000
        while rest > 0 {
            text = "x\(group(rest % 1000))/\(text)"
            rest /= 1000
        }
        return width == HashTile.fullWidth ? text : "\(text).p/\(width)"
    }
}
