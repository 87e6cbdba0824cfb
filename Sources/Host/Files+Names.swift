internal import CHost
internal import Glibc
package import SystemPackage

/// What is done with names rather than with content.
extension Files {
    /// The status of `path`; `nil` when it definitely does not exist. Anything else that prevents an answer throws.
    package static func status(_ path: FilePath, followingLinks: Bool = true) throws -> FileStatus? {
        var raw = stat()
        let result = unsafe path.withPlatformString { name in
            unsafe fstatat(AT_FDCWD, name, &raw, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW)
        }
        if result == 0 { return FileStatus(raw) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw HostError.last("read its status", path: path)
    }

    /// Whether `path` exists, links followed.
    package static func exists(_ path: FilePath) throws -> Bool { try status(path) != nil }

    /// The names in `directory`, without `.` and `..`, sorted by their bytes. Names that are not UTF-8 are an error.
    package static func list(_ directory: FilePath) throws -> [String] {
        var names: [String] = []
        var reader = DirectoryReader(try OpenFile(directory: directory))
        try reader.forEach { name, _ in
            names.append(try FileName.text(name, in: directory))
        }
        return names.sorted(by: isOrderedByBytes)
    }

    /// Whether `left` comes before `right` by unsigned bytes: the order of trees and archives, free of any locale.
    package static func isOrderedByBytes(_ left: String, _ right: String) -> Bool {
        let order = unsafe left.utf8.withContiguousStorageIfAvailable { one in
            unsafe right.utf8.withContiguousStorageIfAvailable { other in
                guard let start = one.baseAddress, let otherStart = other.baseAddress else {
                    return one.count < other.count
                }
                let order = unsafe memcmp(start, otherStart, min(one.count, other.count))
                return order == 0 ? one.count < other.count : order < 0
            }
        }
        return (order ?? nil) ?? left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// Makes `path` and the directories above it that are missing.
    package static func createDirectories(_ path: FilePath, mode: UInt16 = 0o755) throws {
        // From the deepest existing one down, so that the usual case is one call. Text, since `FilePath` normalises anew
        // at every step.
        let text = path.string
        var missing: [String] = []
        var current = text[...]
        while !current.isEmpty {
            let name = String(current)
            if unsafe mkdir(name, mode_t(mode)) == 0 { break }
            if errno == EEXIST {
                guard try status(FilePath(name))?.kind == .directory else {
                    throw HostError(.input, "is in the way: a directory is needed here", path: FilePath(name))
                }
                break
            }
            guard errno == ENOENT, let slash = current.lastIndex(of: "/") else {
                throw HostError.last("make the directory", path: FilePath(name))
            }
            missing.append(name)
            current = current[..<slash]
        }
        for name in missing.reversed() {
            if unsafe mkdir(name, mode_t(mode)) == 0 { continue }
            // Another process may have been faster.
            guard errno == EEXIST, try status(FilePath(name))?.kind == .directory else {
                throw HostError.last("make the directory", path: FilePath(name))
            }
        }
    }

    /// Makes one directory with exactly `mode`; it is an error when it exists.
    package static func createDirectory(_ path: FilePath, mode: UInt16 = 0o755) throws {
        guard unsafe path.withPlatformString({ unsafe mkdir($0, mode_t(mode)) }) == 0 else {
            throw HostError.last("make the directory", path: path)
        }
    }

    /// Gives the file `source` the name `target`, replacing a file of that name in one step.
    package static func rename(_ source: FilePath, to target: FilePath) throws {
        let result = unsafe source.withPlatformString { from in
            unsafe target.withPlatformString { to in unsafe Glibc.rename(from, to) }
        }
        guard result == 0 else { throw HostError.last("rename \(source) to it", path: target) }
    }

    /// Like `rename`, but answers `false` and changes nothing when `target` exists.
    package static func renameIfAbsent(_ source: FilePath, to target: FilePath) throws -> Bool {
        let result = unsafe source.withPlatformString { from in
            unsafe target.withPlatformString { to in unsafe martlet_rename_noreplace(from, to) }
        }
        if result == 0 { return true }
        if errno == EEXIST || errno == ENOTEMPTY { return false }
        throw HostError.last("rename \(source) to it", path: target)
    }

    /// Gives the file `source` the second name `target`; `source` itself when it is a symbolic link.
    package static func link(_ source: FilePath, to target: FilePath) throws {
        let result = unsafe source.withPlatformString { from in
            unsafe target.withPlatformString { to in unsafe Glibc.link(from, to) }
        }
        guard result == 0 else { throw HostError.last("link \(source) to it", path: target) }
    }

    /// Makes a symbolic link at `path` that says `target`.
    package static func symlink(_ target: String, at path: FilePath) throws {
        let result = unsafe target.withCString { text in
            unsafe path.withPlatformString { unsafe Glibc.symlink(text, $0) }
        }
        guard result == 0 else { throw HostError.last("make a symbolic link", path: path) }
    }

    /// What the symbolic link `path` says. A target that is not UTF-8 is an error.
    package static func readLink(_ path: FilePath) throws -> String {
        try unsafe withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX) + 1, alignment: 1) { buffer in
            let count = unsafe path.withPlatformString { name -> Int in
                guard let base = buffer.baseAddress else { return -1 }
                return unsafe readlink(name, base.assumingMemoryBound(to: CChar.self), buffer.count)
            }
            guard count >= 0 else { throw HostError.last("read the symbolic link", path: path) }
            guard
                let text = unsafe String(validating: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
            else { throw HostError(.input, "the target of this symbolic link is not UTF-8", path: path) }
            return text
        }
    }

    /// Sets the permission bits of `path`, links followed.
    package static func setMode(_ path: FilePath, _ mode: UInt16) throws {
        guard unsafe path.withPlatformString({ unsafe chmod($0, mode_t(mode)) }) == 0 else {
            throw HostError.last("set its mode", path: path)
        }
    }

    /// Sets the time of last change of content of `path` (a link itself, not its target), in nanoseconds since 1970.
    package static func setModified(_ path: FilePath, _ nanoseconds: Int64) throws {
        let time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // Both the time of access and the time of change of content.
        let times = [time, time]
        let result = unsafe path.withPlatformString { name in
            unsafe times.withUnsafeBufferPointer {
                unsafe utimensat(AT_FDCWD, name, $0.baseAddress, AT_SYMLINK_NOFOLLOW)
            }
        }
        guard result == 0 else { throw HostError.last("set its time", path: path) }
    }

    /// Waits until a file's content, or a directory's names, are on the disk.
    package static func synchronize(_ path: FilePath) throws {
        try OpenFile(reading: path.isEmpty ? "." : path).synchronize()
    }

    /// Removes a file or a symbolic link; no error when it is absent.
    package static func remove(_ path: FilePath) throws {
        guard unsafe path.withPlatformString({ unsafe unlink($0) }) == 0 || errno == ENOENT else {
            throw HostError.last("remove it", path: path)
        }
    }
}
