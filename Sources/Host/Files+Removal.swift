internal import CHost
internal import Glibc
package import SystemPackage

extension Files {
    /// Removes a file, or a directory with everything in it, read-only ones too; never follows a symbolic link. No
    /// error when it is absent.
    package static func removeTree(_ path: FilePath) throws {
        guard !path.isEmpty else { return }
        try removeEntry(Array(path.string.utf8) + [0], in: AT_FDCWD, path: path.string, depth: 0)
    }

    /// The levels that `removeTree` goes down. Each holds one descriptor.
    private static let removalDepth = 4000

    /// Removes the entry with the NUL-terminated `name` of the directory `parent`; `path` is for messages.
    private static func removeEntry(_ name: [UInt8], in parent: Int32, path: String, depth: Int) throws {
        guard depth < removalDepth else {
            throw HostError(.input, "is nested too deeply to be removed", path: FilePath(path))
        }
        try unsafe name.withUnsafeBufferPointer { buffer in
            try unsafe buffer.withMemoryRebound(to: CChar.self) { pointer in
                guard let base = pointer.baseAddress else { return }
                if unsafe unlinkat(parent, base, 0) == 0 || errno == ENOENT { return }
                // EACCES: a directory of a read-only parent is told by the caller, who makes parents writable first.
                guard errno == EISDIR || errno == EPERM else { throw HostError.last("remove it", path: FilePath(path)) }
                if unsafe unlinkat(parent, base, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
                guard errno == ENOTEMPTY || errno == EEXIST || errno == EACCES else {
                    throw HostError.last("remove the directory", path: FilePath(path))
                }
                try unsafe removeContents(base, in: parent, path: path, depth: depth)
                guard unsafe unlinkat(parent, base, AT_REMOVEDIR) == 0 || errno == ENOENT else {
                    throw HostError.last("remove the directory", path: FilePath(path))
                }
            }
        }
    }

    private static func removeContents(
        _ name: UnsafePointer<CChar>, in parent: Int32, path: String, depth: Int
    ) throws {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        var number = unsafe martlet_openat(parent, name, flags, 0)
        if number < 0, errno == EACCES, unsafe fchmodat(parent, name, 0o700, 0) == 0 {
            number = unsafe martlet_openat(parent, name, flags, 0)
        }
        guard number >= 0 else {
            if errno == ENOENT { return }
            throw HostError.last("open the directory to remove it", path: FilePath(path))
        }
        let directory = OpenFile(owning: number, path: path)
        let status = try directory.status()
        // The superuser needs no permission, and a change of mode costs a write.
        if status.mode & 0o300 != 0o300, geteuid() != 0 { try directory.setMode(0o700) }
        var names: [[UInt8]] = []
        var reader = DirectoryReader(directory)
        try reader.forEach { name, _ in names.append(FileName.bytes(name) + [0]) }
        for child in names {
            let text = String(decoding: child.dropLast(), as: UTF8.self)
            try removeEntry(child, in: reader.number, path: path + "/" + text, depth: depth + 1)
        }
    }
}
