internal import Bytes
internal import Host

/// Where each path of an image is: all layers merged, as a container would see them, in shards of which a reader needs one.
///
/// The manifest names the index by digest in an annotation, so what is found by it is as certain as what is found by
/// reading layers (docs/formats/path-index.md).
package struct PathIndex: Sendable {
    /// The annotation of the image's manifest.
    package static let annotation = "dev.martlet.path-index"
    /// The type of the artifact that keeps the index in a registry, and of its content.
    package static let mediaType = MediaType.pathIndex

    /// A path.
    struct Entry: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            case file, directory, special
            case link(String)
        }

        var kind: Kind
        var mode: UInt16
        /// Of a file, the layer that holds it.
        var layer = 0
        var chunks: [LayerIndex.Chunk] = []

        var size: Int { chunks.reduce(0) { $0 + $1.size } }
    }

    /// By path.
    private(set) var entries: [String: Entry] = [:]
    /// What has paths below it, whether or not an entry says that it is a directory.
    private var parents: Set<String> = []

    private static let version = 1
    /// Paths of one shard.
    private static let shardCount = 64
    static let greatestRoot = 16 << 20
    private static let greatestShard = 1 << 20
    private static let greatestLayer = 1 << 40

    // MARK: Making

    /// Reads the layers of an image, from the lowest. CPU-heavy: not for the cooperative pool.
    /// - Parameter read: the bytes of a layer.
    package init(_ layers: [Descriptor], read: (Descriptor) throws -> [UInt8]) throws {
        for (number, layer) in layers.enumerated() { try add(layer, number, try read(layer)) }
    }

    private mutating func add(_ layer: Descriptor, _ number: Int, _ bytes: [UInt8]) throws {
        let unpacked = try Decompressor(ByteReader(bytes), limit: Self.greatestLayer).reader
        var reader = LayerReader(unpacked)
        let table = try LayerTOC.table(of: layer, bytes)
        var own: Set<String> = []
        while let change = try reader.next() {
            switch change.kind {
            case .whiteout where !own.contains(change.path): remove(change.path)
            case .whiteout: break
            case .opaque:
                let prefix = change.path.isEmpty ? "" : change.path + "/"
                for path in entries.keys where path.hasPrefix(prefix) && !own.contains(path) { entries[path] = nil }
            case .directory:
                if entries[change.path]?.kind != .directory { entries[change.path] = nil }
                put(Entry(kind: .directory, mode: change.mode), at: change.path)
                own.insert(change.path)
            case .file, .link, .hardLink, .special:
                guard change.path != LayerTOC.name, !LayerTOC.landmarks.contains(change.path) else { continue }
                let entry = try self.entry(change, number, layer.size, table, unpacked, &reader)
                remove(change.path)
                put(entry, at: change.path)
                own.insert(change.path)
            }
        }
    }

    private func entry(
        _ change: LayerChange, _ number: Int, _ size: Int, _ table: LayerIndex?, _ unpacked: ByteReader,
        _ reader: inout LayerReader
    ) throws -> Entry {
        switch change.kind {
        case .link(let target): return Entry(kind: .link(target), mode: change.mode)
        case .hardLink(let target):
            guard let entry = entries[target] else {
                throw RegistryError(
                    .malformed, "\(change.path.safeForTerminal) is another name of a file that is not there")
            }
            return entry
        case .file:
            var entry = Entry(kind: .file, mode: change.mode, layer: number)
            if let chunks = table?.chunks[change.path], chunks.allSatisfy({ $0.digest != nil }) {
                entry.chunks = chunks
                return entry
            }
            guard change.size > 0 else { return entry }
            let inner = unpacked.position
            var hasher = SHA256Hasher()
            while let part = try reader.nextPart() { hasher.update(part) }
            entry.chunks = [
                LayerIndex.Chunk(
                    range: 0..<size, inner: inner, size: change.size, digest: MessageDigest(hasher.finalize()))
            ]
            return entry
        default: return Entry(kind: .special, mode: change.mode)
        }
    }

    /// Takes a path away, and what is below it.
    private mutating func remove(_ path: String) {
        entries[path] = nil
        guard parents.remove(path) != nil else { return }
        let prefix = path + "/"
        for other in entries.keys where other.hasPrefix(prefix) { entries[other] = nil }
    }

    private mutating func put(_ entry: Entry, at path: String) {
        entries[path] = entry
        var parent = path[...]
        while let slash = parent.lastIndex(of: "/") {
            parent = parent[..<slash]
            guard parents.insert(String(parent)).inserted else { return }
        }
    }

    /// The index as it is stored, and the annotation that names it.
    package func encoded() throws -> (bytes: [UInt8], annotation: String) {
        let paths = entries.keys.sorted(by: Files.isOrderedByBytes)
        var bytes: [UInt8] = []
        var shards: [JSON] = []
        for start in stride(from: 0, to: paths.count, by: Self.shardCount) {
            let part = paths[start..<min(start + Self.shardCount, paths.count)]
            let rows = part.compactMap { path in entries[path].map { Self.json($0, path) } }
            let packed = try Compression.zstd.compress(JSON.array(rows).bytes())
            shards.append([.string(part.first ?? ""), .integer(packed.count), .string(Digest.of(packed).hex)])
            bytes += packed
        }
        let root = try Compression.zstd.compress(
            JSON.object(["version": .integer(Self.version), "shards": .array(shards)]).bytes())
        let place = bytes.count
        bytes += root
        return (bytes, "\(Digest.of(bytes)) \(bytes.count) \(place) \(Digest.of(root))")
    }

    private static func json(_ entry: Entry, _ path: String) -> JSON {
        var row: [JSON] = [.string(path)]
        switch entry.kind {
        case .directory: row += ["d", .integer(entry.mode)]
        case .special: row += ["s", .integer(entry.mode)]
        case .link(let target): row += ["l", .integer(entry.mode), .string(target)]
        case .file:
            row += ["f", .integer(entry.mode), .integer(entry.layer)]
            for chunk in entry.chunks {
                row += [
                    .integer(chunk.range.lowerBound), .integer(chunk.range.count), .integer(chunk.inner),
                    .integer(chunk.size), .string(chunk.digest?.hex ?? ""),
                ]
            }
        }
        return .array(row)
    }

    // MARK: Reading

    /// A shard: the paths from `first` on, in order.
    struct Shard: Hashable, Sendable {
        var first: String
        var range: Range<Int>
        var digest: Digest
    }

    /// What the annotation says.
    struct Place: Hashable, Sendable {
        var content: Descriptor
        var root: Range<Int>
        var rootDigest: Digest

        init?(_ text: String) {
            let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 4, let digest = MessageDigest(description: words[0]), let size = Int(words[1]),
                let start = Int(words[2]), words[3].hasPrefix("sha256:"),
                let rootDigest = Digest(hex: String(words[3].dropFirst(7))), 0...Descriptor.greatestSize ~= size,
                0..<max(size, 1) ~= start, size - start <= PathIndex.greatestRoot
            else { return nil }
            content = Descriptor(mediaType: PathIndex.mediaType, digest: digest, size: size)
            root = start..<size
            self.rootDigest = rootDigest
        }
    }

    /// Reads the root, which says where shards are.
    static func shards(_ packed: [UInt8], _ place: Place) throws -> [Shard] {
        guard Digest.of(packed) == place.rootDigest else {
            throw RegistryError(.mismatch, "the root of the image's path index is not the one that the manifest names")
        }
        let json = try parse(packed, limit: greatestRoot * 8)
        guard json["version"]?.intValue == version, let rows = json["shards"]?.arrayValue else {
            throw RegistryError(.unsupported, "the image's path index is not of version \(version)")
        }
        var shards: [Shard] = []
        var start = 0
        for row in rows {
            guard let first = row[0]?.stringValue, let length = row[1]?.intValue,
                let digest = row[2]?.stringValue.flatMap({ Digest(hex: $0) }), 0...greatestShard ~= length,
                start + length <= place.root.lowerBound
            else { throw RegistryError(.malformed, "the image's path index says wrongly where its shards are") }
            shards.append(Shard(first: first, range: start..<(start + length), digest: digest))
            start += length
        }
        return shards
    }

    /// The shard that has `path`, if the image has it.
    static func shard(of path: String, among shards: [Shard]) -> Shard? {
        var (low, high) = (0, shards.count)
        while low < high {
            let middle = (low + high) / 2
            if Files.isOrderedByBytes(path, shards[middle].first) { high = middle } else { low = middle + 1 }
        }
        return low > 0 ? shards[low - 1] : nil
    }

    /// Reads a shard.
    static func entries(_ packed: [UInt8], _ shard: Shard) throws -> [String: Entry] {
        guard Digest.of(packed) == shard.digest else {
            throw RegistryError(.mismatch, "a shard of the image's path index is not the one that its root names")
        }
        let wrong = RegistryError(.malformed, "a shard of the image's path index is malformed")
        guard let rows = try parse(packed, limit: greatestShard * 8).arrayValue, rows.count <= shardCount else {
            throw wrong
        }
        var entries: [String: Entry] = [:]
        for row in rows {
            guard let row = row.arrayValue, row.count >= 3, let path = row[0].stringValue,
                let mode = row[2].intValue, 0...0o7777 ~= mode
            else { throw wrong }
            var entry = Entry(kind: .special, mode: UInt16(mode))
            switch row[1].stringValue {
            case "d": entry.kind = .directory
            case "s": break
            case "l":
                guard row.count == 4, let target = row[3].stringValue else { throw wrong }
                entry.kind = .link(target)
            case "f":
                guard row.count >= 4, row.count % 5 == 4, let layer = row[3].intValue, layer >= 0 else { throw wrong }
                entry.kind = .file
                entry.layer = layer
                for at in stride(from: 4, to: row.count, by: 5) {
                    let numbers = row[at..<(at + 4)].compactMap(\.intValue)
                    guard numbers.count == 4, numbers.allSatisfy({ 0...Descriptor.greatestSize ~= $0 }),
                        let digest = row[at + 4].stringValue.flatMap({ Digest(hex: $0) })
                    else { throw wrong }
                    entry.chunks.append(
                        LayerIndex.Chunk(
                            range: numbers[0]..<(numbers[0] + numbers[1]), inner: numbers[2], size: numbers[3],
                            digest: MessageDigest(digest)))
                }
            default: throw wrong
            }
            entries[path] = entry
        }
        return entries
    }

    private static func parse(_ packed: [UInt8], limit: Int) throws -> JSON {
        do {
            let bytes = try Compression.decompress(packed, limit: limit)
            return try JSON(parsing: bytes, limits: JSONLimits(byteCount: limit, depth: 8))
        } catch {
            throw RegistryError(.malformed, "the image's path index can't be read: \(error)")
        }
    }
}
