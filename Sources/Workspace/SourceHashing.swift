internal import Bytes
internal import Host
internal import Synchronization
internal import SystemPackage

/// Hashes every source of a workspace once, on all cores.
struct SourceHashing: Sendable {
    let root: FilePath
    let memory: WorkspaceOptions.HashMemory?

    /// What is known of one file.
    struct Facts: Sendable {
        var hashes: ContentHashes
        /// `hashes.highway` in hexadecimal digits.
        var highwayHex: String
        var isExecutable: Bool
        var linkTarget: String?
        /// Through any link, read before the content.
        var status: FileStatus
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

    /// The facts of each source by path.
    func facts(of sources: [SourceFinder.Found]) async throws -> [String: Outcome] {
        // Paths of sources are relative to it; those that start with a slash stand for themselves all the same.
        let directory = try OpenDirectory(root)
        let fresh = Mutex<[(path: String, status: FileStatus, hashes: ContentHashes)]>([])
        let outcomes = try await concurrentMap(sources, chunk: 64) { source in
            do {
                return Outcome.facts(try facts(of: source, in: directory) { new in fresh.withLock { $0.append(new) } })
            } catch {
                return Outcome.failure("\(error)")
            }
        }
        let new = fresh.withLock { $0 }
        if !new.isEmpty { memory?.remember(new) }
        var out: [String: Outcome] = [:]
        out.reserveCapacity(sources.count)
        for (source, outcome) in zip(sources, outcomes) { out[source.path] = outcome }
        return out
    }

    private func facts(
        of source: SourceFinder.Found, in directory: OpenDirectory,
        remember: ((path: String, status: FileStatus, hashes: ContentHashes)) -> Void
    ) throws -> Facts {
        let target = source.isLink ? try Files.readLink(root.pushing(FilePath(source.path))) : nil
        if let memory, !memory.isEmpty {
            guard let status = try directory.status(source.path, followingLinks: true) else {
                throw HostError(
                    .notFound, "vanished while the workspace was being read", path: root.appending(source.path))
            }
            if let hashes = memory.recall(source.path, status) {
                return Facts(
                    hashes: hashes, highwayHex: Hex.encode(hashes.highway), isExecutable: status.isExecutable,
                    linkTarget: target, status: status)
            }
        }
        let (hashes, status) = try Files.contentHashes(
            of: directory.file(reading: source.path, followingLinks: true), highway: Self.leewayHasher)
        if memory != nil { remember((source.path, status, hashes)) }
        return Facts(
            hashes: hashes, highwayHex: Hex.encode(hashes.highway), isExecutable: status.isExecutable,
            linkTarget: target, status: status)
    }
}
