internal import Bytes
internal import Host
package import Registry
internal import SystemPackage

/// The files of an image, its layers applied one over the other.
package struct ImageTree: Sendable {
    struct Node: Sendable {
        enum Kind: Hashable, Sendable {
            case file
            case directory
            case link(String)
        }

        var kind: Kind
        var attributes: TarAttributes
        var content: [UInt8] = []
    }

    /// By path relative to the root; the root itself is the empty path.
    private(set) var nodes: [String: Node] = ["": Node(kind: .directory, attributes: TarAttributes(mode: 0o755))]
    private var total = 0

    /// The bytes of all files together, at most: they are held in memory.
    static let byteLimit = 4 << 30
    static let layerLimit = 4 << 30
    static let linkLimit = 40

    /// A root with nothing in it.
    init() {}

    /// Reads the layers of `manifest`, each checked against its digest.
    package init(_ manifest: ImageManifest, from source: any ImageSource) async throws {
        for layer in manifest.layers {
            let blob = try await source.blob(layer).bytes(limit: Self.layerLimit)
            try layer.check(blob, "a layer of \(source.shown)")
            try apply(blob)
            await Task.yield()
        }
    }

    /// Applies one layer (image-spec `layer.md`): deletions first, whatever the order in the archive is.
    mutating func apply(_ blob: [UInt8]) throws {
        var limits = TarReader.Limits()
        limits.totalBytes = Self.byteLimit
        limits.entries = 1_000_000
        var reader = TarReader(
            try Decompressor(ByteReader(blob), limit: Self.layerLimit).reader, limits: limits)
        var added: [(path: String, node: Node)] = []
        var places: [String: Int] = [:]
        while let entry = try reader.next() {
            let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
            let parent = ImagePath.parent(entry.path)
            if name == ".wh..wh..opq" {
                remove(below: parent)
            } else if name.hasPrefix(".wh.") {
                let target = String(name.dropFirst(4))
                remove(parent.isEmpty ? target : "\(parent)/\(target)")
            } else {
                var node = Node(kind: .directory, attributes: entry.attributes)
                switch entry.kind {
                case .directory: break
                case .link(let target): node.kind = .link(target)
                case .file:
                    node.kind = .file
                    node.content = try reader.content(limit: Self.byteLimit)
                    total += node.content.count
                    guard total <= Self.byteLimit else {
                        throw ImageError(.limit, "the image's files have more than \(Self.byteLimit) bytes")
                    }
                case .hardLink(let target):
                    guard let place = places[target] else {
                        throw ImageError(.malformed, "/\(entry.path) is a second name of a file that is not there")
                    }
                    node = added[place].node
                }
                places[entry.path] = added.count
                added.append((entry.path, node))
            }
        }
        for (path, node) in added {
            if node.kind != .directory { remove(path) }
            nodes[path] = node
            // Archives may leave out directories; they are then as everybody makes them.
            var parent = ImagePath.parent(path)
            while nodes[parent] == nil {
                nodes[parent] = Node(kind: .directory, attributes: TarAttributes(mode: 0o755))
                parent = ImagePath.parent(parent)
            }
        }
    }

    private mutating func remove(below directory: String) {
        let prefix = directory.isEmpty ? "" : directory + "/"
        for path in nodes.keys where path.hasPrefix(prefix) && path != directory && !path.isEmpty { nodes[path] = nil }
    }

    private mutating func remove(_ path: String) {
        if nodes[path]?.kind == .directory { remove(below: path) }
        nodes[path] = nil
    }

    /// The node at `path`, links on the way followed, that at the end only when asked for; `nil` where there is none.
    func find(_ path: String, followingLast: Bool) -> (path: String, node: Node)? {
        var rest = path.split(separator: "/").map(String.init)[...]
        var current: [String] = []
        var links = 0
        while let part = rest.popFirst() {
            if part == "." { continue }
            if part == ".." {
                _ = current.popLast()
                continue
            }
            let place = (current + [part]).joined(separator: "/")
            guard let node = nodes[place] else { return nil }
            if case .link(let target) = node.kind, followingLast || !rest.isEmpty {
                links += 1
                guard links <= Self.linkLimit else { return nil }
                if target.hasPrefix("/") { current = [] }
                rest = target.split(separator: "/").map(String.init) + rest
                continue
            }
            guard rest.isEmpty || node.kind == .directory else { return nil }
            current.append(part)
        }
        let place = current.joined(separator: "/")
        return nodes[place].map { (place, $0) }
    }

    /// Writes the files below `directory`, for commands that run on them. Owners are not set.
    func extract(to directory: FilePath) throws {
        let paths = nodes.keys.filter { !$0.isEmpty }.sorted(by: Files.isOrderedByBytes)
        for path in paths {
            guard let node = nodes[path], node.kind == .directory else { continue }
            try Files.createDirectories(directory.appending(path))
        }
        for path in paths {
            guard let node = nodes[path] else { continue }
            let target = directory.appending(path)
            // Parents are directories of this tree, never links, so nothing is written outside.
            guard nodes[ImagePath.parent(path)]?.kind == .directory else { continue }
            switch node.kind {
            case .directory: continue
            case .file: try Files.write(node.content, to: target, mode: node.attributes.mode & 0o777)
            case .link(let text): try Files.symlink(text, at: target)
            }
        }
        for path in paths.reversed() {
            guard let node = nodes[path], node.kind == .directory else { continue }
            try Files.setMode(directory.appending(path), node.attributes.mode & 0o1777)
        }
    }
}
