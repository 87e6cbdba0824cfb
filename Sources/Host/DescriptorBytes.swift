package import SystemPackage

/// Reading whole arrays of bytes from descriptors that are not files of a path: pipes, files in memory.
extension FileDescriptor {
    /// Up to `count` bytes that are there now; empty at the end; nil if a descriptor that does not block has none yet.
    package func availableBytes(_ count: Int) throws -> [UInt8]? {
        do {
            return try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
                used = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        } catch Errno.wouldBlock {
            return nil
        }
    }

    /// Up to `count` bytes at `offset`.
    package func bytes(_ count: Int, at offset: Int64) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            used = try unsafe read(fromAbsoluteOffset: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
