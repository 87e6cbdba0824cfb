internal import CCompress

/// Unpacks xz streams (the .xz file format 1.2.1), as Debian packages have them.
///
/// Strict as `Decompressor` is: a stream that ends early, is followed by anything but padding, or fails its checksum
/// throws. It is read only: nothing of martlet's is packed in this format.
package final class XZDecompressor {
    private let source: ByteReader
    private let limit: Int
    private var produced = 0
    private var isFinished = false
    private var isAtEnd = false
    private let codec: Codec

    /// Safe, since the pointer is made here, lives as long as this value, and is never given out.
    @safe private struct Codec {
        let stream: UnsafeMutablePointer<lzma_stream>
    }

    private static let piece = 1 << 17
    /// What a stream's dictionary may take: xz -9 needs 64 MiB, and nothing of Debian's more.
    private static let memoryLimit: UInt64 = 160 << 20

    /// Reads xz streams from `source`. More than `limit` bytes of content throw `.tooLarge`.
    package init(_ source: ByteReader, limit: Int) throws {
        self.source = source
        self.limit = limit
        let stream = UnsafeMutablePointer<lzma_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: lzma_stream())
        codec = unsafe Codec(stream: stream)
        // LZMA_CONCATENATED, a macro that Swift doesn't see: streams one after the other.
        let result = unsafe lzma_stream_decoder(stream, Self.memoryLimit, 0x08)
        guard result == LZMA_OK else {
            throw HostError(.system, "could not start the xz decompressor; is there enough memory?")
        }
    }

    deinit {
        unsafe lzma_end(codec.stream)
        unsafe codec.stream.deallocate()
    }

    /// Whether `bytes`, the first of a stream, are those of an xz stream.
    package static func recognizes(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00])
    }

    /// The unpacked stream.
    package var reader: ByteReader { ByteReader { try self.next() } }

    private func next() throws -> [UInt8]? {
        while !isFinished {
            let input = isAtEnd ? nil : try source.nextPiece()
            if input == nil { isAtEnd = true }
            let (output, used) = try step(input ?? [])
            source.unread((input?.count ?? 0) - used)
            produced += output.count
            guard produced <= limit else {
                throw HostError(.tooLarge, "the xz stream holds more than the \(limit) bytes accepted here")
            }
            if !output.isEmpty { return output }
        }
        return nil
    }

    private func step(_ input: ArraySlice<UInt8>) throws -> (output: [UInt8], used: Int) {
        var result = LZMA_OK
        var used = 0
        let stream = unsafe codec.stream
        let output = unsafe input.withUnsafeBufferPointer { source in
            unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { target, count in
                unsafe stream.pointee.next_in = source.baseAddress
                unsafe stream.pointee.avail_in = source.count
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = target.count
                result = unsafe lzma_code(stream, isAtEnd ? LZMA_FINISH : LZMA_RUN)
                count = unsafe target.count - stream.pointee.avail_out
                used = unsafe source.count - stream.pointee.avail_in
            }
        }
        switch result {
        case LZMA_OK: break
        case LZMA_STREAM_END: isFinished = true
        case LZMA_BUF_ERROR where !isAtEnd || !output.isEmpty: break
        case LZMA_BUF_ERROR: throw HostError(.corrupt, "the xz stream ends too early")
        case LZMA_MEMLIMIT_ERROR:
            throw HostError(.tooLarge, "the xz stream asks for more than \(Self.memoryLimit >> 20) MiB of memory")
        default: throw HostError(.corrupt, "the xz stream is damaged")
        }
        return (output, used)
    }
}
