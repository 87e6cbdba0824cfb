internal import CHost
internal import Glibc

/// What is said about a file beside its content.
extension OpenFile {
    /// Sets the time of access and the time of change of content, in nanoseconds since 1970.
    package func setModified(_ nanoseconds: Int64) throws {
        let time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        let result = unsafe [time, time].withUnsafeBufferPointer { unsafe futimens(number, $0.baseAddress) }
        guard result == 0 else { throw HostError.last("set its time", path: path) }
    }

    /// Gives the file to the user and group of this process; needs privilege when it is somebody else's.
    package func takeOwnership() throws {
        guard fchown(number, geteuid(), getegid()) == 0 else { throw HostError.last("take its ownership", path: path) }
    }

    /// The extended attributes by name; empty where the file system has none.
    package func attributes() throws -> [String: [UInt8]] {
        let size = martlet_list_attributes(number, nil, 0)
        if size == 0 { return [:] }
        guard size > 0 else {
            if errno == ENOTSUP { return [:] }
            throw HostError.last("list its extended attributes", path: path)
        }
        // The limit of the kernel is 64 KiB for the list and for each value.
        let list = try unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            let filled = unsafe buffer.withMemoryRebound(to: CChar.self) {
                unsafe martlet_list_attributes(number, $0.baseAddress, $0.count)
            }
            guard filled >= 0 else { throw HostError.last("list its extended attributes", path: path) }
            count = filled
        }
        var found: [String: [UInt8]] = [:]
        for bytes in list.split(separator: 0) {
            let name = String(decoding: bytes, as: UTF8.self)
            found[name] = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                let filled = unsafe martlet_get_attribute(number, name, buffer.baseAddress, buffer.count)
                // Removed meanwhile, or not readable for this user: it is there, with nothing in it.
                count = max(0, filled)
            }
        }
        return found
    }

    /// Copies everything from the current position of `source` to the current position of this file, sharing blocks
    /// where the file system can.
    package func copyAll(from source: borrowing OpenFile) throws {
        while true {
            let count = martlet_copy_range(source.number, number, 1 << 30)
            if count == 0 { return }
            if count < 0 {
                guard [EXDEV, ENOSYS, EINVAL, EOPNOTSUPP, EPERM].contains(errno) else {
                    throw HostError.last("copy \(source.path) to it", path: path)
                }
                break
            }
        }
        while true {
            let bytes = try source.read(1 << 18)
            if bytes.isEmpty { return }
            try write(bytes)
        }
    }
}
