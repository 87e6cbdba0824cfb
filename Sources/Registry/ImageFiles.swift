internal import Bytes
internal import Host
package import SystemPackage

/// Finds a file in an image as a container would see it, reading as little of the layers as that takes.
///
/// Layers are looked at from the top: deletions, replaced directories and links are followed, and what is below the
/// layer that decides is never read. A layer is read in full and checked before anything of it is given out; one with
/// a table of contents is read in part, and each part checked.
package final class ImageFiles {
    private let source: any ImageSource
    private let image: ImageManifest
    /// Gives out a file as soon as it is there, before its layer has been checked.
    private let stopsEarly: Bool
    private var indexes: [Int: LayerIndex] = [:]
    /// The layers that were read, in order, and how: for people and tests.
    package private(set) var log: [String] = []

    /// How many links are followed.
    private static let greatestLinkCount = 40
    /// The most unpacked bytes of a layer.
    private static let greatestLayer = 1 << 40

    package init(_ image: ImageManifest, from source: any ImageSource, stopsEarly: Bool = false) {
        self.image = image
        self.source = source
        self.stopsEarly = stopsEarly
    }

    /// Writes the file at `path` to `output`, which gets its content, mode and then its name, and says what it is.
    package func write(_ path: String, to output: FilePath) async throws -> LayerChange {
        let temporary = Files.temporaryName(beside: output)
        defer { try? Files.remove(temporary) }
        let entry = try await find(path, into: temporary)
        try Files.setMode(temporary, entry.mode & 0o777)
        try Files.rename(temporary, to: output)
        return entry
    }

    /// The content of the file at `path`.
    package func read(_ path: String, limit: Int, scratch: FilePath) async throws -> [UInt8] {
        let temporary = Files.temporaryName(beside: scratch.appending("file"))
        defer { try? Files.remove(temporary) }
        _ = try await find(path, into: temporary)
        return try Files.read(temporary, limit: limit)
    }

    private func find(_ path: String, into file: FilePath) async throws -> LayerChange {
        guard var wanted = LayerChange.normalized(path), !wanted.isEmpty else {
            throw RegistryError(.malformed, "'\(path.safeForTerminal)' is no path in an image")
        }
        if let indexed = IndexedPaths(image, from: source) {
            switch try await indexed.write(wanted, to: file) {
            case .written(let entry):
                log.append("index")
                return entry
            case .absent:
                throw RegistryError(.absent, "\(source.shown): the image has no file \(wanted.safeForTerminal)")
            case .unknown: break
            }
        }
        var top = image.layers.count - 1
        var mode: UInt16?
        for _ in 0..<Self.greatestLinkCount {
            switch try await look(wanted, from: top, into: file) {
            case .file(var entry, let layer):
                if try !Files.exists(file) { try await fetch(entry, layer, into: file) }
                entry.mode = mode ?? entry.mode
                return entry
            case .again(let other):
                wanted = other
                try? Files.remove(file)
            case .hardLink(let other, let layer, let own):
                wanted = other
                (top, mode) = (layer, mode ?? own)
                try? Files.remove(file)
            case .absent:
                guard let alias = alias(of: wanted) else {
                    throw RegistryError(.absent, "\(source.shown): the image has no file \(wanted.safeForTerminal)")
                }
                wanted = alias
            }
        }
        throw RegistryError(
            .malformed, "\(path.safeForTerminal) leads through more than \(Self.greatestLinkCount) links")
    }

    private enum Step {
        case file(LayerChange, Int)
        case again(String)
        case hardLink(String, Int, UInt16)
        case absent
    }

    private func look(_ path: String, from top: Int, into file: FilePath) async throws -> Step {
        var directories: Set<String> = []
        for number in stride(from: top, through: 0, by: -1) {
            let index = try await self.index(number, wanted: path, into: file)
            switch index.look(path, &directories) {
            case .nothing: continue
            case .hidden: return .absent
            case .elsewhere(let other): return .again(other)
            case .found(let entry):
                switch entry.kind {
                case .file: return .file(entry, number)
                case .link(let target): return .again(LayerChange.target(of: target, at: path))
                case .hardLink(let target):
                    guard target != path else { return .absent }
                    return .hardLink(target, number, entry.mode)
                case .directory:
                    throw RegistryError(
                        .refused, "\(path.safeForTerminal) is a directory in the image; name a file in it")
                default:
                    throw RegistryError(
                        .refused,
                        "\(path.safeForTerminal) is a device, a pipe or a socket in the image, and has no content")
                }
            }
        }
        return .absent
    }

    /// Another name of `path`, where an upper layer has it by way of a link that lies below: all layers have been read.
    private func alias(of path: String) -> String? {
        for (number, index) in indexes.sorted(by: { $0.key > $1.key }) {
            for alias in index.aliases(of: path) {
                let isThere = indexes.contains { $0.key > number && $0.value.entries[alias]?.kind == .file }
                if isThere { return alias }
            }
        }
        return nil
    }

    /// What the layer does to which path. Where it must be read for that, the file at `wanted` goes to `file`.
    private func index(_ number: Int, wanted: String, into file: FilePath) async throws -> LayerIndex {
        if let known = indexes[number] { return known }
        let layer = image.layers[number]
        guard layer.mediaType.isLayer else {
            throw RegistryError(.unsupported, "\(layer.mediaType) is no layer of a file system; is this an image?")
        }
        let index: LayerIndex
        if let table = try await LayerTOC.read(layer, from: source) {
            log.append("table \(number)")
            index = table
        } else {
            log.append("layer \(number)")
            index = try await scan(layer, wanted: wanted, into: file)
        }
        indexes[number] = index
        return index
    }

    /// Gets the content of a file of a layer whose table or entries are known.
    private func fetch(_ entry: LayerChange, _ number: Int, into file: FilePath) async throws {
        let layer = image.layers[number]
        if let index = indexes[number], !index.chunks.isEmpty || entry.size == 0 {
            let output = try OpenFile(creating: file, mode: 0o600)
            if entry.size == 0 { return }
            if try await LayerTOC.content(entry.path, index, of: layer, from: source, { try output.write($0) }) {
                return
            }
            try Files.remove(file)
        }
        log.append("layer \(number) again")
        _ = try await scan(layer, wanted: entry.path, into: file)
        guard try Files.exists(file) else {
            throw RegistryError(
                .mismatch,
                "\(source.shown): the layer \(layer.digest) does not have \(entry.path.safeForTerminal), as its table says"
            )
        }
    }

    /// Reads a layer, unpacking it on a thread of its own while it arrives.
    private func scan(_ layer: Descriptor, wanted: String, into file: FilePath) async throws -> LayerIndex {
        let pipe = BytePipe()
        let stopsEarly = stopsEarly
        let limit = Self.greatestLayer
        async let result: LayerIndex = pipe.read { bytes in
            try Self.parse(bytes, wanted: wanted, into: file, stopsEarly: stopsEarly, limit: limit)
        }
        do {
            var stream = try await source.blob(layer)
            while let piece = try await stream.next() {
                guard await pipe.write(piece) else {
                    if stopsEarly { break }
                    // The reader has failed, or is done; the rest still decides whether the layer is the right one.
                    while try await stream.next() != nil {}
                    break
                }
            }
            pipe.finish()
        } catch {
            pipe.finish(throwing: error)
            _ = try? await result
            throw error
        }
        return try await result
    }

    private static func parse(
        _ bytes: ByteReader, wanted: String, into file: FilePath, stopsEarly: Bool, limit: Int
    ) throws -> LayerIndex {
        let unpacked = try Decompressor(bytes, limit: limit).reader
        var reader = LayerReader(unpacked)
        var index = LayerIndex()
        while let entry = try reader.next() {
            index.add(entry)
            guard entry.kind == .file, entry.path == wanted else { continue }
            // Of two entries of one name the last counts.
            if try Files.exists(file) { try Files.remove(file) }
            let output = try OpenFile(creating: file, mode: 0o600)
            while let part = try reader.nextPart() { try output.write(part) }
            if stopsEarly { return index }
        }
        // What follows the archive is unpacked too: its checksum is at the very end.
        while try unpacked.next(limit: 1 << 20) != nil {}
        return index
    }
}
