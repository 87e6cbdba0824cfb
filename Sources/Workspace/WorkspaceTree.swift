internal import Host
internal import SystemPackage

/// What one walk over a workspace found, minus what Leeway's rules ignore.
///
/// All patterns of all packages are matched against it. `.git` directories are left out. Symbolic links to
/// directories are followed, but not into a directory that the path already leads through.
struct WorkspaceTree: Sendable {
    struct File: Sendable {
        var name: [UInt8]
        /// Whether the name is a symbolic link.
        var isLink: Bool
        /// Whether it can be read as a file.
        var isRegular: Bool
    }

    struct Directory: Sendable {
        /// Relative to the root; empty for the root.
        var path: String
        var segments: [[UInt8]]
        var files: [File] = []
        /// All names with their kinds, those that are ignored included.
        var names: [StatTree.Entry] = []
        /// Read before the names.
        var status: FileStatus?
    }

    /// Sorted so that all that is below a directory follows it.
    private(set) var directories: [Directory] = []
    /// All directories that the walk went through, nested workspaces included.
    private(set) var walked: [Directory] = []
    /// Links to directories, followed or not: the path relative to the root, and where it leads to, free of links.
    private(set) var directoryLinks: [String: String] = [:]
    /// Directories of other workspaces inside this one, relative to the root.
    private(set) var nestedWorkspaces: [String] = []

    /// What `.leewayignore` says: any path that contains one of these is ignored.
    struct Ignores: Hashable, Sendable {
        var entries: [[UInt8]]
        /// The absolute path of the root and a slash.
        let base: [UInt8]

        init(root: FilePath, text: String) {
            base = Array((root.string == "/" ? "/" : root.string + "/").utf8)
            entries = text.split(separator: "\n").map { Array($0.utf8) }
        }

        /// Leeway's rule: the absolute path contains an entry.
        func contains(_ path: String) -> Bool {
            if entries.isEmpty { return false }
            let full = base + Array(path.utf8)
            return entries.contains { Self.find($0, in: full) }
        }

        static func find(_ needle: [UInt8], in text: [UInt8]) -> Bool {
            guard let first = needle.first, text.count >= needle.count else { return false }
            for start in 0...(text.count - needle.count) where text[start] == first {
                if text[start..<(start + needle.count)] == needle[...] { return true }
            }
            return false
        }
    }

    /// Walks `root`.
    init(root: FilePath, ignores: Ignores) throws {
        var found: [String: Directory] = ["": Directory(path: "", segments: [])]
        try Self.walk(
            root, prefix: "", real: [ToolPath.resolve(root) ?? root], ignores: ignores, into: &found, &directoryLinks)
        nestedWorkspaces = found.values.compactMap { directory in
            !directory.path.isEmpty && directory.files.contains { $0.name == Array("WORKSPACE.yaml".utf8) }
                ? directory.path : nil
        }.sorted()
        directories = Array(found.values)
        directories.sort { Self.precedes($0.segments, $1.segments) }
        walked = directories
    }

    private static func precedes(_ left: [[UInt8]], _ right: [[UInt8]]) -> Bool {
        for (one, other) in zip(left, right) where one != other { return one.lexicographicallyPrecedes(other) }
        return left.count < right.count
    }

    private static func walk(
        _ root: FilePath, prefix: String, real: [FilePath], ignores: Ignores, into found: inout [String: Directory],
        _ directoryLinks: inout [String: String]
    ) throws {
        var links: [(path: String, isIgnored: Bool)] = []
        var statuses: [(path: String, status: FileStatus)] = []
        var current = ("", Directory(path: "", segments: []))
        var isOpen = false
        func path(_ relative: String) -> String { prefix.isEmpty ? relative : prefix + "/" + relative }
        func flush() {
            if isOpen { found[current.0] = current.1 }
        }
        var walk = DirectoryWalk(root)
        walk.onDirectory = { statuses.append(($0, $1)) }
        try walk.forEach { entry in
            let full = path(entry.path)
            let slash = full.utf8.lastIndex(of: UInt8(ascii: "/"))
            let name = slash.map { full.utf8[full.utf8.index(after: $0)...] } ?? full.utf8[...]
            let parent = slash.map { String(full[..<$0]) } ?? ""
            if !isOpen || current.0 != parent {
                flush()
                guard let directory = found[parent] else { return false }
                current = (parent, directory)
                isOpen = true
            }
            if entry.kind != .link { current.1.names.append(.init(name: Array(name), kind: entry.kind)) }
            if entry.kind == .directory {
                if name.elementsEqual(".git".utf8) || ignores.contains(full) { return false }
                found[full] = Directory(path: full, segments: full.utf8.split(separator: 0x2F).map { Array($0) })
                return true
            }
            let isIgnored = ignores.contains(full)
            if entry.kind == .link {
                links.append((entry.path, isIgnored))
            } else if !isIgnored {
                current.1.files.append(
                    File(name: Array(name), isLink: false, isRegular: entry.kind == .regular))
            }
            return false
        }
        flush()
        for (directory, status) in statuses {
            found[prefix.isEmpty || directory.isEmpty ? prefix + directory : path(directory)]?.status = status
        }
        for (link, isIgnored) in links {
            let full = path(link)
            let place = root.appending(link)
            let status = try? Files.status(place)
            let slash = full.utf8.lastIndex(of: UInt8(ascii: "/"))
            let parent = slash.map { String(full[..<$0]) } ?? ""
            let name = slash.map { Array(full.utf8[full.utf8.index(after: $0)...]) } ?? Array(full.utf8)
            found[parent]?.names.append(.init(name: name, kind: .link, followed: status?.kind))
            if isIgnored { continue }
            guard status?.kind == .directory else {
                found[parent]?.files.append(File(name: name, isLink: true, isRegular: status?.kind == .regular))
                continue
            }
            // A link to a directory that the path leads through already would go round for ever.
            let resolved = ToolPath.resolve(place)
            directoryLinks[full] = resolved?.string ?? ""
            guard let target = resolved, let parent = ToolPath.resolve(place.removingLastComponent()),
                !parent.starts(with: target), !real.contains(target), real.count < 16
            else { continue }
            found[full] = Directory(path: full, segments: full.utf8.split(separator: 0x2F).map { Array($0) })
            try Self.walk(
                place, prefix: full, real: real + [target], ignores: ignores, into: &found, &directoryLinks)
        }
    }

    /// Leaves out what the directories of nested workspaces ignore.
    mutating func remove(_ ignores: Ignores) {
        directories.removeAll { ignores.contains($0.path) }
        for index in directories.indices {
            let path = directories[index].path
            directories[index].files.removeAll { file in
                let name = String(decoding: file.name, as: UTF8.self)
                return ignores.contains(path.isEmpty ? name : path + "/" + name)
            }
        }
    }

    /// The indices of a directory and all below it; empty when it isn't there.
    func range(below segments: [[UInt8]]) -> Range<Int> {
        var low = 0
        var high = directories.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(directories[middle].segments, segments) { low = middle + 1 } else { high = middle }
        }
        let start = low
        high = directories.count
        while low < high {
            let middle = (low + high) / 2
            if directories[middle].segments.starts(with: segments) { low = middle + 1 } else { high = middle }
        }
        return start..<low
    }

    /// The files below the directory `component` that match, as (directory, file) indices.
    func files(matching glob: Glob, below component: [[UInt8]]) -> [(directory: Int, file: Int)] {
        var out: [(Int, Int)] = []
        let prefix = glob.literalPrefix
        // The last literal may be a file's name, so the walk starts above it.
        let start = component + prefix.dropLast()
        for index in range(below: start) {
            let directory = directories[index]
            for (number, file) in directory.files.enumerated() {
                let path = Glob.Path(directory: directory.segments, skipped: component.count, name: file.name)
                if glob.matches(path) { out.append((index, number)) }
            }
        }
        return out
    }
}
