internal import CHost
internal import Glibc
internal import SystemPackage

/// Reads the records of one open directory (getdents64(2)), without a status call for each.
struct DirectoryReader: ~Copyable {
    private let directory: OpenFile
    var number: Int32 { directory.number }

    init(_ directory: consuming OpenFile) { self.directory = directory }

    /// Calls `body` with the bytes of each name but `.` and `..`, and with the kind when the file system tells it.
    mutating func forEach(_ body: (Span<UInt8>, FileStatus.Kind?) throws -> Void) throws {
        try unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { buffer in
            guard let base = buffer.baseAddress else { return }
            while true {
                let filled = unsafe martlet_getdents(directory.number, base, buffer.count)
                if filled == 0 { return }
                guard filled > 0 else { throw HostError.last("list the directory", path: directory.path) }
                var offset = 0
                // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, then the name with its NUL.
                while offset < filled {
                    let record = unsafe UnsafeRawBufferPointer(rebasing: buffer[offset..<filled])
                    let length = Int(unsafe record.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
                    guard length > 19, length <= record.count else {
                        throw HostError(.system, "the system gave a malformed directory", path: directory.path)
                    }
                    let name = unsafe UnsafeRawBufferPointer(rebasing: record[19..<length])
                    let end = unsafe name.firstIndex(of: 0) ?? name.count
                    let isDot = unsafe end == 1 && name[0] == 0x2e || end == 2 && name[0] == 0x2e && name[1] == 0x2e
                    if !isDot, end > 0 {
                        let bytes = unsafe UnsafeRawBufferPointer(rebasing: name[..<end])
                            .assumingMemoryBound(to: UInt8.self)
                        try body(unsafe bytes.span, Self.kind(unsafe record[18]))
                    }
                    offset += length
                }
            }
        }
    }

    private static func kind(_ type: UInt8) -> FileStatus.Kind? {
        switch Int(type) {
        case Int(DT_REG): .regular
        case Int(DT_DIR): .directory
        case Int(DT_LNK): .link
        case Int(DT_FIFO): .fifo
        case Int(DT_SOCK): .socket
        case Int(DT_CHR): .characterDevice
        case Int(DT_BLK): .blockDevice
        default: nil
        }
    }
}
