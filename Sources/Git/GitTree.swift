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

    /// The submodules that the commit records.
    var gitlinks: [Entry] { lines.filter { raw[$0.mode + 1] == UInt8(ascii: "6") }.map(entry) }

    /// What is at `path`, submodules included; `nil` where the commit has no file there.
    package func entry(at path: String) -> Entry? {
        if let (submodule, inner) = submodule(of: path) {
            guard var entry = submodule.entry(at: inner) else { return nil }
            entry.path = path
            return entry
        }
        return position(of: path, near: 0).map { entry(lines[$0]) }
    }

    /// The submodule that `path` is in, and the path there.
    func submodule(of path: String) -> (tree: GitTree, path: String)? {
        for submodule in submodules where path.hasPrefix(submodule.directory + "/") {
            return (submodule.tree, String(path.dropFirst(submodule.directory.count + 1)))
        }
        return nil
    }

    /// The place of `path` among the entries of this tree.
    ///
    /// - Parameter guess: where it is looked for first; sorted paths are mostly found there.
    func position(of path: String, near guess: Int) -> Int? {
        let wanted = path.utf8Span.span
        var low = 0
        var high = lines.count
        if guess < high {
            switch order(lines[guess], wanted) {
            case 0: return guess
            case ..<0: low = guess + 1
            default: high = guess
            }
        }
        while low < high {
            let middle = (low + high) / 2
            switch order(lines[middle], wanted) {
            case 0: return middle
            case ..<0: low = middle + 1
            default: high = middle
            }
        }
        return nil
    }

    /// Below zero where the path of `line` comes before `wanted`, above where it comes after.
    private func order(_ line: Line, _ wanted: Span<UInt8>) -> Int {
        let bytes = raw.span
        let count = line.end - line.path
        for index in 0..<min(count, wanted.count) where bytes[line.path + index] != wanted[index] {
            return Int(bytes[line.path + index]) - Int(wanted[index])
        }
        return count - wanted.count
    }

    /// How an input differs from what is at `path`, submodules included; `nil` where it does not.
    func reason(of input: GitInput, at path: String) -> GitChange.Reason? {
        if let (submodule, inner) = submodule(of: path) { return submodule.reason(of: input, at: inner) }
        return position(of: path, near: 0).map { reason(of: input, at: $0) } ?? .untracked
    }

    /// How an input differs from the entry at a position; `nil` where it does not.
    func reason(of input: GitInput, at position: Int) -> GitChange.Reason? {
        let line = lines[position]
        let bytes = raw.span
        // The last digits tell 100644, 100755, 120000 and 160000 apart, and the second one links and submodules.
        let isExecutable = bytes[line.mode + 3] == UInt8(ascii: "7")
        switch (input.kind, bytes[line.mode + 1]) {
        case (.link, UInt8(ascii: "2")): return hasID(line, input.id) ? nil : .modified
        case (.file(let wanted), UInt8(ascii: "0")):
            if !hasID(line, input.id) { return .modified }
            return wanted == isExecutable ? nil : .mode
        default: return .type
        }
    }

    private func hasID(_ line: Line, _ id: GitObjectID) -> Bool {
        let wanted = id.hex.utf8Span.span
        guard wanted.count == format.digitCount else { return false }
        let bytes = raw.span
        for index in 0..<wanted.count where bytes[line.id + index] != wanted[index] { return false }
        return true
    }

    /// The paths of the entries at those positions that are not marked, submodules left out.
    func paths(unmarked marks: [Bool]) -> [String] {
        lines.indices.lazy.filter { !marks[$0] && raw[lines[$0].mode + 1] != UInt8(ascii: "6") }
            .map { String(decoding: raw[lines[$0].path..<lines[$0].end], as: UTF8.self) }
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
