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

        init(path: String) {
            self.path = path
            segments = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
        }
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

        func contains(_ name: [UInt8], in directory: String) -> Bool {
            if entries.isEmpty { return false }
            let text = String(decoding: name, as: UTF8.self)
            return contains(directory.isEmpty ? text : directory + "/" + text)
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
    init(root: FilePath, ignores: Ignores) async throws {
        var found: [String: Directory] = [:]
        var links: [String: String] = [:]
        try await Self.walk(
            root, prefix: "", real: [ToolPath.resolve(root) ?? root], ignores: ignores, into: &found, &links)
        directoryLinks = links
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

    /// What was found in one directory.
    private struct Listed: Sendable {
        var directory: Directory
        /// Relative to where the walk began.
        var below: [String] = []
        var links: [[UInt8]] = []
        var count = 0
    }

    /// Goes through `root`, whose path in the workspace is `prefix`, level by level on all cores.
    private static func walk(
        _ root: FilePath, prefix: String, real: [FilePath], ignores: Ignores, into found: inout [String: Directory],
        _ directoryLinks: inout [String: String]
    ) async throws {
        let start = try OpenDirectory(root)
        var links: [(parent: String, name: [UInt8])] = []
        var level = [""]
        var (depth, count) = (0, 0)
        while !level.isEmpty {
            guard depth <= DirectoryWalk.depthLimit else {
                throw HostError(
                    .input, "is nested more than \(DirectoryWalk.depthLimit) directories deep",
                    path: root.appending(level[0]))
            }
            let listed = try await concurrentMap(level, chunk: 8) {
                try list($0, in: start, prefix: prefix, ignores: ignores)
            }
            level = []
            for one in listed {
                count += one.count
                level += one.below
                for name in one.links { links.append((one.directory.path, name)) }
                found[one.directory.path] = one.directory
            }
            guard count <= DirectoryWalk.entryLimit else {
                throw HostError(
                    .tooLarge, "holds more than \(DirectoryWalk.entryLimit) files and directories", path: root)
            }
            depth += 1
        }
        for (parent, name) in links {
            try await follow(
                name, in: parent, root, prefix, real: real, ignores: ignores, into: &found, &directoryLinks)
        }
    }

    private static func list(
        _ path: String, in start: OpenDirectory, prefix: String, ignores: Ignores
    ) throws -> Listed {
        let full = join(prefix, path)
        var listed = Listed(directory: Directory(path: full))
        // A directory that vanished counts as empty; whoever needs to know that nothing changed compares statuses.
        guard let listing = try start.listing(of: path) else { return listed }
        listed.directory.status = listing.status
        listed.count = listing.names.count
        listed.directory.names.reserveCapacity(listing.names.count)
        listed.directory.files.reserveCapacity(listing.names.count)
        for name in listing.names {
            if name.kind == .link {
                listed.links.append(name.bytes)
                continue
            }
            listed.directory.names.append(.init(name: name.bytes, kind: name.kind))
            if name.kind == .directory {
                let text = String(decoding: name.bytes, as: UTF8.self)
                if text == ".git" || ignores.contains(join(full, text)) { continue }
                listed.below.append(join(path, text))
            } else if !ignores.contains(name.bytes, in: full) {
                listed.directory.files.append(
                    File(name: name.bytes, isLink: false, isRegular: name.kind == .regular))
            }
        }
        return listed
    }

    /// Takes in a link and, if it leads to a directory, what is there.
    private static func follow(
        _ name: [UInt8], in parent: String, _ root: FilePath, _ prefix: String, real: [FilePath], ignores: Ignores,
        into found: inout [String: Directory], _ directoryLinks: inout [String: String]
    ) async throws {
        let full = join(parent, String(decoding: name, as: UTF8.self))
        let place = root.appending(prefix.isEmpty ? full : String(full.dropFirst(prefix.count + 1)))
        let status = try? Files.status(place)
        found[parent]?.names.append(.init(name: name, kind: .link, followed: status?.kind))
        if ignores.contains(full) { return }
        guard status?.kind == .directory else {
            found[parent]?.files.append(File(name: name, isLink: true, isRegular: status?.kind == .regular))
            return
        }
        // A link to a directory that the path leads through already would go round for ever.
        let resolved = ToolPath.resolve(place)
        directoryLinks[full] = resolved?.string ?? ""
        guard let target = resolved, let own = ToolPath.resolve(place.removingLastComponent()),
            !own.starts(with: target), !real.contains(target), real.count < 16
        else { return }
        try await walk(place, prefix: full, real: real + [target], ignores: ignores, into: &found, &directoryLinks)
    }

    private static func join(_ directory: String, _ name: String) -> String {
        directory.isEmpty ? name : name.isEmpty ? directory : directory + "/" + name
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
        func add(_ index: Int, where isNamed: ([UInt8]) -> Bool = { _ in true }) {
            let directory = directories[index]
            let first = directory.segments.count > component.count ? directory.segments[component.count] : nil
            if let any = glob.anySegment, let first, first != Glob.doubleStar {
                let isInside = directory.segments[component.count...].contains(where: any.matches)
                for (number, file) in directory.files.enumerated() where isInside || any.matches(file.name) {
                    out.append((index, number))
                }
                return
            }
            for (number, file) in directory.files.enumerated() where isNamed(file.name) {
                let path = Glob.Path(directory: directory.segments, skipped: component.count, name: file.name)
                if glob.matches(path) { out.append((index, number)) }
            }
        }
        // The last literal is the name of a file, or of a directory.
        if let last = glob.literalPrefix.last {
            let start = component + glob.literalPrefix.dropLast()
            if let index = range(below: start).first, directories[index].segments == start {
                add(index) { $0 == last }
            }
        }
        for index in range(below: component + glob.literalPrefix) { add(index) }
        return out
    }
}
