internal import CHost
internal import Glibc
package import SystemPackage

/// One pass over a directory and everything below it, in the order of the file system.
///
/// Symbolic links are reported and never followed. A directory that vanishes during the walk counts as empty; whoever
/// needs to know that nothing changed compares statuses afterwards.
package struct DirectoryWalk {
    /// One file, directory or link that was found.
    package struct Entry: Sendable {
        /// Relative to the root, with slashes, never empty.
        package var path: String
        package var kind: FileStatus.Kind
        /// Present when the walk was asked for statuses.
        package var status: FileStatus?
    }

    /// The levels that a walk goes down before it refuses; each holds a descriptor.
    package static let depthLimit = 400

    /// Where the walk starts.
    package var root: FilePath
    /// Whether every entry gets its status, at the price of a system call each.
    package var withStatus: Bool
    /// The entries that a walk finds before it refuses, unless it is told otherwise.
    package static let entryLimit = 20_000_000
    package var entryLimit = DirectoryWalk.entryLimit
    /// Called with the directory (relative) and the escaped name when a name is not UTF-8. By default it throws.
    package var onInvalidName: (_ directory: String, _ escapedName: String) throws -> Void

    package init(_ root: FilePath, withStatus: Bool = false) {
        self.root = root
        self.withStatus = withStatus
        onInvalidName = { directory, name in
            throw HostError(
                .input, "holds the name '\(name)', which is not UTF-8; rename or exclude that file",
                path: directory.isEmpty ? root : root.appending(directory))
        }
    }

    /// Calls `visit` for every entry, a directory before what is in it; its answer says whether to go into a directory.
    package func forEach(_ visit: (Entry) throws -> Bool) throws {
        var count = 0
        try walk(OpenFile(directory: root), rootText: root.string, prefix: "", depth: 0, count: &count, visit)
    }

    /// All entries, in no particular order.
    package func entries() throws -> [Entry] {
        var entries: [Entry] = []
        try forEach { entry in
            entries.append(entry)
            return true
        }
        return entries
    }

    private func walk(
        _ directory: consuming OpenFile, rootText: String, prefix: String, depth: Int, count total: inout Int,
        _ visit: (Entry) throws -> Bool
    ) throws {
        guard depth <= Self.depthLimit else {
            throw HostError(
                .input, "is nested more than \(Self.depthLimit) directories deep", path: root.appending(prefix))
        }
        var reader = DirectoryReader(directory)
        let number = reader.number
        var below: [(name: [UInt8], path: String)] = []
        var count = total
        try reader.forEach { name, reported in
            count += 1
            guard count <= entryLimit else {
                throw HostError(.tooLarge, "holds more than \(entryLimit) files and directories", path: root)
            }
            guard let text = unsafe name.withUnsafeBufferPointer({ unsafe String(validating: $0, as: UTF8.self) })
            else {
                return try onInvalidName(prefix, FileName.escape(FileName.bytes(name)))
            }
            let path = prefix.isEmpty ? text : prefix + "/" + text
            var status: FileStatus?
            if withStatus || reported == nil {
                status = try self.status(of: text, in: number, path: path)
                // It vanished between the two calls.
                if status == nil { return }
            }
            guard let kind = status?.kind ?? reported else { return }
            let goes = try visit(Entry(path: path, kind: kind, status: withStatus ? status : nil))
            if kind == .directory, goes { below.append((FileName.bytes(name) + [0], path)) }
        }
        total = count
        for (name, path) in below {
            guard let child = try open(name, in: number, path: path, rootText: rootText) else { continue }
            try walk(child, rootText: rootText, prefix: path, depth: depth + 1, count: &total, visit)
        }
    }

    private func open(_ name: [UInt8], in parent: Int32, path: String, rootText: String) throws -> OpenFile? {
        let child = unsafe name.withUnsafeBufferPointer { buffer -> Int32 in
            unsafe buffer.withMemoryRebound(to: CChar.self) { pointer in
                guard let base = pointer.baseAddress else { return -1 }
                return unsafe martlet_openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
            }
        }
        if child >= 0 { return OpenFile(owning: child, path: rootText + "/" + path) }
        // Gone, or replaced by something that is no directory.
        if errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return nil }
        throw HostError.last("open the directory", path: root.appending(path))
    }

    private func status(of name: String, in parent: Int32, path: String) throws -> FileStatus? {
        var raw = stat()
        if unsafe fstatat(parent, name, &raw, AT_SYMLINK_NOFOLLOW) == 0 { return FileStatus(raw) }
        if errno == ENOENT { return nil }
        throw HostError.last("read its status", path: root.appending(path))
    }
}
