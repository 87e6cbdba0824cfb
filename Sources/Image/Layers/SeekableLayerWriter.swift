internal import Bytes
internal import Host
internal import Registry

/// Entries as the bytes of a layer of which single files can be read: eStargz, or zstd:chunked. To whoever knows nothing
/// of that it is a gzip or zstd layer like any other.
///
/// Each file's content begins a new gzip member or zstd frame, and a table at the end says where.
struct SeekableLayerWriter {
    private let isZstd: Bool
    private let level: Int32
    private var blob: [UInt8] = []
    /// What goes into the member that is open.
    private var member: [UInt8] = []
    private var hasher = SHA256Hasher()
    private var size = 0
    private var table: [JSON] = []

    private init(_ compression: LayerCompression) {
        isZstd = compression == .zstdChunked
        level = compression.level
    }

    static func write(_ entries: [LayerEntry], _ compression: LayerCompression) throws -> LayerWriter.Layer {
        var writer = Self(compression)
        let tar = LayerWriter.Tar()
        var archive = TarWriter(modified: 0) { tar.pending.append($0) }
        for entry in entries {
            try LayerWriter.addHeader(entry, to: &archive)
            writer.take(tar)
            if !entry.content.isEmpty {
                try writer.finishMember()
                let start = writer.blob.count
                try archive.write(entry.content)
                writer.take(tar)
                // A frame of zstd:chunked holds the content and nothing else, so that its end is known.
                if writer.isZstd {
                    writer.member.removeLast(writer.member.count - entry.content.count)
                    try writer.finishMember()
                    writer.table.append(Self.row(entry, start, writer.blob.count))
                    writer.member = [UInt8](repeating: 0, count: (512 - entry.content.count % 512) % 512)
                } else {
                    writer.table.append(Self.row(entry, start, nil))
                }
            } else {
                writer.table.append(Self.row(entry, nil, nil))
            }
        }
        let json = JSON.object(["version": 1, "entries": .array(writer.table)]).bytes()
        if writer.isZstd {
            try archive.finish()
            writer.take(tar)
            return try writer.finishZstd(json)
        }
        try writer.finishMember()
        let place = writer.blob.count
        try archive.beginFile(LayerTOC.name, size: json.count, TarAttributes(mode: 0o444, modified: 0))
        try archive.write(json)
        try archive.finish()
        writer.take(tar)
        return try writer.finishGzip(json, place)
    }

    /// Takes what the archive's writer wrote into the open member.
    private mutating func take(_ tar: LayerWriter.Tar) {
        for piece in tar.pending {
            hasher.update(unsafe piece.span.bytes)
            size += piece.count
            member += piece
        }
        tar.pending.removeAll(keepingCapacity: true)
    }

    private mutating func finishMember() throws {
        guard !member.isEmpty else { return }
        blob += try pack(member)
        member = []
    }

    private func pack(_ bytes: [UInt8]) throws -> [UInt8] {
        if isZstd { return try Compression.zstdFrame(bytes, level: level) }
        let sink = LayerWriter.Sink()
        var compressor = try Compressor(.gzip, level: level) { sink.blob += $0 }
        try compressor.write(bytes)
        try compressor.finish()
        return sink.blob
    }

    /// A row of the table, as eStargz has it; `end` is zstd:chunked's.
    private static func row(_ entry: LayerEntry, _ start: Int?, _ end: Int?) -> JSON {
        var row: JSONObject = ["name": .string(entry.path.isEmpty ? "./" : entry.path)]
        switch entry.kind {
        case .directory:
            row["type"] = "dir"
            row["name"] = .string(entry.path.isEmpty ? "./" : entry.path + "/")
        case .link(let target):
            row["type"] = "symlink"
            row["linkName"] = .string(target)
        case .hardLink(let target):
            row["type"] = "hardlink"
            row["linkName"] = .string(target)
        case .file:
            row["type"] = "reg"
            if !entry.content.isEmpty { row["size"] = .integer(entry.content.count) }
        }
        let attributes = entry.attributes
        let time = Timestamp(seconds: Int64(attributes.modified)).map { "\($0)" } ?? "1970-01-01T00:00:00Z"
        row["modtime"] = .string(time)
        row["mode"] = .integer(attributes.mode)
        row["uid"] = .integer(attributes.owner)
        row["gid"] = .integer(attributes.group)
        if let start {
            let digest = Digest.of(entry.content)
            row["offset"] = .integer(start)
            if let end { row["endOffset"] = .integer(end) }
            row["digest"] = .string("\(digest)")
            row["chunkDigest"] = .string("\(digest)")
        }
        return .object(row)
    }

    // MARK: eStargz

    private mutating func finishGzip(_ json: [UInt8], _ place: Int) throws -> LayerWriter.Layer {
        try finishMember()
        blob += Self.footer(place)
        return LayerWriter.Layer(
            blob: blob, digest: Digest.of(blob), diffID: hasher.finalize(), tarSize: size,
            annotations: [LayerTOC.digestAnnotation: "\(Digest.of(json))"])
    }

    /// An empty gzip member of 51 bytes whose header says where the table begins.
    static func footer(_ place: Int) -> [UInt8] {
        let hex = String(place, radix: 16)
        let digits = String(repeating: "0", count: 16 - hex.count) + hex
        var out: [UInt8] = [0x1F, 0x8B, 0x08, 0x04, 0, 0, 0, 0, 0, 0xFF, 26, 0]
        out += "SG".utf8
        out += [22, 0]
        out += "\(digits)STARGZ".utf8
        // A stored block without content that is the last, and checksum and size of nothing.
        return out + [1, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    // MARK: zstd:chunked

    private mutating func finishZstd(_ json: [UInt8]) throws -> LayerWriter.Layer {
        try finishMember()
        let packed = try pack(json)
        let place = blob.count + 8
        blob += Self.skippable(packed)
        var footer: [UInt8] = []
        for number in [place, packed.count, json.count, 1, 0, 0, 0] {
            footer += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        blob += Self.skippable(footer + Array("GNUlInUx".utf8))
        return LayerWriter.Layer(
            blob: blob, digest: Digest.of(blob), diffID: hasher.finalize(), tarSize: size,
            annotations: [
                LayerTOC.zstdDigestAnnotation: "\(Digest.of(packed))",
                LayerTOC.zstdPositionAnnotation: "\(place):\(packed.count):\(json.count):1",
            ])
    }

    /// A frame that unpackers pass over.
    private static func skippable(_ bytes: [UInt8]) -> [UInt8] {
        let count = UInt32(bytes.count)
        return [0x50, 0x2A, 0x4D, 0x18]
            + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * UInt32($0))) } + bytes
    }
}
