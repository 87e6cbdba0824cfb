package import Bytes
internal import Host

/// Work on trees that needs no files.
extension ContentStore {
    /// A copy of the tree `root` in which `path` is the tree `tree`. What stood at `path` is replaced; directories on the
    /// way are made, and a file on the way throws.
    package func graft(_ tree: Digest, at path: String, into root: Digest) throws -> Digest {
        let size = try self.tree(tree).encoded.count
        return try setting(path, to: .directory(tree, size: size), in: root)
    }

    /// A copy of the tree `root` in which `path` stands for `node`, or for nothing.
    package func setting(_ path: String, to node: Tree.Node?, in root: Digest) throws -> Digest {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init).filter { $0 != "." }
        guard !parts.isEmpty else {
            guard case .directory(let digest, _)? = node else {
                throw CacheError(.input, "the root of a tree can only be a directory", path: path)
            }
            return digest
        }
        return try setting(parts[...], to: node, in: root).digest
    }

    private func setting(
        _ path: ArraySlice<String>, to node: Tree.Node?, in root: Digest
    ) throws -> (digest: Digest, size: Int) {
        guard let name = path.first else { throw CacheError(.input, "an empty path") }
        let current = try tree(root)
        var replacement = node
        if path.count > 1 {
            let below: Digest
            switch current[name] {
            case .directory(let digest, _): below = digest
            case nil: below = try put(Tree.empty)
            default: throw CacheError(.input, "is no directory, so nothing can be put below it", path: name)
            }
            let (digest, size) = try setting(path.dropFirst(), to: node, in: below)
            replacement = .directory(digest, size: size)
        }
        let changed = try current.setting(name, to: replacement)
        let bytes = changed.encoded
        return (try put(bytes), bytes.count)
    }

    /// What `path` stands for in the tree `root`, links not followed; `nil` when there is nothing. The root itself is
    /// asked for with an empty path.
    package func node(at path: String, in root: Digest) throws -> Tree.Node? {
        var node = Tree.Node.directory(root, size: 0)
        for part in path.split(separator: "/") where part != "." {
            guard case .directory(let digest, _) = node, let next = try tree(digest)[String(part)] else { return nil }
            node = next
        }
        return node
    }

    /// Everything in the tree, sorted by the bytes of the path: files, links and, with `directories`, directories.
    package func flatten(_ root: Digest, directories: Bool = false) throws -> [TreeFile] {
        var files: [TreeFile] = []
        try forEach(in: root) { path, node in
            if case .directory = node, !directories { return }
            files.append(TreeFile(path: path, node: node))
        }
        return files.sorted { Files.isOrderedByBytes($0.path, $1.path) }
    }

    /// Calls `body` for every entry, a directory before what is in it.
    func forEach(in root: Digest, _ body: (_ path: String, Tree.Node) throws -> Void) throws {
        var pending: [(prefix: String, digest: Digest, depth: Int)] = [("", root, 0)]
        while let (prefix, digest, depth) = pending.popLast() {
            guard depth <= DirectoryWalk.depthLimit else {
                throw CacheError(.input, "a tree of more than \(DirectoryWalk.depthLimit) levels", path: prefix)
            }
            for entry in try tree(digest).entries {
                let path = prefix.isEmpty ? entry.name : prefix + "/" + entry.name
                try body(path, entry.node)
                if case .directory(let below, _) = entry.node { pending.append((path, below, depth + 1)) }
            }
        }
    }

    /// The blobs that the tree is made of, directories included, each once, with their sizes; a size below 0 is unknown.
    package func references(of root: Digest) throws -> [Digest: Int] {
        var sizes = [root: -1]
        var pending = [root]
        while let digest = pending.popLast() {
            for entry in try tree(digest).entries {
                switch entry.node {
                case .file(let file, let size, _): sizes[file] = size
                case .directory(let below, let size):
                    if sizes.updateValue(size, forKey: below) == nil { pending.append(below) }
                case .link: break
                }
            }
        }
        return sizes
    }
}
