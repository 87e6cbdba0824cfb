internal import CCompress

/// Unpacks gzip and zstd streams of any number of members or frames, one after the other.
///
/// Strict: a stream that ends early, is followed by anything else, or fails its checksum throws.
package final class Decompressor {
    /// The format of the stream.
    package let compression: Compression
    private let source: ByteReader
    private var codec: Codec
    private let limit: Int
    private var produced = 0
    /// Whether a member has begun and not ended.
    private var isInside = false
    /// Stops after the first member.
    private let isSingle: Bool
    private var isFinished = false
    /// Whether the last step filled its output, so that there may be more without input.
    private var isFull = false

    /// Safe, since the pointers are made here, live as long as this value, and are never given out.
    @safe private enum Codec {
        case none
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    /// Reads packed bytes from `source`, of the format that the first of them show. More than `limit` bytes of content
    /// throw `.tooLarge`. With `isSingle`, stops behind the first member and leaves the rest of the source unread.
    package init(_ source: ByteReader, limit: Int, isSingle: Bool = false) throws {
        self.source = source
        self.limit = limit
        self.isSingle = isSingle
        compression = Compression(recognizing: try source.peek(4))
        switch compression {
        case .none: codec = .none
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            unsafe stream.initialize(to: z_stream())
            let result = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            guard result == Z_OK else {
                unsafe stream.deallocate()
                throw HostError(.system, "could not start the gzip decompressor; is there enough memory?")
            }
            codec = unsafe .gzip(stream)
        case .zstd:
            guard let context = unsafe ZSTD_createDCtx() else {
                throw HostError(.system, "could not start the zstd decompressor; is there enough memory?")
            }
            // 128 MiB of window at most, so that a header can't ask for gigabytes.
            unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
            codec = unsafe .zstd(context)
        }
    }

    deinit {
        switch codec {
        case .none: break
        case .gzip(let stream):
            unsafe inflateEnd(stream)
            unsafe stream.deallocate()
        case .zstd(let context): unsafe ZSTD_freeDCtx(context)
        }
    }

    /// The unpacked stream.
    package var reader: ByteReader { ByteReader { try self.next() } }

    /// The next unpacked bytes; `nil` at the end.
    private func next() throws -> [UInt8]? {
        while !isFinished {
            // What the library still holds back comes before the next input.
            guard let input = isFull ? [] : try source.nextPiece() else {
                guard !isInside else { throw HostError(.corrupt, "the compressed stream ends too early") }
                isFinished = true
                break
            }
            let (output, used) = try step(input)
            source.unread(input.count - used)
            isFull = isInside && output.count == Self.piece
            produced += output.count
            guard produced <= limit else {
                throw HostError(.tooLarge, "the compressed stream holds more than the \(limit) bytes accepted here")
            }
            if isSingle, compression != .none, !isInside { isFinished = true }
            if !output.isEmpty { return output }
            guard used > 0 || isFinished || input.isEmpty else {
                throw HostError(.corrupt, "the compressed stream is damaged")
            }
        }
        return nil
    }

    private static let piece = 1 << 17

    private func step(_ input: ArraySlice<UInt8>) throws -> (output: [UInt8], used: Int) {
        switch codec {
        case .none: return (Array(input), input.count)
        case .gzip(let stream): return try unsafe inflateStep(stream, input)
        case .zstd(let context): return try unsafe zstdStep(context, input)
        }
    }

    private func inflateStep(
        _ stream: UnsafeMutablePointer<z_stream>, _ input: ArraySlice<UInt8>
    ) throws -> (output: [UInt8], used: Int) {
        if !isInside {
            unsafe inflateReset(stream)
            isInside = true
        }
        // A piece of input that can't be counted in 32 bits does not occur: sources give 128 KiB or what a caller has.
        let input = input.prefix(1 << 30)
        var result = Z_OK
        var used = 0
        let output = unsafe input.withUnsafeBufferPointer { source in
            unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { target, count in
                // zlib's own type, though it writes nothing there.
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(source.count)
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(target.count)
                result = unsafe inflate(stream, Z_NO_FLUSH)
                count = unsafe target.count - Int(stream.pointee.avail_out)
                used = unsafe source.count - Int(stream.pointee.avail_in)
            }
        }
        switch result {
        case Z_STREAM_END: isInside = false
        case Z_OK, Z_BUF_ERROR: break
        default: throw HostError(.corrupt, "the gzip stream is damaged")
        }
        return (output, used)
    }

    private func zstdStep(
        _ context: OpaquePointer, _ input: ArraySlice<UInt8>
    ) throws -> (output: [UInt8], used: Int) {
        isInside = true
        var result = 0
        var used = 0
        let output = unsafe input.withUnsafeBytes { source in
            unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { target, count in
                var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
                var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                result = unsafe ZSTD_decompressStream(context, &to, &from)
                count = unsafe to.pos
                used = unsafe from.pos
            }
        }
        guard ZSTD_isError(result) == 0 else { throw HostError(.corrupt, "the zstd stream is damaged") }
        if result == 0 { isInside = false }
        return (output, used)
    }
}

extension Compression {
    /// Unpacks `bytes` of any format that martlet knows; `.tooLarge` when there is more than `limit`.
    package static func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        let reader = try Decompressor(ByteReader(bytes), limit: limit).reader
        var all: [UInt8] = []
        while let part = try reader.nextPiece() { all += part }
        return all
    }
}
