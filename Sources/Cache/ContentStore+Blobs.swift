internal import Bytes
internal import Host
internal import Synchronization
internal import SystemPackage

/// The name of a blob's file in `cas/sha256`. An executable has a file of its own: hard links share their mode.
struct BlobName: Hashable, Sendable {
    let digest: Digest
    let isExecutable: Bool
    /// `ab/cdef…`, with `.x` for an executable.
    let text: String

    init(_ digest: Digest, isExecutable: Bool) {
        self.digest = digest
        self.isExecutable = isExecutable
        let hex = digest.hex
        text = "\(hex.prefix(2))/\(hex.dropFirst(2))\(isExecutable ? ".x" : "")"
    }

    /// The blob of a file name in the directory `shard`; `nil` when martlet does not give such names.
    init?(shard: String, file: String) {
        let isExecutable = file.hasSuffix(".x")
        guard let digest = Digest(hex: shard + (isExecutable ? String(file.dropLast(2)) : file)) else { return nil }
        self.init(digest, isExecutable: isExecutable)
    }

    /// Writable by its owner, as the file was that a step made: a step that copies it, or that changes it through an
    /// overlay, must be able to. What a step sees of the store itself is mounted read-only.
    var mode: UInt16 { Self.mode(isExecutable) }

    static func mode(_ isExecutable: Bool) -> UInt16 { isExecutable ? 0o755 : 0o644 }
}

/// How blobs get their names and lose them.
extension ContentStore {
    /// A file as it was stored.
    struct Stored: Sendable {
        var digest: Digest
        var size: Int
        var isExecutable: Bool
    }

    func temporaryName() -> String { Files.temporaryName(beside: "x").string }

    /// Whether the blob is there and nobody has written to it since, as far as its status tells.
    func isIntact(_ name: BlobName, size: Int?) throws -> Bool {
        guard let status = try directory.blobs.status(name.text) else { return false }
        return isIntact(status, name, size: size)
    }

    func isIntact(_ status: FileStatus, _ name: BlobName, size: Int?) -> Bool {
        isIntact(status, isExecutable: name.isExecutable, size: size ?? status.size)
    }

    func isIntact(_ status: FileStatus, isExecutable: Bool, size: Int) -> Bool {
        status.kind == .regular && status.mode == BlobName.mode(isExecutable) && status.modified == Self.fileTime
            && status.size == size
    }

    /// Whether the blob is there; if so, collectors take it for one in use. To be called without collection.
    func keep(_ name: BlobName, size: Int) throws -> Bool {
        guard let status = try directory.blobs.status(name.text), isIntact(status, name, size: size) else {
            return false
        }
        // Any change of status counts as use. A recent one spares the write.
        if Clocks.nowNanoseconds() - status.changed > CacheCollector.touchInterval {
            try directory.blobs.setMode(name.text, name.mode)
        }
        return true
    }

    /// Gives a complete file, open as `file`, its name as a blob. The file is moved, or removed when the blob is there.
    func publish(
        _ source: String, in sourceDirectory: OpenDirectory, _ file: borrowing OpenFile, as name: BlobName
    ) throws {
        try file.setMode(name.mode)
        try file.setModified(Self.fileTime)
        if durability == .immediate { try file.synchronize(metadata: false) }
        try directory.makeShard(name.text.prefix(2), in: directory.blobs)
        switch try sourceDirectory.rename(source, to: name.text, in: directory.blobs) {
        case .done: break
        case .nameExists:
            if try isIntact(name, size: nil) {
                try sourceDirectory.remove(source)
            } else {
                try sourceDirectory.rename(source, replacing: name.text, in: directory.blobs)
            }
        case .otherFileSystem, .tooManyLinks, .absent:
            throw HostError(
                .changed, "vanished while it was being stored", path: sourceDirectory.path.appending(source))
        }
        if durability == .immediate { try directory.blobs.directory(String(name.text.prefix(2))).synchronize() }
    }

    /// Stores the regular file `name`. With `moving` the file itself becomes the blob whenever that is safe; otherwise,
    /// and when it is on another file system, has a second name or another owner, a copy does.
    ///
    /// To be called without collection.
    func ingest(_ name: String, in source: OpenDirectory, moving: Bool, isOverlay: Bool = false) throws -> Stored {
        let file = try openToIngest(name, in: source, moving: moving)
        let status = try file.status()
        guard status.kind == .regular else {
            throw CacheError(.input, "is \(status.kind.name), which can't be stored", path: name)
        }
        if moving, status.mode & 0o6000 != 0 {
            throw CacheError(
                .input, "has the set-user-ID or set-group-ID bit, which an artifact can't carry; clear it with chmod",
                path: name)
        }
        if isOverlay { try OverlayMark.checkFile(file, name) }
        let (digest, size) = try Files.digest(of: file, sizeHint: status.size)
        let after = try file.status()
        guard size == status.size, after.size == size, after.modified == status.modified else {
            throw CacheError(.input, "changed while it was being stored; nothing may still write to it", path: name)
        }
        let blob = BlobName(digest, isExecutable: status.isExecutable)
        let stored = Stored(digest: digest, size: size, isExecutable: status.isExecutable)
        if try keep(blob, size: size) { return stored }
        if moving, status.linkCount == 1, status.device == blobDevice, try isOwned(file, status) {
            try publish(name, in: source, file, as: blob)
            return stored
        }
        return try copy(file, as: stored)
    }

    private func openToIngest(_ name: String, in source: OpenDirectory, moving: Bool) throws -> OpenFile {
        do {
            return try source.file(reading: name)
        } catch let error as HostError where error.code == .permission && moving {
            // A step may leave files that even their owner can't read.
            guard let status = try source.status(name), status.kind == .regular else { throw error }
            try source.setMode(name, status.mode | 0o600)
            return try source.file(reading: name)
        }
    }

    /// Whether the file is this user's, so that nobody else can change the blob it becomes. root makes it so.
    private func isOwned(_ file: borrowing OpenFile, _ status: FileStatus) throws -> Bool {
        if status.owner == Machine.effectiveUserID { return true }
        guard Machine.effectiveUserID == 0 else { return false }
        try file.takeOwnership()
        return true
    }

    private func copy(_ file: borrowing OpenFile, as stored: Stored) throws -> Stored {
        let temporary = temporaryName()
        do {
            let target = try directory.temporary.file(creating: temporary, mode: 0o600)
            try file.seek(to: 0)
            try target.copyAll(from: file)
            // The source may be written to at any time: what counts is what was copied.
            let written = try directory.temporary.file(reading: temporary)
            let (digest, size) = try Files.digest(of: written, sizeHint: stored.size)
            let copied = Stored(digest: digest, size: size, isExecutable: stored.isExecutable)
            try publish(
                temporary, in: directory.temporary, target, as: BlobName(digest, isExecutable: stored.isExecutable))
            return copied
        } catch {
            try? directory.temporary.remove(temporary)
            throw error
        }
    }

    /// Removes a blob whose bytes are wrong. Trees that share the file know by its time, and are made anew when they are
    /// next checked.
    func remove(damaged name: BlobName) throws {
        checkedTrees.withLock { $0 = [:] }
        try? directory.blobs.file(reading: name.text).setModified(0)
        try directory.blobs.remove(name.text)
    }

    /// The file system of the store.
    var blobDevice: UInt64 { directory.device }
}
