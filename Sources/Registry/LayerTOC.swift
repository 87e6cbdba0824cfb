internal import Bytes
internal import Host

/// The table of contents of a layer that can be read in part: eStargz, or zstd:chunked. Its digest is in the manifest,
/// and those of the contents are in it.
package struct LayerTOC {
    /// The annotation that names the digest of eStargz' table.
    package static let digestAnnotation = "containerd.io/snapshot/stargz/toc.digest"
    /// The annotations of zstd:chunked: where the table is, and the digest of its compressed bytes.
    package static let zstdPositionAnnotation = "io.github.containers.zstd-chunked.manifest-position"
    package static let zstdDigestAnnotation = "io.github.containers.zstd-chunked.manifest-checksum"
    /// The name of eStargz' table in its own archive.
    package static let name = "stargz.index.json"

    /// Files that say what a runtime should fetch first; they are not part of the image.
    static let landmarks: Set<String> = [".prefetch.landmark", ".no.prefetch.landmark"]

    /// The most bytes of a table.
    static let greatestByteCount = 512 << 20
    private static let footerSize = 51

    /// Reads the table of `layer`; `nil` where it has none that can be trusted, or the place gives no parts.
    static func read(_ layer: Descriptor, from source: any ImageSource) async throws -> LayerIndex? {
        if let text = layer.annotations[digestAnnotation] {
            return try await readGzip(layer, try MessageDigest(oci: text, digestAnnotation), source)
        }
        if let text = layer.annotations[zstdDigestAnnotation], let place = layer.annotations[zstdPositionAnnotation] {
            return try await readZstd(layer, try MessageDigest(oci: text, zstdDigestAnnotation), place, source)
        }
        return nil
    }

    /// The table in a layer that is at hand; `nil` where it has none.
    static func table(of layer: Descriptor, _ bytes: [UInt8]) throws -> LayerIndex? {
        if layer.annotations[digestAnnotation] != nil, let start = footer(bytes.suffix(footerSize)) {
            guard start < bytes.count - footerSize else { return nil }
            return try index(table(Array(bytes[start..<(bytes.count - footerSize)])), end: start)
        }
        if let place = layer.annotations[zstdPositionAnnotation] {
            let numbers = place.split(separator: ":").compactMap { Int($0) }
            guard numbers.count == 4, numbers[0] > 0, numbers[1] > 0, numbers[0] + numbers[1] <= bytes.count else {
                return nil
            }
            let packed = Array(bytes[numbers[0]..<(numbers[0] + numbers[1])])
            return try index(try Compression.decompress(packed, limit: greatestByteCount), end: numbers[0])
        }
        return nil
    }

    /// The content of eStargz' table in the gzip member that holds it.
    private static func table(_ packed: [UInt8]) throws -> [UInt8] {
        var archive = LayerReader(
            try Decompressor(ByteReader(packed), limit: greatestByteCount, isSingle: true).reader)
        guard let entry = try archive.next(), entry.path == name else {
            throw RegistryError(.malformed, "a layer has no table where its footer says")
        }
        var json: [UInt8] = []
        while let part = try archive.nextPart() { json += part }
        return json
    }

    private static func readGzip(
        _ layer: Descriptor, _ digest: MessageDigest, _ source: any ImageSource
    ) async throws -> LayerIndex? {
        guard layer.size > footerSize else { return nil }
        // Most tables are short, and come with the footer.
        let tailStart = max(0, layer.size - (16 << 10))
        guard var tail = try await source.bytes(of: layer, tailStart..<layer.size),
            let start = footer(tail.suffix(footerSize)), start < layer.size - footerSize
        else { return nil }
        if start < tailStart {
            guard tailStart - start <= greatestByteCount,
                let head = try await source.bytes(of: layer, start..<tailStart)
            else { return nil }
            tail = head + tail
        } else {
            tail.removeFirst(start - tailStart)
        }
        let json = try table(Array(tail.dropLast(footerSize)))
        try Descriptor.check(json, digest, "\(source.shown): the table of the layer \(layer.digest)")
        return try index(json, end: start)
    }

    /// Where the table begins, as the 51 bytes at the end say: an empty gzip member with `%016xSTARGZ` in its header.
    static func footer(_ bytes: some Collection<UInt8>) -> Int? {
        let bytes = Array(bytes)
        guard bytes.count == footerSize, bytes.starts(with: [0x1F, 0x8B, 0x08, 0x04]),
            bytes[10..<16].elementsEqual([26, 0, UInt8(ascii: "S"), UInt8(ascii: "G"), 22, 0]),
            bytes[32..<38].elementsEqual("STARGZ".utf8)
        else { return nil }
        let digits = String(decoding: bytes[16..<32], as: UTF8.self)
        guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }), let offset = Int(digits, radix: 16)
        else {
            return nil
        }
        return offset
    }

    private static func readZstd(
        _ layer: Descriptor, _ digest: MessageDigest, _ place: String, _ source: any ImageSource
    ) async throws -> LayerIndex? {
        let numbers = place.split(separator: ":").compactMap { Int($0) }
        guard numbers.count == 4, numbers[3] == 1, numbers[0] > 0, 1...greatestByteCount ~= numbers[1],
            0...greatestByteCount ~= numbers[2], numbers[0] < layer.size, numbers[1] < layer.size - numbers[0]
        else {
            throw RegistryError(
                .malformed, "\(source.shown): the layer \(layer.digest) says wrongly where its table is")
        }
        guard let packed = try await source.bytes(of: layer, numbers[0]..<numbers[0] + numbers[1]) else { return nil }
        try Descriptor.check(packed, digest, "\(source.shown): the table of the layer \(layer.digest)")
        return try index(try Compression.decompress(packed, limit: numbers[2]), end: numbers[0])
    }

    /// Reads the table: entries as a tar archive has them, and where their contents begin. `end` is where contents end.
    static func index(_ json: [UInt8], end: Int) throws(RegistryError) -> LayerIndex {
        let fields = try ManifestFields(parsing: json, limit: greatestByteCount, "the layer's table")
        guard try fields.number("version") == 1 else {
            throw RegistryError(.unsupported, "the layer's table is not of version 1")
        }
        var out = LayerIndex()
        var pending:
            [(
                path: String, offset: Int, end: Int?, inner: Int, size: Int?, total: Int, start: Int,
                digest: MessageDigest?
            )] = []
        var sizes: [String: Int] = [:]
        for (number, element) in (try fields.array("entries", limit: LayerReader.greatestCount) ?? []).enumerated() {
            let entry = try ManifestFields(element, "the layer's table.entries[\(number)]")
            guard let raw = try entry.text("name"), let path = LayerChange.normalized(raw) else {
                throw entry.wrong("name", "a path inside the image")
            }
            let type = try entry.text("type") ?? ""
            let size = try count(entry, "size")
            if type != "chunk", let kind = try kind(type, entry) {
                let item = LayerChange(
                    path: path, kind: kind, mode: UInt16(truncatingIfNeeded: try count(entry, "mode") & 0o7777),
                    owner: try count(entry, "uid"), group: try count(entry, "gid"), modified: 0,
                    size: kind == .file ? size : 0)
                out.add(item.asChange())
                if kind == .file { sizes[path] = size }
            }
            guard type == "reg" || type == "chunk", let offset = try entry.number("offset") else { continue }
            guard 0..<end ~= offset else { throw entry.wrong("offset", "a position within the layer") }
            let digest = try entry.text("chunkDigest").flatMap { $0.isEmpty ? nil : $0 }
            pending.append(
                (
                    path, offset, try entry.number("endOffset"), try count(entry, "innerOffset"),
                    try entry.number("chunkSize").flatMap { $0 > 0 ? $0 : nil }, size, try count(entry, "chunkOffset"),
                    try digest.map { text throws(RegistryError) in try MessageDigest(oci: text, entry.place) }
                ))
        }
        let starts = Set(pending.map(\.offset)).sorted()
        for chunk in pending {
            guard let total = sizes[chunk.path], total > 0, chunk.start <= total else { continue }
            let next = starts.partitionPoint(after: chunk.offset).map { starts[$0] } ?? end
            let stop = min(max(chunk.end ?? next, chunk.offset), end)
            out.chunks[chunk.path, default: []].append(
                LayerIndex.Chunk(
                    range: chunk.offset..<stop, inner: chunk.inner,
                    size: min(chunk.size ?? total - chunk.start, total - chunk.start),
                    digest: chunk.digest))
        }
        return out
    }

    private static func count(_ fields: ManifestFields, _ name: String) throws(RegistryError) -> Int {
        let number = try fields.number(name) ?? 0
        guard 0...Descriptor.greatestSize ~= number else { throw fields.wrong(name, "a count") }
        return number
    }

    private static func kind(_ type: String, _ entry: ManifestFields) throws(RegistryError) -> LayerChange.Kind? {
        switch type {
        case "reg": return .file
        case "dir": return .directory
        case "symlink": return .link(try entry.text("linkName") ?? "")
        case "hardlink":
            guard let target = LayerChange.normalized(try entry.text("linkName") ?? "") else {
                throw entry.wrong("linkName", "a path inside the image")
            }
            return .hardLink(target)
        case "char", "block", "fifo": return .special
        default: return nil
        }
    }

    /// The content of a file, every part checked against the table; `nil` where the table has no digests for it.
    static func content(
        _ path: String, _ index: LayerIndex, of layer: Descriptor, from source: any ImageSource,
        _ write: ([UInt8]) throws -> Void
    ) async throws -> Bool {
        guard let chunks = index.chunks[path], !chunks.isEmpty, chunks.allSatisfy({ $0.digest != nil }),
            let entry = index.entries[path], chunks.reduce(0, { $0 + $1.size }) == entry.size
        else { return false }
        for chunk in chunks {
            guard chunk.size <= greatestByteCount, let digest = chunk.digest,
                let packed = try await source.bytes(of: layer, chunk.range)
            else { return false }
            let unpacked = try Decompressor(
                ByteReader(packed), limit: chunk.inner + chunk.size + (1 << 20),
                isSingle: layer.isZstd || chunk.inner == 0
            ).reader
            guard try unpacked.skip(chunk.inner) else {
                throw RegistryError(
                    .malformed, "\(source.shown): the layer \(layer.digest) ends inside \(path.safeForTerminal)")
            }
            let bytes = try unpacked.read(chunk.size)
            try Descriptor.check(bytes, digest, "\(source.shown): \(path.safeForTerminal) in the layer \(layer.digest)")
            try write(bytes)
        }
        return true
    }
}

extension Descriptor {
    fileprivate var isZstd: Bool { mediaType.essence.hasSuffix("zstd") }
}

extension [Int] {
    /// The index of the first number of a sorted array that is greater.
    fileprivate func partitionPoint(after number: Int) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] <= number { low = middle + 1 } else { high = middle }
        }
        return low < count ? low : nil
    }
}
