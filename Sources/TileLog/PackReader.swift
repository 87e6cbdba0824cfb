internal import Bytes
internal import Ledger

/// Reads packs. One thread's; it keeps some files open, and where their bundles are.
final class PackReader {
    private struct OpenFile {
        let file: any LogFile
        /// `nil` for the pack that is being written, whose bundles memory knows.
        let footer: PackFooter?
        var lastUse: UInt64
    }

    private let storage: any LogStorage
    private let memory: LogMemory
    private let layout: LogSettings.Layout
    private var files: [UInt64: OpenFile] = [:]
    private var uses: UInt64 = 0
    private static let greatestFileCount = 64

    init(_ storage: any LogStorage, _ memory: LogMemory, _ layout: LogSettings.Layout) {
        self.storage = storage
        self.memory = memory
        self.layout = layout
    }

    /// A bundle's place.
    struct Located {
        let file: any LogFile
        let offset: Int
        let header: PackBundle.Header
    }

    /// Finds a bundle that packs have.
    func locate(_ bundle: UInt64) throws -> Located {
        let pack = bundle / UInt64(layout.packBundleCount)
        let place = Int(bundle % UInt64(layout.packBundleCount))
        let open = memory.withState { $0.openPack.number == pack ? $0.openPack : nil }
        let (file, footer) = try file(pack, isOpen: open != nil)
        guard let offsets = open?.offsets ?? footer?.offsets, offsets.indices.contains(place) else {
            throw PackBundle.damaged(bundle, "its pack does not have it")
        }
        let offset = Int(offsets[place])
        let header = try PackBundle.header(try file.read(PackBundle.headerByteCount, at: offset), index: bundle)
        if let footer, footer.roots[place] != header.root {
            throw PackBundle.damaged(bundle, "its pack says another root")
        }
        return Located(file: file, offset: offset, header: header)
    }

    func entries(_ bundle: UInt64) throws -> [[UInt8]] {
        let located = try locate(bundle)
        return try PackBundle.entries(
            try located.file.read(located.header.entriesByteCount, at: located.offset + located.header.entriesOffset),
            located.header)
    }

    /// The entries as they are packed: a zstd frame around the bundle.
    func packedEntries(_ bundle: UInt64) throws -> [UInt8] {
        let located = try locate(bundle)
        let bytes = try located.file.read(
            located.header.entriesByteCount, at: located.offset + located.header.entriesOffset)
        guard Digest.of(bytes) == located.header.entriesDigest else {
            throw PackBundle.damaged(bundle, "its entries changed")
        }
        return bytes
    }

    func facts(_ bundle: UInt64) throws -> [PackBundle.Facts] {
        let located = try locate(bundle)
        return try PackBundle.facts(
            try located.file.read(located.header.factsByteCount, at: located.offset + located.header.factsOffset),
            located.header)
    }

    func tileBytes(_ bundle: UInt64) throws -> [UInt8] {
        let located = try locate(bundle)
        return try PackBundle.tileBytes(
            try located.file.read(
                HashTile.fullWidth * Digest.byteCount, at: located.offset + located.header.tileOffset),
            located.header)
    }

    /// The tile of the second level over the bundles from `256 * index` on, all of which packs have.
    func upperTile(_ index: UInt64) throws -> HashTile {
        var roots: [Digest] = []
        let packsPerTile = 256 / UInt64(layout.packBundleCount)
        for pack in (index * packsPerTile)..<((index + 1) * packsPerTile) {
            guard let footer = try file(pack, isOpen: false).footer else {
                throw PackBundle.damaged(index << 8, "its pack has no end")
            }
            roots += footer.roots
        }
        return HashTile(roots)
    }

    private func file(_ pack: UInt64, isOpen: Bool) throws -> (file: any LogFile, footer: PackFooter?) {
        uses += 1
        if var known = files[pack], isOpen || known.footer != nil {
            known.lastUse = uses
            files[pack] = known
            return (known.file, known.footer)
        }
        if files.count >= Self.greatestFileCount,
            let oldest = files.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
        {
            files[oldest] = nil
        }
        guard let file = try storage.open(Packs.fileName(pack)) else {
            throw TileLogError(.damaged, "the file \(Packs.fileName(pack)) is absent; restore it")
        }
        let footer = isOpen ? nil : try PackFooter(reading: file, pack: pack)
        files[pack] = OpenFile(file: file, footer: footer, lastUse: uses)
        return (file, footer)
    }
}
