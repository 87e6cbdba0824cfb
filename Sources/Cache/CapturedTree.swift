package import Bytes

/// A file, link or empty directory somewhere in a tree.
package struct TreeFile: Hashable, Sendable {
    /// Relative to the root of the tree, with slashes.
    package var path: String
    package var node: Tree.Node

    package init(path: String, node: Tree.Node) {
        self.path = path
        self.node = node
    }
}

/// What `capture` stored.
package struct CapturedTree: Sendable {
    /// The digest of the whole tree, what came from the lower tree included.
    package var root: Digest
    /// What was found in the captured directory itself, sorted by the bytes of the path: files and links.
    package var files: [TreeFile]
    /// The directories that were found in the captured directory itself, each before those in it; the root is left out.
    package var directories: [String]
    /// What was removed of the lower tree, sorted likewise.
    package var removed: [String]
    /// The bytes of all `files`.
    package var byteCount: Int
}
