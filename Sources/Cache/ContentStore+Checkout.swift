package import Bytes
internal import Host
internal import Synchronization
package import SystemPackage

/// Trees laid out as files.
extension ContentStore {
    /// A directory that holds the tree, shared by all and read-only, to be mounted or linked from.
    ///
    /// It is made once, from hard links to verified blobs. Later calls compare every entry's status with the tree, once in
    /// each process; a directory that was tampered with is made anew. Throws a `CacheError` with `isMiss` when a blob is
    /// absent or damaged.
    package func checkout(_ root: Digest) async throws -> FilePath {
        let name = root.hex
        let path = directory.trees.path.appending(name)
        if checkedTrees.withLock({ $0[root] }) != nil, try directory.trees.status(name) != nil { return path }
        // A finished directory needs no lock.
        if try await directory.withoutCollection({ try await matches(root, name) }) != nil { return path }
        let token = try await FileLock(directory.locks.appending("tree.\(name)")).lock()
        try await directory.withoutCollection {
            if try await matches(root, name) != nil { return }
            let temporary = temporaryName()
            do {
                try directory.trees.makeDirectory(temporary, mode: 0o700)
                try await layOut(
                    root, in: directory.trees.directory(temporary), mode: .shared)
                // What stands there is damaged, since it did not match.
                try Files.removeTree(path)
                _ = try directory.trees.rename(temporary, to: name, in: directory.trees)
            } catch {
                try? Files.removeTree(directory.trees.path.appending(temporary))
                throw error
            }
            checkedTrees.withLock { $0[root] = LayoutCheck() }
        }
        token.unlock()
        return path
    }

    /// Lays the tree out in the new or empty directory `path`, as private files that may be written to.
    package func copy(_ root: Digest, to path: FilePath) async throws {
        try Files.createDirectories(path)
        let target = try OpenDirectory(path)
        guard try target.names().isEmpty else {
            throw CacheError(.input, "is not empty, so a tree can't be laid out in it", path: path.string)
        }
        try await directory.withoutCollection { try await layOut(root, in: target, mode: .writable) }
    }

    /// Lays the tree out in the new or empty directory `path` by hard links: fast, for readers only. Whoever writes to
    /// these files damages the cache, which is found out when they are next used.
    package func link(_ root: Digest, to path: FilePath) async throws {
        try Files.createDirectories(path)
        let target = try OpenDirectory(path)
        try await directory.withoutCollection { try await layOut(root, in: target, mode: .linked) }
    }

    /// How a tree is laid out.
    enum Layout: Sendable {
        /// Hard links in directories that nobody may write to.
        case shared
        /// Hard links in ordinary directories.
        case linked
        /// Copies in ordinary directories.
        case writable
    }

    struct Item: Sendable {
        var path: String
        var name: BlobName
        var size: Int
    }

    private func layOut(_ root: Digest, in target: OpenDirectory, mode: Layout) async throws {
        var directories: [String] = []
        var files: [Item] = []
        try forEach(in: root) { path, node in
            switch node {
            case .directory:
                try target.makeDirectory(path)
                directories.append(path)
            case .link(let text): try target.makeLink(path, target: text)
            case .file(let digest, let size, let isExecutable):
                files.append(Item(path: path, name: BlobName(digest, isExecutable: isExecutable), size: size))
            }
        }
        try await concurrentForEach(files) { item in
            if mode == .writable { try self.copy(item, to: target) } else { try self.link(item, to: target) }
        }
        guard mode == .shared else { return }
        for path in directories.reversed() { try seal(target.directory(path)) }
        try seal(target)
    }

    private func seal(_ directory: OpenDirectory) throws {
        try directory.setModified(Self.fileTime)
        try directory.setMode(0o755)
    }

    /// Links a blob that is verified now into a tree.
    func link(_ item: Item, to target: OpenDirectory) throws {
        try verify(item.name, size: item.size)
        switch try directory.blobs.link(item.name.text, to: item.path, in: target) {
        case .done: return
        case .tooManyLinks, .otherFileSystem:
            try write(item, to: target, mode: item.name.mode) {
                try $0.copyAll(from: directory.blobs.file(reading: item.name.text))
            }
        case .nameExists: throw CacheError(.input, "exists already", path: item.path)
        case .absent: throw CacheError(.absent, "the cache no longer holds this file", path: item.path)
        }
    }

    private func copy(_ item: Item, to target: OpenDirectory) throws {
        // The other variant does as well: only the bytes are needed.
        let other = BlobName(item.name.digest, isExecutable: !item.name.isExecutable)
        let source = try isIntact(item.name, size: item.size) ? item.name : other
        // A small one is read once.
        if item.size <= Self.smallSize, let file = try? directory.blobs.file(reading: source.text) {
            let bytes = try file.read(item.size + 1)
            if Digest.of(bytes) == item.name.digest {
                return try write(item, to: target, mode: item.name.mode) { try $0.write(bytes) }
            }
        }
        try verify(source, size: item.size)
        try write(item, to: target, mode: item.name.mode) {
            try $0.copyAll(from: directory.blobs.file(reading: source.text))
        }
    }

    /// The most bytes that are copied through memory rather than by the system, which may share blocks.
    private static let smallSize = 1 << 17

    private func write(
        _ item: Item, to target: OpenDirectory, mode: UInt16, _ content: (borrowing OpenFile) throws -> Void
    ) throws {
        let file = try target.file(creating: item.path, mode: mode)
        try content(file)
        try file.setMode(mode)
        try file.setModified(Self.fileTime)
    }

    /// Hashes the blob; makes the executable variant from the plain one, or the reverse, when only that exists.
    func verify(_ name: BlobName, size: Int) throws {
        if try isIntact(name, size: size) {
            let file = try directory.blobs.file(reading: name.text)
            if try Files.digest(of: file, sizeHint: size).digest == name.digest { return }
        }
        if try directory.blobs.status(name.text) != nil { try remove(damaged: name) }
        let other = BlobName(name.digest, isExecutable: !name.isExecutable)
        guard try isIntact(other, size: size) else {
            throw CacheError(
                .absent, "the cache does not hold this blob, or it was damaged", path: name.digest.description)
        }
        let temporary = temporaryName()
        do {
            let target = try directory.temporary.file(creating: temporary, mode: 0o600)
            try target.copyAll(from: directory.blobs.file(reading: other.text))
            let written = try directory.temporary.file(reading: temporary)
            guard try Files.digest(of: written, sizeHint: size).digest == name.digest else {
                try remove(damaged: other)
                throw CacheError(
                    .damaged, "the stored bytes were not what they had been", path: name.digest.description)
            }
            try publish(temporary, in: directory.temporary, target, as: name)
        } catch {
            try? directory.temporary.remove(temporary)
            throw error
        }
    }

    /// What a look at the directory `name` of laid-out trees gives, once in each process: `nil` when it is not exactly the
    /// tree, by names and statuses. To be called without collection.
    func matches(_ root: Digest, _ name: String) async throws -> LayoutCheck? {
        guard let status = try directory.trees.status(name), status.kind == .directory else { return nil }
        if Clocks.nowNanoseconds() - status.changed > CacheCollector.touchInterval {
            try directory.trees.setMode(name, 0o755)
        }
        if let known = checkedTrees.withLock({ $0[root] }) { return known }
        guard let found = try await check(root, at: name) else { return nil }
        checkedTrees.withLock { $0[root] = found }
        return found
    }
}
