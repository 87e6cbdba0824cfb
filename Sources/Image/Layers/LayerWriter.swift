internal import Bytes
internal import Host

/// Entries as the bytes of a layer. Equal entries give equal bytes.
enum LayerWriter {
    struct Layer: Sendable {
        /// The packed layer.
        var blob: [UInt8]
        var digest: Digest
        /// Of the tar archive before it was packed.
        var diffID: Digest
        var tarSize: Int
        /// What the layer's descriptor says of it.
        var annotations: [String: String] = [:]
    }

    static func write(_ entries: [LayerEntry], _ compression: LayerCompression) throws -> Layer {
        if compression == .estargz || compression == .zstdChunked {
            return try SeekableLayerWriter.write(entries, compression)
        }
        let content = entries.reduce(0) { $0 + $1.content.count }
        if compression == .zstd, content <= greatestFrame { return try writeFrame(entries, content, compression.level) }
        let sink = Sink()
        // Most of what comes is half as large when it is packed; what is not used of this costs nothing.
        sink.blob.reserveCapacity(content / 2 + 512 * entries.count + 1 << 16)
        var compressor = try Compressor(compression.compression, level: compression.level) { sink.blob += $0 }
        // The tar writer wants a closure, which can't hold the compressor, so its output is collected in pieces.
        var pieces: [[UInt8]] = []
        var hasher = SHA256Hasher()
        var size = 0
        let tar = Tar()
        var writer = TarWriter(modified: 0) { tar.pending.append($0) }
        func drain() throws {
            for piece in tar.pending {
                hasher.update(unsafe piece.span.bytes)
                size += piece.count
                pieces.append(piece)
            }
            tar.pending.removeAll(keepingCapacity: true)
        }
        for entry in entries {
            try add(entry, to: &writer)
            try drain()
            for piece in pieces { try compressor.write(piece) }
            pieces.removeAll(keepingCapacity: true)
        }
        try writer.finish()
        try drain()
        for piece in pieces { try compressor.write(piece) }
        try compressor.finish()
        return Layer(blob: sink.blob, digest: Digest.of(sink.blob), diffID: hasher.finalize(), tarSize: size)
    }

    /// The bytes of files in a layer that is packed as one zstd frame; more would take too much memory at once.
    static let greatestFrame = 64 << 20

    private static func writeFrame(_ entries: [LayerEntry], _ content: Int, _ level: Int32) throws -> Layer {
        let tar = Sink()
        tar.blob.reserveCapacity(content + 1024 * entries.count + 1024)
        var writer = TarWriter(modified: 0) { tar.blob += $0 }
        for entry in entries { try add(entry, to: &writer) }
        try writer.finish()
        let blob = try Compression.zstdFrame(tar.blob, level: level)
        return Layer(blob: blob, digest: Digest.of(blob), diffID: Digest.of(tar.blob), tarSize: tar.blob.count)
    }

    final class Sink { var blob: [UInt8] = [] }
    final class Tar { var pending: [[UInt8]] = [] }

    private static func add(_ entry: LayerEntry, to writer: inout TarWriter) throws {
        try addHeader(entry, to: &writer)
        if !entry.content.isEmpty { try writer.write(entry.content) }
    }

    /// The entry without its content.
    static func addHeader(_ entry: LayerEntry, to writer: inout TarWriter) throws {
        let name = entry.path.split(separator: "/").last ?? ""
        guard !name.hasPrefix(".wh.") else {
            throw ImageError(.unsupported, "\(entry.path) has a name that marks deleted files in layers")
        }
        switch entry.kind {
        case .directory: try writer.addDirectory(entry.path.isEmpty ? "./" : entry.path + "/", entry.attributes)
        case .link(let target): try writer.addLink(entry.path, target: target, entry.attributes)
        case .hardLink(let target): try writer.addHardLink(entry.path, target: target, entry.attributes)
        case .file:
            try writer.beginFile(entry.path, size: entry.content.count, entry.attributes)
        }
    }
}
