package import Bytes
internal import Host
package import SystemPackage

extension ContentStore {
    /// What becomes of the files that are captured.
    package enum CaptureMode: Sendable {
        /// The files themselves become blobs, without a copy where possible; what is left of the directory is waste.
        case moving
        /// The directory stays as it is.
        case copying
    }

    /// Stores everything in `path` as a tree.
    ///
    /// With `lower`, `path` is the upper directory of an overlay on that tree: names that it removes or hides are left
    /// out, and the rest of the lower tree is taken over without being read. Named pipes, sockets, devices, set-user-ID
    /// files, names that are not UTF-8 and deep nesting throw errors that name the path. Links are kept as they are.
    ///
    /// Nothing may write to the directory meanwhile.
    package func capture(
        _ path: FilePath, overlayOn lower: Digest? = nil, mode: CaptureMode = .moving
    ) async throws -> CapturedTree {
        let root = try OpenDirectory(path)
        let layer = try Layer(root, lower: lower, moving: mode == .moving) { try self.tree($0) }
        return try await capture(root, layer, isOverlay: lower != nil, mode: mode) { try self.put($0) }
    }

    /// As `capture` of the upper directory of an overlay, for callers that want the changes only: files are stored,
    /// directories are not.
    /// - Parameter trees: the directories of the lower tree, the root last; others are looked for in the store.
    package func captureChanges(_ path: FilePath, over trees: [Tree]) async throws -> CapturedTree {
        let root = try OpenDirectory(path)
        var lower: [Digest: Tree] = [:]
        for tree in trees { lower[tree.digest] = tree }
        let layer = try Layer(root, lower: (trees.last ?? .empty).digest, moving: true) { digest in
            try lower[digest] ?? self.tree(digest)
        }
        return try await capture(root, layer, isOverlay: true, mode: .moving) { Digest.of($0) }
    }

    private func capture(
        _ root: OpenDirectory, _ layer: Layer, isOverlay: Bool, mode: CaptureMode, store: ([UInt8]) throws -> Digest
    ) async throws -> CapturedTree {
        var layer = layer
        let names = layer.files
        let stored = try await directory.withoutCollection {
            try await concurrentMap(names) { name in
                try self.ingest(name, in: root, moving: mode == .moving, isOverlay: isOverlay)
            }
        }
        var captured = CapturedTree(
            root: Self.emptyTree, files: [], directories: Array(layer.directories.dropFirst()), removed: layer.removed,
            byteCount: 0)
        for (name, file) in zip(names, stored) {
            let node = Tree.Node.file(file.digest, size: file.size, isExecutable: file.isExecutable)
            layer.add(node, at: name)
            captured.files.append(TreeFile(path: name, node: node))
            captured.byteCount += file.size
        }
        for link in layer.links { captured.files.append(TreeFile(path: link.path, node: link.node)) }
        captured.files.sort { Files.isOrderedByBytes($0.path, $1.path) }
        captured.removed.sort(by: Files.isOrderedByBytes)
        captured.root = try layer.store(store)
        return captured
    }
}

/// One directory that is being captured, and the tree below it.
private struct Layer {
    /// The paths of regular files.
    private(set) var files: [String] = []
    private(set) var links: [TreeFile] = []
    private(set) var removed: [String] = []
    /// The directories, each before those in it; `""` is the root.
    private(set) var directories: [String] = [""]
    private var entries: [String: [Tree.Entry]] = [:]
    /// What shines through at a directory.
    private var lower: [String: Tree] = [:]
    /// The names that the directory does not have although the lower tree has them.
    private var hidden: [String: Set<String>] = [:]

    init(
        _ root: OpenDirectory, lower digest: Digest?, moving: Bool, tree: (Digest) throws -> Tree
    ) throws {
        if let digest { lower[""] = try tree(digest) }
        let isOverlay = digest != nil
        if isOverlay, try OverlayMark.isOpaque(root, ".") { lower[""] = nil }
        let walk = DirectoryWalk(root.path, withStatus: true)
        try walk.forEach { entry in
            guard let status = entry.status else { return false }
            let (parent, name) = Self.split(entry.path)
            switch status.kind {
            case .regular: files.append(entry.path)
            case .link:
                let node = Tree.Node.link(try root.linkTarget(entry.path))
                links.append(TreeFile(path: entry.path, node: node))
                add(node, at: entry.path)
            case .directory:
                directories.append(entry.path)
                if status.mode & 0o700 != 0o700, moving { try root.setMode(entry.path, 0o700) }
                if isOverlay {
                    let isOpaque = try OverlayMark.isOpaque(root.directory(entry.path), entry.path)
                    if !isOpaque, case .directory(let below, _)? = lower[parent]?[name] {
                        lower[entry.path] = try tree(below)
                    } else if lower[parent]?[name] != nil {
                        removed.append(entry.path)
                    }
                }
                return true
            case .characterDevice where isOverlay && OverlayMark.isWhiteout(status):
                hidden[parent, default: []].insert(name)
                removed.append(entry.path)
            default:
                throw CacheError(
                    .input, "is \(status.kind.name), which an artifact can't hold; remove it in the step",
                    path: entry.path)
            }
            return false
        }
    }

    mutating func add(_ node: Tree.Node, at path: String) {
        let (parent, name) = Self.split(path)
        entries[parent, default: []].append(Tree.Entry(name: name, node: node))
    }

    /// Gives the directories' bytes to `store`, the deepest first, and gives the digest of the root.
    mutating func store(_ store: ([UInt8]) throws -> Digest) throws -> Digest {
        for path in directories.reversed() {
            var all = entries.removeValue(forKey: path) ?? []
            if let below = lower[path] {
                let gone = hidden[path] ?? []
                let names = Set(all.map { Array($0.name.utf8) })
                all += below.entries.filter { !gone.contains($0.name) && !names.contains(Array($0.name.utf8)) }
            }
            let bytes = try Tree(all).encoded
            let digest = try store(bytes)
            if path.isEmpty { return digest }
            add(.directory(digest, size: bytes.count), at: path)
        }
        return ContentStore.emptyTree
    }

    private static func split(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
    }
}
