internal import Bytes
internal import Host
internal import SystemPackage

/// Hashes every source of a workspace once, on all cores.
struct SourceHashing: Sendable {
    let root: FilePath
    let memory: WorkspaceOptions.HashMemory?
    /// The hashes of an earlier load that was kept.
    var kept: KeptHashes?
    /// Whether git's names of contents are wanted, which are had cheaply while a file is read.
    var isNaming = false

    /// What is known of one file.
    struct Facts: Sendable {
        var hashes: ContentHashes
        var linkTarget: String?
        /// Through any link, read before the content.
        var status: FileStatus
        /// Whether the hashes were computed now, not remembered.
        var isFresh: Bool
        /// git's name for the content, if it was wanted and the file was read.
        var gitName: [UInt8]?
    }

    enum Outcome: Sendable {
        case facts(Facts)
        case failure(String)
    }

    /// The key of Leeway's content hashes (specs/build.md section 4).
    static let leewayHasher: HighwayHash256 = {
        let key: [UInt8] = [
            0x03, 0x40, 0xf3, 0xc8, 0x94, 0x7c, 0xad, 0x78, 0x75, 0x14, 0x0f, 0x4c, 0x4a, 0xf7, 0xc6, 0x2b,
            0x43, 0x13, 0x1d, 0xc2, 0xa8, 0xc7, 0xfc, 0x46, 0x28, 0xf0, 0x68, 0x5e, 0x36, 0x9a, 0x3b, 0x0b,
        ]
        guard let hasher = HighwayHash256(key: key) else { preconditionFailure("the key has 32 bytes") }
        return hasher
    }()

    /// Leeway's keyed hash of `bytes` in hexadecimal digits.
    static func leewayHash(_ bytes: [UInt8]) -> String {
        var hasher = leewayHasher
        hasher.update(bytes)
        return Hex.encode(hasher.finalize())
    }

    /// The facts of each source, in their order.
    func facts(of sources: [SourceFinder.Found]) async throws -> [Outcome] {
        // Paths of sources are relative to it; those that start with a slash stand for themselves all the same.
        let directory = try OpenDirectory(root)
        let parts = stride(from: 0, to: sources.count, by: 64).map { sources[$0..<min($0 + 64, sources.count)] }
        return try await concurrentMap(parts, chunk: 1) { part in
            var place = Place(root: directory)
            return unsafe withUnsafeTemporaryAllocation(byteCount: Files.contentBufferSize, alignment: 32) { buffer in
                part.map { source in
                    do {
                        return Outcome.facts(try unsafe facts(of: source, in: &place, buffer: buffer))
                    } catch {
                        return Outcome.failure("\(error)")
                    }
                }
            }
        }.flatMap { $0 }
    }

    /// The directory of the file that was looked at last: the next one is mostly in the same, and its name there is found
    /// sooner than its path.
    private struct Place {
        let root: OpenDirectory
        private var path = ""
        private var directory: OpenDirectory?

        init(root: OpenDirectory) { self.root = root }

        /// A directory and the name that `path` has there.
        mutating func resolve(_ path: String) throws -> (OpenDirectory, name: String) {
            guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else {
                return (root, path)
            }
            let name = String(path[path.utf8.index(after: slash)...])
            let parent = path[..<slash]
            if let directory, self.path == parent { return (directory, name) }
            let opened = try root.directory(through: String(parent))
            (self.path, directory) = (String(parent), opened)
            return (opened, name)
        }
    }

    /// Gives what was computed anew to the memory, which keeps it.
    func remember(_ sources: SourceTable) {
        guard let memory else { return }
        var fresh: [(path: String, status: FileStatus, hashes: ContentHashes)] = []
        for (source, outcome) in zip(sources.all, sources.facts) {
            guard case .facts(let facts) = outcome, facts.isFresh else { continue }
            fresh.append((source.path, facts.status, facts.hashes))
        }
        if !fresh.isEmpty { memory.remember(fresh) }
    }

    /// Gives git's names that were computed to whoever asks git.
    func tellNames(_ sources: SourceTable, _ tell: ([(digest: Digest, name: [UInt8])]) -> Void) {
        guard isNaming else { return }
        tell(
            sources.facts.compactMap { outcome in
                guard case .facts(let facts) = outcome, let name = facts.gitName else { return nil }
                return (facts.hashes.digest, name)
            })
    }

    private func facts(
        of source: SourceFinder.Found, in place: inout Place, buffer: UnsafeMutableRawBufferPointer
    ) throws -> Facts {
        let target = source.isLink ? try Files.readLink(root.pushing(FilePath(source.path))) : nil
        let (directory, name) = try place.resolve(source.path)
        if kept != nil || memory?.isEmpty == false {
            guard let status = try directory.status(name, followingLinks: true) else {
                throw HostError(
                    .notFound, "vanished while the workspace was being read", path: root.appending(source.path))
            }
            if let hashes = kept?.recall(source.path, status) ?? memory?.recall(source.path, status) {
                return Facts(hashes: hashes, linkTarget: target, status: status, isFresh: false)
            }
        }
        let (hashes, status, gitName) = try unsafe Files.contentHashes(
            of: directory.file(reading: name, followingLinks: true), highway: Self.leewayHasher,
            isNamed: isNaming, buffer: buffer)
        return Facts(hashes: hashes, linkTarget: target, status: status, isFresh: true, gitName: gitName)
    }
}

extension SourceFile {
    init(_ found: SourceFinder.Found, _ facts: SourceHashing.Facts) {
        self.init(
            path: found.path, digest: facts.hashes.digest, size: facts.hashes.size,
            isExecutable: facts.status.isExecutable, linkTarget: facts.linkTarget, isImplicit: found.isImplicit,
            leewayHash: LeewayHash(facts.hashes.highway))
    }
}
