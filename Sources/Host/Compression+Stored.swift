internal import CCompress

extension Compression {
    /// `bytes` in the form of this compression without being made smaller: whole blocks as they are.
    ///
    /// One sequence of bytes has one such form, whatever the version of the library, so that whoever reads it can check
    /// that nothing was changed which no checksum covers.
    package func stored(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .none: bytes
        case .gzip: Self.storedGzip(bytes)
        case .zstd: Self.storedZstd(bytes)
        }
    }

    /// RFC 1952 around stored blocks (RFC 1951 section 3.2.4), without a name or a time.
    private static func storedGzip(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
        blocks(bytes, of: 0xFFFF) { block, isLast in
            let count = UInt16(block.count)
            out.append(isLast ? 1 : 0)
            out += littleEndian(UInt32(count), 2) + littleEndian(UInt32(~count), 2) + block
        }
        let checksum = unsafe bytes.withUnsafeBufferPointer { unsafe crc32(0, $0.baseAddress, UInt32($0.count)) }
        return out + littleEndian(UInt32(truncatingIfNeeded: checksum), 4)
            + littleEndian(UInt32(truncatingIfNeeded: bytes.count), 4)
    }

    /// RFC 8878 with raw blocks (section 3.1.1.2.2) and a window of 128 KiB.
    private static func storedZstd(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38]
        blocks(bytes, of: 1 << 17) { block, isLast in
            out += littleEndian(UInt32(block.count) << 3 | (isLast ? 1 : 0), 3) + block
        }
        return out
    }

    private static func blocks(_ bytes: [UInt8], of size: Int, _ write: (ArraySlice<UInt8>, Bool) -> Void) {
        var start = 0
        repeat {
            let end = min(start + size, bytes.count)
            write(bytes[start..<end], end == bytes.count)
            start = end
        } while start < bytes.count
    }

    private static func littleEndian(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32($0 * 8)) }
    }
}
