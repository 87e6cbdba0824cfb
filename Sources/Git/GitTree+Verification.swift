extension GitTree {
    /// Recomputes the name of the root tree from this listing, and compares.
    ///
    /// git reads objects without hashing them. Whoever can write the object store could put another tree under a
    /// known name, and the sources would pass for those of the commit.
    ///
    /// - Throws: `GitError` `.corrupt` when a tree's name is not the hash of its entries.
    func verify(root: GitObjectID) throws(GitError) {
        /// A directory whose entries are still coming.
        struct Open {
            var prefix: ArraySlice<UInt8>
            var id: GitObjectID
            var content: [UInt8] = []
        }
        var open = [Open(prefix: [], id: root)]

        func close(_ directory: Open) throws(GitError) {
            guard format.objectID(type: "tree", directory.content) == directory.id else {
                let name = String(decoding: directory.prefix, as: UTF8.self)
                throw GitError(
                    .corrupt,
                    "the tree \(directory.id) of '\(name)' is not what its name says; check with 'git fsck --full'")
            }
        }

        var at = 0
        while at < raw.count {
            let end = raw[at...].firstIndex(of: 0) ?? raw.count
            let isTree = raw[at + 7] == UInt8(ascii: "t")
            let start = at + 7 + (raw[at + 7] == UInt8(ascii: "c") ? 7 : 5)
            let digits = raw[start..<start + format.digitCount]
            let path = raw[(start + format.digitCount + 1)..<end]
            while open.count > 1, !path.starts(with: open[open.count - 1].prefix) { try close(open.removeLast()) }
            // A tree object spells the mode of a directory without the leading zero.
            let top = open.count - 1
            open[top].content += raw[at..<at + 6].drop { $0 == UInt8(ascii: "0") }
            open[top].content.append(0x20)
            open[top].content += path.dropFirst(open[top].prefix.count)
            open[top].content.append(0)
            open[top].content += try Self.bytes(digits)
            if isTree { open.append(Open(prefix: path + [UInt8(ascii: "/")], id: GitObjectID(checked: digits))) }
            at = end + 1
        }
        while let directory = open.popLast() { try close(directory) }
    }

    /// The bytes of a name that git printed.
    private static func bytes(_ digits: ArraySlice<UInt8>) throws(GitError) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: throw GitError(.failed, "git printed an object's name that is not hexadecimal")
            }
            if let first = high { out.append(first << 4 | value) }
            high = high == nil ? value : nil
        }
        return out
    }
}
