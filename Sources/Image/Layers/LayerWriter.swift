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
        let sink = Sink()
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
