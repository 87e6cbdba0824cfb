internal import CCompress

/// Packs a stream of bytes. The same bytes always give the same result, however they are divided into writes.
package struct Compressor: ~Copyable {
    /// Takes packed bytes as they come.
    package typealias Output = ([UInt8]) throws -> Void

    /// The library is called with pieces of exactly this size, so that the caller's can't show in the result.
    private static let piece = 1 << 17

    private let output: Output
    private let codec: Codec
    private var pending: [UInt8] = []

    /// Safe, since the pointers are made here, live as long as this value, and are never given out.
    @safe private enum Codec {
        case none
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    /// `level` is the library's own; without it, it is 6 for gzip and 3 for zstd.
    package init(_ compression: Compression, level: Int32? = nil, output: @escaping Output) throws {
        self.output = output
        pending.reserveCapacity(Self.piece)
        switch compression {
        case .none: codec = .none
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            unsafe stream.initialize(to: z_stream())
            // 31: a window of 2^15 bytes in a gzip wrapper. zlib writes time 0, no name, and 3 (Unix) as the system.
            let result = unsafe deflateInit2_(
                stream, level ?? 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size))
            guard result == Z_OK else {
                unsafe stream.deallocate()
                throw HostError(.system, "could not start the gzip compressor; is there enough memory?")
            }
            codec = unsafe .gzip(stream)
        case .zstd:
            guard let context = unsafe ZSTD_createCCtx() else {
                throw HostError(.system, "could not start the zstd compressor; is there enough memory?")
            }
            unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level ?? 3)
            unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
            codec = unsafe .zstd(context)
        }
    }

    deinit {
        switch codec {
        case .none: break
        case .gzip(let stream):
            unsafe deflateEnd(stream)
            unsafe stream.deallocate()
        case .zstd(let context): unsafe ZSTD_freeCCtx(context)
        }
    }

    /// Adds bytes to the stream.
    package mutating func write(_ bytes: [UInt8]) throws { try write(bytes[...]) }

    /// Adds bytes to the stream.
    package mutating func write(_ bytes: ArraySlice<UInt8>) throws {
        var rest = bytes
        while !rest.isEmpty {
            if pending.isEmpty, rest.count >= Self.piece {
                // A whole piece goes from where it is.
                try pack(rest.prefix(Self.piece), isLast: false)
                rest = rest.dropFirst(Self.piece)
                continue
            }
            let part = rest.prefix(Self.piece - pending.count)
            pending += part
            rest = rest.dropFirst(part.count)
            if pending.count == Self.piece {
                try pack(pending[...], isLast: false)
                pending.removeAll(keepingCapacity: true)
            }
        }
    }

    /// Ends the stream.
    package consuming func finish() throws { try pack(pending[...], isLast: true) }

    private func pack(_ input: ArraySlice<UInt8>, isLast: Bool) throws {
        switch codec {
        case .none: if !input.isEmpty { try output(Array(input)) }
        case .gzip(let stream): try unsafe deflateAll(stream, input, isLast)
        case .zstd(let context): try unsafe zstdAll(context, input, isLast)
        }
    }

    private func deflateAll(
        _ stream: UnsafeMutablePointer<z_stream>, _ input: ArraySlice<UInt8>, _ isLast: Bool
    ) throws {
        try unsafe input.withUnsafeBufferPointer { source in
            // zlib's own type, though it writes nothing there.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(source.count)
            while true {
                var result = Z_OK
                let packed = unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { target, count in
                    unsafe stream.pointee.next_out = target.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(target.count)
                    result = unsafe deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    count = unsafe target.count - Int(stream.pointee.avail_out)
                }
                guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
                    throw HostError(.system, "the gzip compressor failed (\(result))")
                }
                if !packed.isEmpty { try output(packed) }
                if result == Z_STREAM_END || !isLast && packed.count < Self.piece { return }
            }
        }
    }

    private func zstdAll(_ context: OpaquePointer, _ input: ArraySlice<UInt8>, _ isLast: Bool) throws {
        try unsafe input.withUnsafeBytes { source in
            var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
            while true {
                var left = 0
                let packed = unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { target, count in
                    var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    left = unsafe ZSTD_compressStream2(context, &to, &from, isLast ? ZSTD_e_end : ZSTD_e_continue)
                    count = unsafe to.pos
                }
                guard ZSTD_isError(left) == 0 else { throw HostError(.system, "the zstd compressor failed") }
                if !packed.isEmpty { try output(packed) }
                let isDone = unsafe isLast ? left == 0 : from.pos == from.size && packed.count < Self.piece
                if isDone { return }
            }
        }
    }
}

extension Compression {
    /// `bytes` in one frame of zstd that tells its size, packed where they are: faster than as a stream, and other bytes.
    package static func zstdFrame(_ bytes: [UInt8], level: Int32) throws -> [UInt8] {
        guard let context = unsafe ZSTD_createCCtx() else {
            throw HostError(.system, "could not start the zstd compressor; is there enough memory?")
        }
        defer { unsafe ZSTD_freeCCtx(context) }
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        return try unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { target, count in
            let size = unsafe bytes.withUnsafeBytes { source in
                unsafe ZSTD_compress2(context, target.baseAddress, target.count, source.baseAddress, source.count)
            }
            guard ZSTD_isError(size) == 0 else { throw HostError(.system, "the zstd compressor failed") }
            count = size
        }
    }

    /// `bytes` packed in one go.
    package func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        var packed: [UInt8] = []
        var compressor = try Compressor(self) { packed += $0 }
        try compressor.write(bytes)
        try compressor.finish()
        return packed
    }
}
