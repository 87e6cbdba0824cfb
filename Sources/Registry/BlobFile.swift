internal import Bytes
internal import Host
package import SystemPackage

/// A file that takes content and gets its name only when that has been checked.
///
/// What a process that was killed left behind is continued by the next, after its bytes have been hashed again.
package struct BlobFile: ~Copyable {
    private let file: OpenFile
    private let temporary: FilePath
    private let lock: FileLock.Token?
    private let lockPath: FilePath?
    private let descriptor: Descriptor
    private(set) var hasher: MessageHasher
    /// The bytes that are in the file.
    package private(set) var count: Int

    /// Begins, or continues, the content of `descriptor`, in the directory `partial`.
    package init(_ descriptor: Descriptor, partial: FilePath) throws {
        var hasher = MessageHasher(descriptor.digest.algorithm)
        try Files.createDirectories(partial)
        let name = partial.appending("\(descriptor.digest.algorithm.rawValue)-\(descriptor.digest.hex)")
        let lockPath = FilePath(name.string + ".lock")
        // Whoever comes second while the first is at work takes a name of its own.
        guard let lock = try FileLock(lockPath).tryLock() else {
            let temporary = Files.temporaryName(beside: name)
            self.init(try OpenFile(creating: temporary, mode: 0o644), temporary, nil, nil, descriptor, hasher, 0)
            return
        }
        let file = try OpenFile(updating: name, mode: 0o644)
        let size = try file.status().size
        if size > descriptor.size { try file.truncate(to: 0) }
        var count = 0
        while count < min(size, descriptor.size) {
            let piece = try file.read(1 << 20)
            if piece.isEmpty { break }
            hasher.update(piece)
            count += piece.count
        }
        self.init(file, name, lock, lockPath, descriptor, hasher, count)
    }

    private init(
        _ file: consuming OpenFile, _ temporary: FilePath, _ lock: consuming FileLock.Token?, _ lockPath: FilePath?,
        _ descriptor: Descriptor, _ hasher: MessageHasher, _ count: Int
    ) {
        self.file = file
        self.temporary = temporary
        self.lock = lock
        self.lockPath = lockPath
        self.descriptor = descriptor
        self.hasher = hasher
        self.count = count
    }

    package mutating func write(_ bytes: [UInt8]) throws {
        guard count + bytes.count <= descriptor.size else {
            throw RegistryError(
                .mismatch, "\(descriptor.digest) is longer than the \(descriptor.size) bytes that are named")
        }
        try file.write(bytes)
        hasher.update(bytes)
        count += bytes.count
    }

    /// Checks the content, and gives it its name.
    package consuming func finish(as path: FilePath, mode: UInt16 = 0o644) throws {
        let found = hasher.finalize()
        guard count == descriptor.size, found == descriptor.digest else {
            // Never continued: nobody knows which of the bytes are wrong.
            try? Files.remove(temporary)
            if let lockPath { try? Files.remove(lockPath) }
            throw RegistryError(
                .mismatch,
                "what came as \(descriptor.digest) has \(count) bytes and the digest \(found); it was damaged or replaced"
            )
        }
        try file.setMode(mode)
        try Files.rename(temporary, to: path)
        if let lockPath { try? Files.remove(lockPath) }
    }
}
