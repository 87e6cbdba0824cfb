internal import Bytes
internal import Host
internal import SystemPackage

/// Looks paths up in the index that an image's manifest names.
final class IndexedPaths {
    private let place: PathIndex.Place
    private let image: ImageManifest
    private let source: any ImageSource
    private var shards: [PathIndex.Shard]?
    private var entries: [PathIndex.Shard: [String: PathIndex.Entry]] = [:]

    private static let greatestLinkCount = 40

    /// `nil` where the manifest names no index.
    init?(_ image: ImageManifest, from source: any ImageSource) {
        guard let place = image.annotations[PathIndex.annotation].flatMap({ PathIndex.Place($0) }) else { return nil }
        self.place = place
        self.image = image
        self.source = source
    }

    /// What an index says of a path.
    enum Answer {
        case written(LayerChange)
        case absent
        /// The place has no index, or gives no parts: layers have to be read.
        case unknown
    }

    /// Writes the file at `path`, links followed, to the new file `output`.
    func write(_ path: String, to output: FilePath) async throws -> Answer {
        var wanted = path
        var links = 0
        var mode: UInt16?
        while true {
            let lookup = try await look(wanted)
            let entry: PathIndex.Entry
            switch lookup {
            case .unknown: return .unknown
            case .found(let found): entry = found
            case .missing:
                let other = try await byWayOfLink(wanted)
                guard let other else { return .absent }
                wanted = other
                links += 1
                guard links < Self.greatestLinkCount else { throw Self.loop(path) }
                continue
            }
            switch entry.kind {
            case .file:
                mode = mode ?? entry.mode
                return try await write(entry, wanted, to: output)
            case .link(let target):
                wanted = LayerChange.target(of: target, at: wanted)
                links += 1
                guard links < Self.greatestLinkCount else { throw Self.loop(path) }
            case .directory:
                throw RegistryError(
                    .refused, "\(path.safeForTerminal) is a directory in the image; name a file in it")
            case .special:
                throw RegistryError(
                    .refused, "\(path.safeForTerminal) is a device, a pipe or a socket in the image, and has no content"
                )
            }
        }
    }

    private static func loop(_ path: String) -> RegistryError {
        RegistryError(.malformed, "\(path.safeForTerminal) leads through more than \(greatestLinkCount) links")
    }

    /// What the path means by the lowest directory on its way that is a link; `nil` where none is.
    private func byWayOfLink(_ path: String) async throws -> String? {
        var parent = path[...]
        while let slash = parent.lastIndex(of: "/") {
            parent = parent[..<slash]
            let lookup = try await look(String(parent))
            guard case .found(let entry) = lookup, case .link(let target) = entry.kind else { continue }
            let base = LayerChange.target(of: target, at: String(parent))
            let rest = path.dropFirst(parent.count + 1)
            return base.isEmpty ? String(rest) : "\(base)/\(rest)"
        }
        return nil
    }

    private enum Lookup {
        case found(PathIndex.Entry)
        case missing
        /// The index can't be asked.
        case unknown
    }

    private func look(_ path: String) async throws -> Lookup {
        if shards == nil {
            let bytes = try await part(place.root)
            guard let bytes else { return .unknown }
            shards = try PathIndex.shards(bytes, place)
        }
        guard let shard = PathIndex.shard(of: path, among: shards ?? []) else { return .missing }
        if entries[shard] == nil {
            let bytes = try await part(shard.range)
            guard let bytes else { return .unknown }
            entries[shard] = try PathIndex.entries(bytes, shard)
        }
        guard let entry = entries[shard]?[path] else { return .missing }
        return .found(entry)
    }

    private func part(_ range: Range<Int>) async throws -> [UInt8]? {
        do {
            return try await source.bytes(of: place.content, range)
        } catch let error as RegistryError where error.code == .absent {
            // Whoever copied the image may have left behind what belongs to it.
            return nil
        }
    }

    private func write(_ entry: PathIndex.Entry, _ path: String, to output: FilePath) async throws -> Answer {
        let change = LayerChange(
            path: path, kind: .file, mode: entry.mode, owner: 0, group: 0, modified: 0, size: entry.size)
        guard image.layers.indices.contains(entry.layer) else {
            throw RegistryError(.malformed, "the image's path index names a layer that there is not")
        }
        let layer = image.layers[entry.layer]
        var index = LayerIndex()
        index.add(change)
        index.chunks[path] = entry.chunks
        let file = try OpenFile(creating: output, mode: 0o600)
        if entry.size == 0 { return .written(change) }
        guard try await LayerTOC.content(path, index, of: layer, from: source, { try file.write($0) }) else {
            try Files.remove(output)
            return .unknown
        }
        return .written(change)
    }
}
