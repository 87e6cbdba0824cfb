internal import CHost
internal import Glibc
package import SystemPackage

/// An open file descriptor, closed when the value ends. Never inherited by child processes.
package struct OpenFile: ~Copyable, Sendable {
    let number: Int32
    /// For error messages. Text, since making a `FilePath` normalises it; in two parts, since most files make no error.
    private let name: String
    private let parent: String
    var path: FilePath { FilePath(parent.isEmpty ? name : parent + "/" + name) }

    /// Opens an existing file to read. With `followingLinks` off, a symbolic link at the end is an error.
    package init(reading path: FilePath, followingLinks: Bool = true) throws {
        try self.init(path, flags: O_RDONLY | O_NOCTTY | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW))
    }

    /// Makes a new file to write; it is an error when the name exists.
    package init(creating path: FilePath, mode: UInt16) throws {
        try self.init(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
    }

    /// Opens a file to read and to write it from its start, and makes it where it is absent. A symbolic link is an error.
    package init(updating path: FilePath, mode: UInt16) throws {
        try self.init(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: mode)
    }

    /// Opens a directory. With `followingLinks` off, a symbolic link at the end is an error.
    package init(directory path: FilePath, followingLinks: Bool = true) throws {
        try self.init(path, flags: O_RDONLY | O_DIRECTORY | (followingLinks ? 0 : O_NOFOLLOW))
    }

    init(_ path: FilePath, flags: Int32, mode: UInt16 = 0) throws {
        let number = unsafe path.withPlatformString { unsafe martlet_openat(AT_FDCWD, $0, flags, UInt32(mode)) }
        guard number >= 0 else { throw HostError.last("open it", path: path) }
        self.number = number
        name = path.string
        parent = ""
    }

    /// A file that exists in memory only, holds `content` and stands at its start.
    static func inMemory(_ content: [UInt8]) throws -> OpenFile {
        let number = martlet_memory_file()
        guard number >= 0 else { throw HostError.last("make a file in memory") }
        let file = OpenFile(owning: number, path: "(memory)")
        try file.write(content)
        try file.seek(to: 0)
        return file
    }

    /// Takes over a descriptor of the file at `path` in the directory `parent`.
    init(owning number: Int32, path: String, in parent: String = "") {
        self.number = number
        name = path
        self.parent = parent
    }

    deinit { close(number) }

    /// The status of the open file itself, whatever its path names by now.
    package func status() throws -> FileStatus {
        var raw = stat()
        guard unsafe fstat(number, &raw) == 0 else { throw HostError.last("read its status", path: path) }
        return FileStatus(raw)
    }

    /// Fills `buffer` from the current position; the count is smaller only at the end of the file.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = unsafe Glibc.read(number, buffer.baseAddress.map { unsafe $0 + filled }, buffer.count - filled)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw HostError.last("read it", path: path)
            }
            filled += count
        }
        return filled
    }

    /// Fills a part of `buffer` from the current position, by one call; 0 only at the end of the file.
    func readSome(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw HostError.last("read it", path: path) }
        }
    }

    /// Up to `count` bytes from the current position; fewer only at the end of the file.
    package func read(_ count: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Writes all of `buffer` at the current position.
    package func write(_ buffer: UnsafeRawBufferPointer) throws {
        var written = 0
        while written < buffer.count {
            let count = unsafe Glibc.write(
                number, buffer.baseAddress.map { unsafe $0 + written }, buffer.count - written)
            if count < 0 {
                if errno == EINTR { continue }
                throw HostError.last("write to it", path: path)
            }
            written += count
        }
    }

    /// Writes all of `bytes` at the current position.
    package func write(_ bytes: [UInt8]) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe write($0) }
    }

    /// Sets the permission bits, whatever the umask is.
    package func setMode(_ mode: UInt16) throws {
        guard fchmod(number, mode_t(mode)) == 0 else { throw HostError.last("set its mode", path: path) }
    }

    /// Moves the position to `offset` bytes from the start.
    package func seek(to offset: Int) throws {
        guard lseek(number, offset, SEEK_SET) >= 0 else { throw HostError.last("seek in it", path: path) }
    }

    /// Cuts the content off behind `size` bytes.
    package func truncate(to size: Int) throws {
        guard ftruncate(number, size) == 0 else { throw HostError.last("cut it", path: path) }
    }

    /// Waits until the content is on the disk; `metadata` also the times and, for a directory, the names.
    package func synchronize(metadata: Bool = true) throws {
        let result = metadata ? fsync(number) : fdatasync(number)
        guard result == 0 else { throw HostError.last("write it to the disk", path: path) }
    }
}
