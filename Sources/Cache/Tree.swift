package import Bytes
internal import Host

/// One directory: its entries by name, each with what it holds. Subdirectories are named by their digests, so that a
/// tree's digest covers everything below it.
///
/// Its bytes are a `Directory` message of the Remote Execution API v2, in canonical form: every kind of entry sorted by
/// the bytes of the name, no properties. Owners, times and mode bits other than "executable" are no part of it.
package struct Tree: Hashable, Sendable {
    /// What one name stands for.
    package enum Node: Hashable, Sendable {
        case file(Digest, size: Int, isExecutable: Bool)
        /// The digest and the count of bytes of the subdirectory's encoding.
        case directory(Digest, size: Int)
        /// A symbolic link and what it says; never followed.
        case link(String)
    }

    /// A name and what it stands for.
    package struct Entry: Hashable, Sendable {
        package var name: String
        package var node: Node

        package init(name: String, node: Node) {
            self.name = name
            self.node = node
        }
    }

    /// The most entries that a directory may have.
    package static let entryLimit = 1_000_000
    /// The most bytes that an encoded directory may have.
    package static let byteLimit = 1 << 28

    /// Sorted by the bytes of the names, which are unique.
    package let entries: [Entry]

    /// A directory without entries.
    package static let empty = Tree(sorted: [])

    /// Takes entries in any order; an invalid or repeated name throws.
    package init(_ entries: [Entry]) throws(CacheError) {
        let sorted = entries.sorted { Files.isOrderedByBytes($0.name, $1.name) }
        for (index, entry) in sorted.enumerated() {
            guard Self.isValid(name: entry.name) else {
                throw CacheError(.input, "'\(entry.name)' can't be the name of a file in a tree")
            }
            guard index == 0 || !entry.hasSameName(as: sorted[index - 1]) else {
                throw CacheError(.input, "the name '\(entry.name)' occurs twice in one directory")
            }
        }
        self.entries = sorted
    }

    init(sorted entries: [Entry]) { self.entries = entries }

    /// The entry called `name`.
    package subscript(_ name: String) -> Node? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if Files.isOrderedByBytes(entries[middle].name, name) { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, entries[low].name.utf8.elementsEqual(name.utf8) else { return nil }
        return entries[low].node
    }

    /// A copy in which `name` stands for `node`, or for nothing.
    package func setting(_ name: String, to node: Node?) throws(CacheError) -> Tree {
        var changed = entries.filter { !$0.name.utf8.elementsEqual(name.utf8) }
        if let node { changed.append(Entry(name: name, node: node)) }
        return try Tree(changed)
    }

    /// Whether `name` can be one path component: not empty, `.` or `..`, no slash or NUL, at most 255 bytes.
    package static func isValid(name: String) -> Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.count <= 255 && name != "." && name != ".."
            && !bytes.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }
}

extension Tree.Entry {
    /// Swift's `==` takes canonically equivalent texts for equal; file systems do not.
    fileprivate func hasSameName(as other: Tree.Entry) -> Bool { name.utf8.elementsEqual(other.name.utf8) }
}
