package import Bytes
internal import Host
internal import Synchronization
package import SystemPackage

/// What a registry keeps: for each repository an OCI layout that any tool can read, and one pool of blobs from which
/// repositories have hard links (docs/formats/registry-store.md).
///
/// Every change is one rename of a file that is whole, so a process that is killed leaves nothing half-done. Processes
/// exclude each other by a lock a repository. All calls block.
package final class ImageStore: Sendable {
    package let root: FilePath

    /// The indexes that were read, with the status of the file that they were read from. The lock guards the table only.
    private let read = Mutex<[String: Remembered]>([:])
    /// Uploads with their running hashes. The lock guards the table only.
    let uploads = Mutex<[String: StoredUpload]>([:])

    private struct Remembered {
        var status: FileStatus
        var index: ImageStoreIndex
    }

    private static let rememberedLimit = 512

    /// Opens the store at `root`, and makes it where there is none.
    package init(_ root: FilePath) throws {
        self.root = root
        try Files.createDirectories(root.appending("repositories"), mode: 0o700)
        try Files.createDirectories(root.appending("blobs"), mode: 0o700)
    }

    /// Opens the store at `root`, which must be there.
    package convenience init(existing root: FilePath) throws {
        guard try Files.exists(root.appending("repositories")) else {
            throw RegistryError(.absent, "\(root) holds no registry; `martlet serve --data` makes one")
        }
        try self.init(root)
    }

    // MARK: Places

    /// The OCI layout of a repository. Components of names never begin with `_`, so no repository is inside of it.
    package func layout(_ repository: String) throws -> FilePath {
        guard Reference.isRepository(repository) else {
            throw RegistryError(
                .nameInvalid, "'\(String(repository.prefix(300)).safeForTerminal)' is no name of a repository")
        }
        return root.appending("repositories").appending(repository).appending("_oci")
    }

    func blobFile(_ digest: MessageDigest, in layout: FilePath) -> FilePath {
        layout.appending("blobs").appending(digest.algorithm.rawValue).appending(digest.hex)
    }

    func poolFile(_ digest: MessageDigest) -> FilePath {
        root.appending("blobs").appending(digest.algorithm.rawValue).appending(String(digest.hex.prefix(2)))
            .appending(digest.hex)
    }

    /// Whether the repository was ever written to.
    package func contains(_ repository: String) throws -> Bool {
        try Files.exists(layout(repository).appending("oci-layout"))
    }

    /// Makes the layout where it is missing.
    @discardableResult
    func make(_ repository: String) throws -> FilePath {
        let layout = try layout(repository)
        let mark = layout.appending("oci-layout")
        if try Files.exists(mark) { return layout }
        for algorithm in HashAlgorithm.allCases {
            try Files.createDirectories(layout.appending("blobs").appending(algorithm.rawValue), mode: 0o700)
        }
        try Files.createDirectories(layout.appending("uploads"), mode: 0o700)
        if try !Files.exists(layout.appending("index.json")) {
            try Files.write(ImageStoreIndex().bytes(), to: layout.appending("index.json"), durable: true)
        }
        try Files.write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: mark, durable: true)
        // The names of the directories above are durable only once those are.
        var directory = layout
        while directory != root, directory.removeLastComponent() { try Files.synchronize(directory) }
        return layout
    }

    // MARK: Index

    /// The index of a repository; `.nameUnknown` where there is none.
    package func index(_ repository: String) throws -> ImageStoreIndex {
        let file = try layout(repository).appending("index.json")
        guard let status = try Files.status(file) else {
            throw RegistryError(.nameUnknown, "there is no repository \(repository)")
        }
        if let remembered = read.withLock({ $0[repository] }), remembered.status == status { return remembered.index }
        let index = try ImageStoreIndex(parsing: Files.read(file, limit: ImageStoreIndex.greatestByteCount))
        // It may have been replaced between the two calls; then the status fits no later one.
        remember(index, status, repository)
        return index
    }

    private func remember(_ index: ImageStoreIndex, _ status: FileStatus, _ repository: String) {
        read.withLock {
            if $0.count >= Self.rememberedLimit, $0[repository] == nil, let some = $0.keys.randomElement() {
                $0[some] = nil
            }
            $0[repository] = Remembered(status: status, index: index)
        }
    }

    /// Changes the index of a repository while nobody else can. `body` gives whether anything changed.
    func change<Result>(
        _ repository: String, _ body: (FilePath, inout ImageStoreIndex) throws -> (changed: Bool, result: Result)
    ) throws -> Result {
        let layout = try layout(repository)
        _ = try index(repository)
        let token = try FileLock(layout.appending("lock")).lockBlocking()
        let result = try changeLocked(repository, layout, body)
        token.unlock()
        return result
    }

    private func changeLocked<Result>(
        _ repository: String, _ layout: FilePath,
        _ body: (FilePath, inout ImageStoreIndex) throws -> (changed: Bool, result: Result)
    ) throws -> Result {
        var index = try index(repository)
        let (changed, result) = try body(layout, &index)
        guard changed else { return result }
        let bytes = index.bytes()
        guard bytes.count <= ImageStoreIndex.greatestByteCount else {
            throw RegistryError(.limit, "the repository \(repository) has too many manifests; delete some")
        }
        let file = layout.appending("index.json")
        try Files.write(bytes, to: file, durable: true)
        if let status = try Files.status(file) { remember(index, status, repository) }
        return result
    }

    // MARK: Blobs

    /// The file of a blob and its size; `nil` where the repository has none of this digest.
    package func blob(_ digest: MessageDigest, in repository: String) throws -> (file: FilePath, size: Int)? {
        let file = blobFile(digest, in: try layout(repository))
        guard let status = try Files.status(file, followingLinks: false), status.kind == .regular else { return nil }
        return (file, status.size)
    }

    /// As `blob`, for somebody who will rely on it: collection leaves it alone for a while.
    package func usedBlob(
        _ digest: MessageDigest, in repository: String
    ) throws -> (file: FilePath, size: Int)? {
        let layout = try layout(repository)
        let file = blobFile(digest, in: layout)
        guard let status = try Files.status(file, followingLinks: false), status.kind == .regular else { return nil }
        let now = Clocks.nowNanoseconds()
        if now - status.changed > 600 * 1_000_000_000 {
            // Under the lock, or a collection that has just looked at it would still remove it.
            let token = try FileLock(layout.appending("lock")).lockBlocking(.shared)
            guard try Files.exists(file) else { return nil }
            try? Files.setModified(file, now)
            token.unlock()
        }
        return (file, status.size)
    }

    /// Has the repository refer to a blob that another one has; `false` where that has none of this digest.
    ///
    /// - Parameter source: The other repository; `nil` for any.
    package func mount(_ digest: MessageDigest, from source: String?, into repository: String) throws -> Bool {
        let file: FilePath
        if let source {
            guard let found = try blob(digest, in: source) else { return false }
            file = found.file
        } else {
            file = poolFile(digest)
            guard try Files.exists(file) else { return false }
        }
        let layout = try make(repository)
        do {
            try link(file, to: blobFile(digest, in: layout))
        } catch let error as HostError where error.code == .notFound {
            return false
        }
        return true
    }

    /// Forgets a blob; `false` where the repository has none of this digest.
    package func deleteBlob(_ digest: MessageDigest, in repository: String) throws -> Bool {
        let layout = try layout(repository)
        guard try Files.exists(blobFile(digest, in: layout)) else { return false }
        return try change(repository) { layout, index in
            guard index.manifests[digest] == nil else {
                throw RegistryError(.refused, "\(digest) is a manifest; delete it as one")
            }
            try Files.remove(blobFile(digest, in: layout))
            return (false, true)
        }
    }

    /// A second name; it is no error when that exists.
    func link(_ file: FilePath, to name: FilePath) throws {
        do {
            try Files.link(file, to: name)
        } catch let error as HostError where error.errorNumber == Errno.fileExists.rawValue {
            return
        } catch let error as HostError where error.errorNumber == Errno.tooManyLinks.rawValue {
            // So many repositories have it that the file system wants another copy.
            let temporary = Files.temporaryName(beside: name)
            defer { try? Files.remove(temporary) }
            _ = try Files.copy(file, to: temporary, mode: 0o600)
            try Files.synchronize(temporary)
            _ = try Files.renameIfAbsent(temporary, to: name)
        }
    }
}

extension RegistryError.Code {
    /// A name that no repository can have.
    package static let nameInvalid = RegistryError.Code(name: "name-invalid")
    /// A repository that nobody has written to.
    package static let nameUnknown = RegistryError.Code(name: "name-unknown")
    /// A manifest that names blobs or manifests that its repository does not have.
    package static let contentUnknown = RegistryError.Code(name: "content-unknown")
    /// An upload that was never begun, is over, or was collected.
    package static let uploadUnknown = RegistryError.Code(name: "upload-unknown")
    /// What the caller knows of a manifest or tag is not what is there.
    package static let conflict = RegistryError.Code(name: "conflict")
}
