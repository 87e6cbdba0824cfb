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
    /// What an earlier process left went through it.
    let hasher: MessageHasher
    /// The bytes that are in the file.
    package private(set) var count: Int
    /// Whether the file has what the descriptor names, and nothing else.
    private var isChecked = false

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

    /// Writes bytes that nobody has checked yet.
    mutating func write(_ bytes: [UInt8]) throws {
        try file.write(bytes)
        count += bytes.count
    }

    /// Writes what is missing: all of `stream`, which begins there with `hasher` and checks the whole.
    mutating func take(_ stream: inout BlobStream) async throws {
        precondition(stream.descriptor.digest == descriptor.digest && stream.count == count)
        do {
            while let piece = try await stream.next() { try write(piece) }
        } catch let error as RegistryError where error.code == .mismatch {
            // Never continued: nobody knows which of the bytes are wrong.
            try? Files.remove(temporary)
            if let lockPath { try? Files.remove(lockPath) }
            throw error
        }
        isChecked = true
    }

    /// Gives the content, all of which was taken, its name.
    consuming func finish(as path: FilePath, mode: UInt16 = 0o644) throws {
        precondition(isChecked)
        try file.setMode(mode)
        try Files.rename(temporary, to: path)
        if let lockPath { try? Files.remove(lockPath) }
    }
}
