internal import Build
internal import Bytes
internal import Cache
internal import Host
internal import SystemPackage

/// Unpacks archives as Leeway packs artifacts, one after the other, on a thread that nobody else needs.
///
/// Nothing in an archive is believed: `TarReader` refuses what leads elsewhere, and files go into the store alone.
actor LeewayArchive {
    /// What an archive may ask for.
    struct Limits: Sendable {
        /// The bytes of the archive itself.
        var archive = 1 << 34
        /// The bytes that it unpacks to.
        var content = 1 << 36
        var entries = 1_000_000
    }

    private let lane = BlockingLane(name: "martlet unpack")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe lane.asUnownedSerialExecutor() }

    private let store: ContentStore
    /// Where large files are until they are whole.
    private let directory: FilePath
    nonisolated let limits: Limits
    /// Larger files go by way of a file on disk.
    private static let greatestInMemory = 4 << 20

    init(_ store: ContentStore, directory: FilePath, limits: Limits) {
        self.store = store
        self.directory = directory
        self.limits = limits
    }

    /// Stores what is in the archive `digest`, and gives the tree of it.
    func unpack(_ digest: Digest) throws -> Digest {
        let source = ByteReader(try store.open(digest))
        var bounds = TarReader.Limits()
        bounds.entries = limits.entries
        bounds.totalBytes = limits.content
        var archive = TarReader(try Decompressor(source, limit: limits.content).reader, limits: bounds)
        var files = FileSet()
        var known: [String: Tree.Node] = [:]
        while let entry = try archive.next() {
            try Task.checkCancellation()
            let node: Tree.Node
            switch entry.kind {
            case .directory:
                files.makeDirectory(entry.path)
                continue
            case .link(let target): node = .link(target)
            case .hardLink(let path):
                guard let first = known[path] else {
                    throw RemoteCacheError(.malformed, "\(entry.path.safeForTerminal) is a second name of no file")
                }
                node = first
            case .file(let isExecutable):
                let stored = try store(&archive, size: entry.size, isExecutable: isExecutable)
                node = .file(stored, size: entry.size, isExecutable: isExecutable)
            }
            // Where Leeway kept its provenance once; the artifact's own files are beside it.
            guard entry.path != Artifact.bundleMember else { continue }
            known[entry.path] = node
            files.put(node, at: entry.path)
        }
        let tree = try files.tree()
        for directory in tree.directories { try store.put(directory) }
        return tree.root.digest
    }

    /// Stores the content of the current entry.
    private func store(_ archive: inout TarReader, size: Int, isExecutable: Bool) throws -> Digest {
        guard size > Self.greatestInMemory else {
            return try store.put(archive.content(limit: Self.greatestInMemory), isExecutable: isExecutable)
        }
        try Files.createDirectories(directory, mode: 0o700)
        let path = Files.temporaryName(beside: directory.appending("file"))
        defer { try? Files.remove(path) }
        let file = try OpenFile(creating: path, mode: isExecutable ? 0o700 : 0o600)
        while let part = try archive.nextPart() { try file.write(part) }
        return try store.put(file: path).digest
    }
}
