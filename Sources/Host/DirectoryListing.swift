internal import CHost
internal import Glibc
internal import SystemPackage

/// One directory's names, each with what it is: a link is not followed.
package struct DirectoryListing: Sendable {
    /// A name in a directory.
    package struct Name: Sendable {
        /// Valid UTF-8.
        package var bytes: [UInt8]
        package var kind: FileStatus.Kind
    }

    /// Read before the names.
    package var status: FileStatus
    /// In the order of the file system.
    package var names: [Name] = []
}

extension OpenDirectory {
    /// The names in the directory at the relative path `path`, no part of which may be a symbolic link; an empty path means
    /// this directory. `nil` when there is no such directory any more. A name that is not UTF-8 is an error.
    package func listing(of path: String) throws -> DirectoryListing? {
        let opened =
            path.isEmpty
            ? unsafe martlet_openat(number, ".", O_RDONLY | O_DIRECTORY, 0)
            : unsafe martlet_open_beneath(number, path, O_RDONLY | O_DIRECTORY)
        guard opened >= 0 else {
            // Gone, or replaced by something that is no directory.
            if errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return nil }
            throw HostError.last("open the directory", path: self.path.appending(path))
        }
        let directory = OpenFile(owning: opened, path: path, in: text)
        var listing = DirectoryListing(status: try directory.status())
        var reader = DirectoryReader(directory)
        try reader.forEach { name, reported in
            let bytes = FileName.bytes(name)
            guard FileName.isText(bytes) else {
                throw HostError(
                    .input,
                    "holds the name '\(FileName.escape(bytes))', which is not UTF-8; rename or exclude that file",
                    path: self.path.appending(path))
            }
            var kind = reported
            if kind == nil {
                var raw = stat()
                // It may have vanished between the two calls.
                guard unsafe fstatat(opened, String(decoding: bytes, as: UTF8.self), &raw, AT_SYMLINK_NOFOLLOW) == 0
                else { return }
                kind = FileStatus(raw).kind
            }
            if let kind { listing.names.append(.init(bytes: bytes, kind: kind)) }
        }
        return listing
    }
}
