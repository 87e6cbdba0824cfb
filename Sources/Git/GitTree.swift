/// All files of one commit: their paths, modes and object names, as `git ls-tree -r -t -z` lists them.
///
/// It is a value that depends on the commit alone, so a caller may keep `raw` under the commit's name.
package struct GitTree: Sendable {
    /// One file, link or submodule.
    package struct Entry: Hashable, Sendable {
        /// Relative to the root of the repository.
        package var path: String
        /// `100644`, `100755`, `120000` for a link, `160000` for a submodule.
        package var mode: String
        package var id: GitObjectID
    }

    /// Where the parts of one line are in `raw`.
    private struct Line {
        let mode: Int
        let id: Int
        let path: Int
        let end: Int
    }

    package let format: GitObjectFormat
    /// The bytes that git printed.
    package let raw: [UInt8]
    /// Files, links and submodules, by the bytes of their paths.
    private let lines: [Line]
    /// The trees of submodules, by their directories.
    package internal(set) var submodules: [(directory: String, tree: GitTree)] = []

    /// More than this is refused.
    package static let byteLimit = 1 << 29

    /// Takes the output of `git ls-tree -r -t -z --full-tree`.
    package init(parsing raw: [UInt8], format: GitObjectFormat) throws(GitError) {
        self.format = format
        self.raw = raw
        let digits = format.digitCount
        var lines: [Line] = []
        lines.reserveCapacity(raw.count / 90)
        let bytes = raw.span
        var at = 0
        while at < bytes.count {
            // 100644 blob 0123…cdef<TAB>path<NUL>
            let start = at
            var end = start
            while end < bytes.count, bytes[end] != 0 { end += 1 }
            let type = start + 7
            guard end < bytes.count, type + 5 < end, bytes[start + 6] == 0x20 else { throw Self.unreadable }
            let isTree = bytes[type] == UInt8(ascii: "t")
            let id = type + (bytes[type] == UInt8(ascii: "c") ? 7 : 5)
            let path = id + digits + 1
            guard path < end, bytes[id - 1] == 0x20, bytes[path - 1] == 0x09 else { throw Self.unreadable }
            if !isTree { lines.append(Line(mode: start, id: id, path: path, end: end)) }
            at = end + 1
        }
        self.lines = lines
    }

    private static var unreadable: GitError {
        GitError(.failed, "git listed the files of the commit in a way that martlet does not understand")
    }

    /// How many files, links and submodules there are, without those inside of submodules.
    package var count: Int { lines.count }

    /// All entries in the order of the bytes of their paths; names that are not UTF-8 are repaired.
    package var entries: some Sequence<Entry> { lines.lazy.map(entry) }

    /// What is at `path`, submodules included; `nil` where the commit has no file there.
    package func entry(at path: String) -> Entry? {
        for submodule in submodules {
            guard path.hasPrefix(submodule.directory + "/") else { continue }
            let inner = String(path.dropFirst(submodule.directory.count + 1))
            guard var entry = submodule.tree.entry(at: inner) else { return nil }
            entry.path = path
            return entry
        }
        let wanted = Array(path.utf8)
        var low = 0
        var high = lines.count
        while low < high {
            let middle = (low + high) / 2
            if raw[lines[middle].path..<lines[middle].end].lexicographicallyPrecedes(wanted) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < lines.count, raw[lines[low].path..<lines[low].end].elementsEqual(wanted) else { return nil }
        return entry(lines[low])
    }

    private func entry(_ line: Line) -> Entry {
        Entry(
            path: String(decoding: raw[line.path..<line.end], as: UTF8.self),
            mode: String(decoding: raw[line.mode..<line.mode + 6], as: UTF8.self),
            // The parser has found as many bytes as a name has digits.
            id: GitObjectID(checked: raw[line.id..<line.id + format.digitCount]))
    }
}

extension GitObjectID {
    /// Takes digits that git printed.
    init(checked digits: ArraySlice<UInt8>) { hex = String(decoding: digits, as: UTF8.self) }
}
