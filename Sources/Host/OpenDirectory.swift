internal import CHost
internal import Glibc
package import SystemPackage

/// An open directory, to which names are relative: no path is resolved anew, and no one can swap a part of it.
///
/// Names are relative paths as text. Parts before the last one are resolved by the system, links included, so callers
/// give names that they made or checked.
package final class OpenDirectory: Sendable {
    private let file: OpenFile
    /// The path that the directory was opened by, for messages.
    let text: String

    package var path: FilePath { FilePath(text) }
    var number: Int32 { file.number }

    /// Opens the directory `path`, links followed.
    package init(_ path: FilePath) throws {
        file = try OpenFile(directory: path)
        text = path.string
    }

    private init(_ file: consuming OpenFile, text: String) {
        self.file = file
        self.text = text
    }

    /// Opens the directory `name` in this one; a symbolic link is an error.
    package func directory(_ name: String) throws -> OpenDirectory {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        return OpenDirectory(try open(name, flags: flags, mode: 0), text: text + "/" + name)
    }

    /// Opens the directory at the relative path `path`, no part of which may be a symbolic link or lead out of here.
    package func directory(beneath path: String) throws -> OpenDirectory {
        let opened = unsafe martlet_open_beneath(number, path, O_RDONLY | O_DIRECTORY)
        guard opened >= 0 else { throw error("open the directory", path) }
        return OpenDirectory(OpenFile(owning: opened, path: path, in: text), text: text + "/" + path)
    }

    /// Opens the directory at the path `path`, links followed, only to look names up in it.
    package func directory(through path: String) throws -> OpenDirectory {
        let opened = unsafe martlet_open_place(number, path)
        guard opened >= 0 else { throw error("open the directory", path) }
        return OpenDirectory(OpenFile(owning: opened, path: path, in: text), text: text + "/" + path)
    }

    /// Opens the file `name` to read; a named pipe is opened without waiting. Unless links are followed, a symbolic
    /// link is an error.
    package func file(reading name: String, followingLinks: Bool = false) throws -> OpenFile {
        try open(name, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY | (followingLinks ? 0 : O_NOFOLLOW), mode: 0)
    }

    /// Makes the new file `name` to write.
    package func file(creating name: String, mode: UInt16) throws -> OpenFile {
        try open(name, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
    }

    private func open(_ name: String, flags: Int32, mode: UInt16) throws -> OpenFile {
        let opened = unsafe martlet_openat(number, name, flags, UInt32(mode))
        guard opened >= 0 else { throw error("open it", name) }
        return OpenFile(owning: opened, path: name, in: text)
    }

    /// The status of `name`, by default of the link itself; `nil` when it is definitely absent.
    package func status(_ name: String, followingLinks: Bool = false) throws -> FileStatus? {
        var raw = stat()
        if unsafe fstatat(number, name, &raw, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW) == 0 { return FileStatus(raw) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw error("read its status", name)
    }

    /// As `status(_:)`, of the name with these bytes, without making a string of them. For looking at many files.
    package func status(ofName name: ArraySlice<UInt8>) throws -> FileStatus? {
        // Not generic: that would be a call for each byte. The longest name that Linux has.
        guard name.count <= 255, !name.contains(0) else { return nil }
        return try unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            unsafe name.withUnsafeBytes { bytes in unsafe buffer.copyMemory(from: bytes) }
            unsafe buffer[name.count] = 0
            guard let text = unsafe buffer.assumingMemoryBound(to: CChar.self).baseAddress else { return nil }
            var raw = stat()
            if unsafe fstatat(number, text, &raw, AT_SYMLINK_NOFOLLOW) == 0 { return FileStatus(raw) }
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw error("read its status", String(decoding: name, as: UTF8.self))
        }
    }

    /// The same of a relative path of as many bytes.
    package func status(ofPath path: ArraySlice<UInt8>) throws -> FileStatus? { try status(ofName: path) }

    /// The count of names in this directory, of whatever kind.
    package func nameCount() throws -> Int {
        var count = 0
        var reader = DirectoryReader(try open(".", flags: O_RDONLY | O_DIRECTORY, mode: 0))
        try reader.forEach { _, _ in count += 1 }
        return count
    }

    /// The names in this directory, in no order; names that are not UTF-8 throw.
    package func names() throws -> [String] {
        var names: [String] = []
        var reader = DirectoryReader(try open(".", flags: O_RDONLY | O_DIRECTORY, mode: 0))
        let directory = path
        try reader.forEach { name, _ in names.append(try FileName.text(name, in: directory)) }
        return names
    }

    /// Makes the directory `name`; `false` when the name exists.
    @discardableResult
    package func makeDirectory(_ name: String, mode: UInt16 = 0o755) throws -> Bool {
        if unsafe mkdirat(number, name, mode_t(mode)) == 0 { return true }
        if errno == EEXIST { return false }
        throw error("make the directory", name)
    }

    /// How a name could be given to a file.
    package enum Naming: Sendable {
        case done
        /// The new name exists already; nothing was changed.
        case nameExists
        /// The two names are on different file systems.
        case otherFileSystem
        /// The file has as many names as its file system allows.
        case tooManyLinks
        /// There is no file of the old name.
        case absent
    }

    /// Renames `name` to `newName` in `target`, unless that exists.
    package func rename(_ name: String, to newName: String, in target: OpenDirectory) throws -> Naming {
        try naming(
            unsafe martlet_renameat_noreplace(number, name, target.number, newName), name, to: newName, in: target)
    }

    /// Renames `name` to `newName` in `target`, in place of a file of that name.
    package func rename(_ name: String, replacing newName: String, in target: OpenDirectory) throws {
        guard unsafe renameat(number, name, target.number, newName) == 0 else {
            throw target.error("rename \(text)/\(name) to it", newName)
        }
    }

    /// Gives the file `name` the second name `newName` in `target`, unless that exists.
    package func link(_ name: String, to newName: String, in target: OpenDirectory) throws -> Naming {
        try naming(unsafe linkat(number, name, target.number, newName, 0), name, to: newName, in: target)
    }

    private func naming(_ result: Int32, _ name: String, to newName: String, in target: OpenDirectory) throws -> Naming
    {
        if result == 0 { return .done }
        switch errno {
        case EEXIST, ENOTEMPTY: return .nameExists
        case EXDEV: return .otherFileSystem
        case EMLINK: return .tooManyLinks
        case ENOENT:
            let number = errno
            if try status(name) == nil { return .absent }
            throw HostError.system("name it", number, path: FilePath(target.text + "/" + newName))
        default: throw target.error("give \(text)/\(name) this name", newName)
        }
    }

    /// Makes the symbolic link `name`.
    package func makeLink(_ name: String, target: String) throws {
        guard unsafe symlinkat(target, number, name) == 0 else { throw error("make the symbolic link", name) }
    }

    /// What the symbolic link `name` says; a target that is not UTF-8 throws.
    package func linkTarget(_ name: String) throws -> String {
        try unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            let count = unsafe readlinkat(number, name, base, buffer.count)
            guard count >= 0 else { throw error("read the symbolic link", name) }
            let bytes = unsafe UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[..<count]))
            guard let target = unsafe String(validating: bytes, as: UTF8.self) else {
                throw HostError(
                    .input, "the target of this symbolic link is not UTF-8", path: FilePath(text + "/" + name))
            }
            return target
        }
    }

    /// Removes the file or link `name`; no error when it is absent.
    package func remove(_ name: String) throws {
        guard unsafe unlinkat(number, name, 0) == 0 || errno == ENOENT else { throw error("remove it", name) }
    }

    /// Removes the empty directory `name`; `false` when it is not empty, no error when it is absent.
    @discardableResult
    package func removeDirectory(_ name: String) throws -> Bool {
        if unsafe unlinkat(number, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        if errno == ENOTEMPTY || errno == EEXIST { return false }
        throw error("remove the directory", name)
    }

    /// Sets the permission bits of `name`, which must not be a link.
    package func setMode(_ name: String, _ mode: UInt16) throws {
        guard unsafe fchmodat(number, name, mode_t(mode), 0) == 0 else { throw error("set its mode", name) }
    }

    /// Sets the permission bits of this directory.
    package func setMode(_ mode: UInt16) throws { try file.setMode(mode) }

    /// Sets the time of change of content of this directory, in nanoseconds since 1970.
    package func setModified(_ nanoseconds: Int64) throws { try file.setModified(nanoseconds) }

    /// Waits until the names in this directory are on the disk.
    package func synchronize() throws { try file.synchronize() }

    /// Waits until everything on this directory's file system is on its disk (syncfs(2)).
    package func synchronizeFileSystem() throws {
        guard martlet_syncfs(number) == 0 else { throw HostError.last("write it to the disk", path: path) }
    }

    /// The extended attributes of this directory.
    package func attributes() throws -> [String: [UInt8]] { try file.attributes() }

    private func error(_ operation: String, _ name: String) -> HostError {
        let number = errno
        return HostError.system(operation, number, path: FilePath(text + "/" + name))
    }
}
