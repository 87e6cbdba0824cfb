internal import Bytes
internal import Ledger

/// What stands at the end of a full pack: where its bundles begin, the nodes over them, and the nodes above, so that a
/// start reads few files.
struct PackFooter: Sendable {
    private static let magic: UInt64 = 0x4D4C_5041_434B_3031  // MLPACK01
    /// Length, magic word and digest.
    static let trailerByteCount = 48

    let pack: UInt64
    /// Where each bundle begins, and the node over its 256 leaves.
    let offsets: [UInt64]
    let roots: [Digest]
    /// The hashes of the third level's tile (65,536 leaves each) up to this pack.
    let upper: [Digest]

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(number: pack)
        bytes.append(number: UInt32(offsets.count))
        bytes.append(number: UInt32(upper.count))
        for offset in offsets { bytes.append(number: offset) }
        for digest in roots + upper { bytes += digest.bytes }
        bytes.append(number: UInt64(bytes.count))
        bytes.append(number: Self.magic)
        return bytes + Digest.of(bytes).bytes
    }

    init(pack: UInt64, offsets: [UInt64], roots: [Digest], upper: [Digest]) {
        self.pack = pack
        self.offsets = offsets
        self.roots = roots
        self.upper = upper
    }

    /// Reads the footer of pack `pack`, which is the end of its file.
    init(reading file: any LogFile, pack: UInt64) throws {
        let size = try file.size()
        guard size >= Self.trailerByteCount,
            let trailer = try file.readExactly(Self.trailerByteCount, at: size - Self.trailerByteCount)
        else { throw Self.damaged(pack) }
        var reader = FieldReader(trailer)
        let count = try reader.integer(8)
        guard try reader.number(8) == Self.magic, count >= 16, count <= 1 << 20,
            count <= size - Self.trailerByteCount,
            let bytes = try file.readExactly(
                count + Self.trailerByteCount, at: size - Self.trailerByteCount - count),
            Digest.of(Array(bytes.dropLast(Digest.byteCount))) == Digest(bytes, at: bytes.count - Digest.byteCount)
        else { throw Self.damaged(pack) }
        reader = FieldReader(bytes, to: count)
        guard try reader.number(8) == pack else { throw Self.damaged(pack) }
        self.pack = pack
        let bundleCount = try reader.integer(4)
        let upperCount = try reader.integer(4)
        guard bundleCount <= 256, upperCount <= 256 else { throw Self.damaged(pack) }
        offsets = try (0..<bundleCount).map { _ in try reader.number(8) }
        roots = try (0..<bundleCount).map { _ in try reader.digest() }
        upper = try (0..<upperCount).map { _ in try reader.digest() }
        guard reader.isAtEnd else { throw Self.damaged(pack) }
    }

    /// The bytes of the pack before the footer.
    func contentByteCount(inFileOf size: Int) -> Int { size - encoded.count }

    private static func damaged(_ pack: UInt64) -> TileLogError {
        TileLogError(.damaged, "pack \(pack) has no readable end; restore the file \(Packs.fileName(pack))")
    }
}

/// The files of bundles that are full.
enum Packs {
    static let directory = "packs"

    static func fileName(_ pack: UInt64) -> String {
        let digits = String(pack)
        return "\(directory)/" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}
