internal import Bytes
internal import Host
internal import Ledger

/// A full bundle as a pack holds it: its entries packed, what the index needs of them, and the tile of their hashes.
///
/// Every part has a digest in the header, and the header one of itself.
struct PackBundle: Sendable {
    static let alignment = 512
    static let headerByteCount = 192
    private static let magic: UInt64 = 0x4D4C_424E_444C_3031  // MLBNDL01
    private static let tileByteCount = HashTile.fullWidth * Digest.byteCount
    /// More than 256 entries of the greatest size with their lengths.
    private static let greatestByteCount = 256 * (65_535 + 2)

    /// The fixed part in front.
    struct Header: Hashable, Sendable {
        let index: UInt64
        let entriesByteCount: Int
        let factsByteCount: Int
        let entriesDigest: Digest
        let factsDigest: Digest
        let tileDigest: Digest
        /// The node over the 256 leaves.
        let root: Digest

        var byteCount: Int {
            let count = headerByteCount + entriesByteCount + factsByteCount + tileByteCount
            return (count + alignment - 1) / alignment * alignment
        }

        var entriesOffset: Int { headerByteCount }
        var factsOffset: Int { headerByteCount + entriesByteCount }
        var tileOffset: Int { headerByteCount + entriesByteCount + factsByteCount }
    }

    /// The bytes on the disk of the bundle `index` and its header.
    static func encode(index: UInt64, entries: [LogEntry], tile: HashTile) throws -> (bytes: [UInt8], header: Header) {
        guard entries.count == HashTile.fullWidth, let root = tile.root else {
            throw TileLogError(.damaged, "bundle \(index) is not full")
        }
        let packed = try Compression.zstd.compress(EntryBundle.encode(entries.map(\.bytes)))
        var facts: [UInt8] = []
        for entry in entries {
            facts.append(number: entry.time)
            facts.append(entry.identity == nil ? 0 : 1)
            if let identity = entry.identity { facts += identity.bytes }
            facts.append(number: UInt16(entry.keys.count))
            for key in entry.keys { facts.append(number: key) }
        }
        let packedFacts = try Compression.zstd.compress(facts)
        let tileBytes = tile.bytes(width: HashTile.fullWidth)
        let header = Header(
            index: index, entriesByteCount: packed.count, factsByteCount: packedFacts.count,
            entriesDigest: .of(packed), factsDigest: .of(packedFacts), tileDigest: .of(tileBytes), root: root)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(header.byteCount)
        bytes.append(number: magic)
        bytes.append(number: index)
        bytes.append(number: UInt32(packed.count))
        bytes.append(number: UInt32(packedFacts.count))
        bytes.append(number: UInt64(0))
        for digest in [header.entriesDigest, header.factsDigest, header.tileDigest, root] { bytes += digest.bytes }
        bytes += Digest.of(bytes).bytes
        bytes += packed
        bytes += packedFacts
        bytes += tileBytes
        bytes += [UInt8](repeating: 0, count: header.byteCount - bytes.count)
        return (bytes, header)
    }

    /// Reads the header of bundle `index`.
    static func header(_ bytes: [UInt8], index: UInt64) throws(TileLogError) -> Header {
        let end = headerByteCount - Digest.byteCount
        guard bytes.count == headerByteCount, Digest(bytes, at: end) == Digest.of(Array(bytes[..<end])) else {
            throw damaged(index, "its header has another digest")
        }
        var reader = FieldReader(bytes)
        guard try reader.number(8) == magic, try reader.number(8) == index else {
            throw damaged(index, "another record is in its place")
        }
        let entriesByteCount = try reader.integer(4)
        let factsByteCount = try reader.integer(4)
        _ = try reader.number(8)
        return Header(
            index: index, entriesByteCount: entriesByteCount, factsByteCount: factsByteCount,
            entriesDigest: try reader.digest(), factsDigest: try reader.digest(), tileDigest: try reader.digest(),
            root: try reader.digest())
    }

    /// The entries of their packed bytes.
    static func entries(_ packed: [UInt8], _ header: Header) throws -> [[UInt8]] {
        guard Digest.of(packed) == header.entriesDigest else { throw damaged(header.index, "its entries changed") }
        let bytes = try Compression.decompress(packed, limit: greatestByteCount)
        return try EntryBundle.parse(bytes, count: HashTile.fullWidth)
    }

    /// What is known of an entry beside its bytes.
    struct Facts: Hashable, Sendable {
        let time: UInt64
        let identity: Digest?
        let keys: [UInt64]
    }

    /// The facts of their packed bytes.
    static func facts(_ packed: [UInt8], _ header: Header) throws -> [Facts] {
        guard Digest.of(packed) == header.factsDigest else { throw damaged(header.index, "its facts changed") }
        let bytes = try Compression.decompress(packed, limit: 256 * (43 + 8 * NewEntry.greatestKeyCount))
        var reader = FieldReader(bytes)
        var facts: [Facts] = []
        while !reader.isAtEnd {
            let time = try reader.number(8)
            let identity = try reader.number(1) == 1 ? try reader.digest() : nil
            var keys: [UInt64] = []
            for _ in 0..<(try reader.integer(2)) { keys.append(try reader.number(8)) }
            facts.append(Facts(time: time, identity: identity, keys: keys))
        }
        guard facts.count == HashTile.fullWidth else { throw damaged(header.index, "it has facts of other entries") }
        return facts
    }

    /// The tile of its bytes.
    static func tile(_ bytes: [UInt8], _ header: Header) throws -> HashTile {
        try HashTile(parsing: tileBytes(bytes, header), width: HashTile.fullWidth)
    }

    /// The bytes of the tile, as they are served.
    static func tileBytes(_ bytes: [UInt8], _ header: Header) throws(TileLogError) -> [UInt8] {
        guard Digest.of(bytes) == header.tileDigest else { throw damaged(header.index, "its tile changed") }
        return bytes
    }

    static func damaged(_ index: UInt64, _ what: String) -> TileLogError {
        TileLogError(
            .damaged, "bundle \(index) of the log is damaged: \(what); 'martlet log fsck' looks at all of them")
    }
}
