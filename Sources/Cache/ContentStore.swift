package import Bytes
package import Host
internal import Synchronization
package import SystemPackage

/// Blobs and trees by their digests, on disk, shared by all processes of a user.
///
/// A blob appears under its name only when it is complete. It is hashed again whenever it is read, and when it is first
/// laid out in a tree; one that is not what it was is removed and counts as absent.
package final class ContentStore: Sendable {
    /// When a file that is published must be on the disk.
    package enum Durability: Sendable {
        /// Whenever the system writes it. After a power failure a blob may be damaged, which the check on reading finds.
        case eventual
        /// Before it gets its name.
        case immediate
    }

    let directory: CacheDirectory
    let durability: Durability
    /// What this process found of trees whose layout it has compared with what it should be. The lock guards the table
    /// only.
    let checkedTrees = Mutex<[Digest: LayoutCheck]>([:])

    /// The time of every stored file, 1 January 1980. A file that was written to has another time, which gives it away
    /// without reading it; and what steps see does not depend on when it was built.
    package static let fileTime: Int64 = 315_532_800_000_000_000

    /// Opens the store in `path`, and makes it when there is none.
    package convenience init(directory path: FilePath, durability: Durability = .eventual) throws {
        try self.init(CacheDirectory(path), durability: durability)
    }

    init(_ directory: CacheDirectory, durability: Durability) {
        self.directory = directory
        self.durability = durability
    }

    /// Where the cache is.
    package var path: FilePath { directory.path }

    /// Whether the blob is there, by its name and status.
    package func contains(_ digest: Digest) -> Bool {
        [false, true].contains { isExecutable in
            (try? isIntact(BlobName(digest, isExecutable: isExecutable), size: nil)) == true
        }
    }

    /// Stores `bytes`.
    @discardableResult
    package func put(_ bytes: [UInt8], isExecutable: Bool = false) throws -> Digest {
        let digest = Digest.of(bytes)
        let name = BlobName(digest, isExecutable: isExecutable)
        try directory.withoutCollection {
            if try keep(name, size: bytes.count) { return }
            let temporary = temporaryName()
            do {
                let file = try directory.temporary.file(creating: temporary, mode: 0o600)
                try file.write(bytes)
                try publish(temporary, in: directory.temporary, file, as: name)
            } catch {
                try? directory.temporary.remove(temporary)
                throw error
            }
        }
        return digest
    }

    /// Stores a copy of the regular file `path`.
    @discardableResult
    package func put(file path: FilePath) throws -> (digest: Digest, size: Int) {
        let parent = path.removingLastComponent()
        let source = try OpenDirectory(parent.isEmpty ? "." : parent)
        guard let name = path.lastComponent?.string else {
            throw CacheError(.input, "is not the path of a file", path: path.string)
        }
        let stored = try directory.withoutCollection { try ingest(name, in: source, moving: false) }
        return (stored.digest, stored.size)
    }

    /// The bytes of a blob, checked against `digest`. Throws `.absent` when there is no such blob, `.damaged` when it
    /// was altered, and a `HostError` when it is larger than `limit`.
    package func read(_ digest: Digest, limit: Int) throws -> [UInt8] {
        for isExecutable in [false, true] {
            let name = BlobName(digest, isExecutable: isExecutable)
            guard let status = try directory.blobs.status(name.text), status.kind == .regular else { continue }
            guard status.size <= limit else {
                throw HostError(
                    .tooLarge, "the blob has \(status.size) bytes, more than the \(limit) accepted here",
                    path: directory.blobs.path.appending(name.text))
            }
            let bytes = try directory.blobs.file(reading: name.text).read(status.size + 1)
            if Digest.of(bytes) == digest { return bytes }
            try remove(damaged: name)
            throw CacheError(
                .damaged, "the stored bytes were not what they had been; they were removed", path: digest.description)
        }
        throw CacheError(.absent, "the cache does not hold this blob", path: digest.description)
    }

    /// Opens a blob to be read in pieces. The bytes are not checked: the reader must compare their digest in the end.
    package func open(_ digest: Digest) throws -> OpenFile {
        for isExecutable in [false, true] {
            let name = BlobName(digest, isExecutable: isExecutable)
            if try isIntact(name, size: nil) { return try directory.blobs.file(reading: name.text) }
        }
        throw CacheError(.absent, "the cache does not hold this blob", path: digest.description)
    }

    /// Stores the encoding of `tree`; what its entries name must be stored by the caller.
    @discardableResult
    package func put(_ tree: Tree) throws -> Digest { try put(tree.encoded) }

    /// The tree with this digest, checked.
    package func tree(_ digest: Digest) throws -> Tree {
        if digest == Self.emptyTree { return .empty }
        do {
            return try Tree(decoding: read(digest, limit: Tree.byteLimit))
        } catch let error as ParseError {
            throw CacheError(.input, "the blob is no directory: \(error)", path: digest.description)
        }
    }

    static let emptyTree = Tree.empty.digest

    /// The digest of a tree without entries; it is always there.
    package static var emptyRoot: Digest { emptyTree }

    /// Waits until everything stored so far is on the disk.
    package func synchronize() throws { try directory.blobs.synchronizeFileSystem() }
}

extension CacheError {
    /// Whether building again, instead of using the cache, is the answer to this error.
    package var isMiss: Bool { code == .absent || code == .damaged }
}
