internal import CHost
internal import Glibc
package import SystemPackage

/// A file that is read and written at any place, by several threads at once.
package final class RandomAccessFile: Sendable {
    private let file: OpenFile
    private let path: FilePath

    private init(_ file: consuming OpenFile, _ path: FilePath) {
        self.file = file
        self.path = path
    }

    /// Opens a file to read and write; `nil` when it is definitely absent. Symbolic links are an error.
    package static func open(_ path: FilePath, isWritable: Bool = true) throws -> RandomAccessFile? {
        do {
            let flags = isWritable ? O_RDWR : O_RDONLY
            let file = try OpenFile(path, flags: flags | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)
            guard try file.status().kind == .regular else { throw HostError(.input, "is no file", path: path) }
            return RandomAccessFile(file, path)
        } catch let error as HostError where error.code == .notFound {
            return nil
        }
    }

    /// Makes a new file; it is an error when the name exists.
    package static func create(_ path: FilePath, mode: UInt16 = 0o644) throws -> RandomAccessFile {
        RandomAccessFile(try OpenFile(path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode), path)
    }

    /// The number of bytes in the file.
    package func size() throws -> Int { try file.status().size }

    /// Up to `count` bytes from `offset` on; fewer only at the end of the file.
    package func read(_ count: Int, at offset: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let part = unsafe pread(
                    file.number, buffer.baseAddress.map { unsafe $0 + filled }, count - filled, offset + filled)
                if part == 0 { break }
                if part < 0 {
                    if errno == EINTR { continue }
                    throw HostError.last("read it", path: path)
                }
                filled += part
            }
        }
    }

    /// Writes all of `bytes` from `offset` on. After an error, a part of them may be there.
    package func write(_ bytes: [UInt8], at offset: Int) throws {
        try unsafe bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let part = unsafe pwrite(
                    file.number, buffer.baseAddress.map { unsafe $0 + written }, buffer.count - written,
                    offset + written)
                if part < 0 {
                    if errno == EINTR { continue }
                    throw HostError.last("write to it", path: path)
                }
                written += part
            }
        }
    }

    /// Makes the file `size` bytes long.
    package func resize(to size: Int) throws {
        guard ftruncate(file.number, size) == 0 else { throw HostError.last("change its size", path: path) }
    }

    /// Waits until content and size are on the disk. After an error nobody can say what is: the system may keep what it
    /// could not write as if it had.
    package func synchronize() throws { try file.synchronize(metadata: false) }

    /// Forgets what the system keeps of the file in memory, so that the next read comes from the disk.
    package func dropCached() { posix_fadvise(file.number, 0, 0, POSIX_FADV_DONTNEED) }
}

/// What holds files.
package struct FileSystem: Sendable {
    /// The bytes that this user may still write.
    package let freeByteCount: UInt64
    /// The files that may still be made.
    package let freeFileCount: UInt64
    /// Whether other machines may write to it at the same time, and locks mean little.
    package let isRemote: Bool

    /// The file system of `path`, which must exist.
    package init(of path: FilePath) throws {
        var raw = statvfs()
        guard unsafe path.withPlatformString({ unsafe statvfs($0, &raw) }) == 0 else {
            throw HostError.last("ask for its file system", path: path)
        }
        freeByteCount = UInt64(raw.f_bavail) * UInt64(raw.f_frsize)
        // File systems without a fixed number of files say 0 of 0.
        freeFileCount = raw.f_files == 0 ? .max : UInt64(raw.f_favail)
        let file = try OpenFile(reading: path)
        // NFS, SMB and CIFS, AFS, Ceph, FUSE (which is anything), GlusterFS by FUSE.
        let remote: Set<UInt32> = [0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0x5346_414F, 0x00C3_6400]
        isRemote = remote.contains(martlet_file_system(file.number))
    }
}
