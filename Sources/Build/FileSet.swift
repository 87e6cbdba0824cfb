internal import Bytes
package import Cache

/// The files of a step's tree by path, in memory: what makes keys without touching the disk.
package struct FileSet: Sendable, Equatable {
    /// Files and links by path relative to the root. A `.directory` stands for a whole tree, a dependency's artifact
    /// for example.
    package private(set) var nodes: [String: Tree.Node]
    /// Directories that are there even if nothing is in them.
    package private(set) var emptyDirectories: Set<String>

    package init() {
        nodes = [:]
        emptyDirectories = []
    }

    /// Puts `node` at `path`, in place of what was there, a directory's content included.
    package mutating func put(_ node: Tree.Node, at path: String) {
        nodes[path] = node
        emptyDirectories.remove(path)
    }

    /// Makes a directory, which stays when it is empty.
    package mutating func makeDirectory(_ path: String) {
        if nodes[path] == nil, !path.isEmpty { emptyDirectories.insert(path) }
    }

    /// Removes `path` and everything below it.
    package mutating func remove(_ path: String) {
        let prefix = path + "/"
        nodes[path] = nil
        emptyDirectories.remove(path)
        for key in nodes.keys where key.hasPrefix(prefix) { nodes[key] = nil }
        for key in emptyDirectories where key.hasPrefix(prefix) { emptyDirectories.remove(key) }
    }

    /// Every directory, empty or not, the root left out.
    package func directories() -> Set<String> {
        var all = emptyDirectories
        for path in Array(nodes.keys) + Array(emptyDirectories) {
            var end = path.endIndex
            while let slash = path[..<end].lastIndex(of: "/"), all.insert(String(path[..<slash])).inserted {
                end = slash
            }
        }
        return all
    }

    /// The files below `directory`, with paths relative to it. An empty path means all.
    package func subset(below directory: String) -> FileSet {
        guard !directory.isEmpty else { return self }
        let prefix = directory + "/"
        var subset = FileSet()
        for (path, node) in nodes where path.hasPrefix(prefix) {
            subset.nodes[String(path.dropFirst(prefix.count))] = node
        }
        for path in emptyDirectories where path.hasPrefix(prefix) {
            subset.emptyDirectories.insert(String(path.dropFirst(prefix.count)))
        }
        return subset
    }

    /// The directory that these files make, and the encoding of each directory in it, ready to be stored.
    package func tree() throws -> (root: Tree, directories: [Tree]) {
        let root = Directory()
        for (path, node) in nodes { root.insert(node, path[...]) }
        for path in emptyDirectories { root.insert(nil, path[...]) }
        var directories: [Tree] = []
        let tree = try root.build(&directories)
        return (tree, directories)
    }

    /// A directory while its tree is made.
    private final class Directory {
        var files: [String: Tree.Node] = [:]
        var directories: [String: Directory] = [:]

        func insert(_ node: Tree.Node?, _ path: Substring) {
            if let slash = path.firstIndex(of: "/") {
                directory(String(path[..<slash])).insert(node, path[path.index(after: slash)...])
            } else if let node {
                files[String(path)] = node
            } else {
                _ = directory(String(path))
            }
        }

        private func directory(_ name: String) -> Directory {
            if let known = directories[name] { return known }
            let new = Directory()
            directories[name] = new
            return new
        }

        func build(_ all: inout [Tree]) throws -> Tree {
            var entries: [Tree.Entry] = []
            for (name, node) in files where directories[name] == nil {
                entries.append(Tree.Entry(name: name, node: node))
            }
            for (name, directory) in directories {
                entries.append(Tree.Entry(name: name, node: try directory.build(&all).asNode))
            }
            let tree = try Tree(entries)
            all.append(tree)
            return tree
        }
    }
}

extension Tree {
    /// The node of a directory that holds this tree.
    var asNode: Node { .directory(digest, size: encoded.count) }
}
