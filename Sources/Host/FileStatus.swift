internal import Glibc

/// What the file system says about one file, without its content.
package struct FileStatus: Hashable, Sendable {
    /// The kinds of file that martlet tells apart.
    package enum Kind: UInt8, Hashable, Sendable {
        case regular, directory, link, fifo, socket, characterDevice, blockDevice

        /// The word for messages, with its article.
        package var name: String {
            switch self {
            case .regular: "a file"
            case .directory: "a directory"
            case .link: "a symbolic link"
            case .fifo: "a named pipe"
            case .socket: "a socket"
            case .characterDevice: "a character device"
            case .blockDevice: "a block device"
            }
        }
    }

    package var kind: Kind
    /// In bytes; for a symbolic link the length of its target.
    package var size: Int
    /// The twelve permission bits: set-user, set-group, sticky and rwx for user, group and others.
    package var mode: UInt16
    package var device: UInt64
    package var inode: UInt64
    /// When the content last changed, in nanoseconds since 1970.
    package var modified: Int64
    /// When the content or the status last changed, in nanoseconds since 1970; nobody can set it back.
    package var changed: Int64
    package var linkCount: Int
    package var owner: UInt32
    /// The device number of a device file: 0 is an overlay whiteout.
    package var deviceNumber: UInt64

    /// Whether the owner may execute the file.
    package var isExecutable: Bool { mode & 0o100 != 0 }

    init(_ raw: stat) {
        kind = FileStatus.kind(ofMode: raw.st_mode)
        size = Int(raw.st_size)
        mode = UInt16(raw.st_mode & 0o7777)
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        modified = Int64(raw.st_mtim.tv_sec) * 1_000_000_000 + Int64(raw.st_mtim.tv_nsec)
        changed = Int64(raw.st_ctim.tv_sec) * 1_000_000_000 + Int64(raw.st_ctim.tv_nsec)
        linkCount = Int(raw.st_nlink)
        owner = raw.st_uid
        deviceNumber = UInt64(raw.st_rdev)
    }

    static func kind(ofMode mode: mode_t) -> Kind {
        switch mode & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .directory
        case S_IFLNK: .link
        case S_IFIFO: .fifo
        case S_IFSOCK: .socket
        case S_IFCHR: .characterDevice
        default: .blockDevice
        }
    }
}
