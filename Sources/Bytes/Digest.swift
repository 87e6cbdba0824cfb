/// A SHA-256 digest: 32 bytes, compared and hashed by value.
///
/// It names every blob, tree and action in martlet. Other algorithms appear only where a foreign format asks for
/// them, as `HexDigest`-like strings of that format, never as a `Digest`.
package struct Digest: Hashable, Sendable, Comparable {
    /// The digest as four big-endian words, so that `<` orders by bytes.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes in a SHA-256 digest.
    package static let byteCount = 32

    /// Takes exactly 32 bytes, in order; `nil` for any other count.
    package init?(bytes: some Sequence<UInt8>) {
        var word: UInt64 = 0
        var parts: [UInt64] = []
        parts.reserveCapacity(4)
        var count = 0
        for byte in bytes {
            guard count < Self.byteCount else { return nil }
            word = word << 8 | UInt64(byte)
            count += 1
            if count % 8 == 0 {
                parts.append(word)
                word = 0
            }
        }
        guard count == Self.byteCount else { return nil }
        words = (parts[0], parts[1], parts[2], parts[3])
    }

    /// The 32 bytes of `bytes` from `offset` on; `nil` when there are not as many. For tables with many digests.
    package init?(_ bytes: [UInt8], at offset: Int) {
        guard offset >= 0, offset <= bytes.count - Self.byteCount else { return nil }
        func word(_ start: Int) -> UInt64 {
            var word: UInt64 = 0
            for index in start..<(start + 8) { word = word << 8 | UInt64(bytes[index]) }
            return word
        }
        words = (word(offset), word(offset + 8), word(offset + 16), word(offset + 24))
    }

    /// The 32 bytes of `span`, which has no others.
    init(_ span: RawSpan) {
        precondition(span.byteCount == Self.byteCount, "a SHA-256 digest has 32 bytes")
        func word(_ offset: Int) -> UInt64 {
            unsafe UInt64(bigEndian: span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        words = (word(0), word(8), word(16), word(24))
    }

    /// Writes the 32 bytes to the start of `buffer`.
    func store(in buffer: UnsafeMutableRawBufferPointer) {
        unsafe buffer.storeBytes(of: words.0.bigEndian, toByteOffset: 0, as: UInt64.self)
        unsafe buffer.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
        unsafe buffer.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
        unsafe buffer.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
    }

    /// The first eight bytes as a number, for tables that compare the rest elsewhere.
    package var prefix: UInt64 { words.0 }

    /// Takes 64 lower-case hexadecimal digits; `nil` for anything else, upper case included.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 32 bytes, in order.
    package var bytes: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            unsafe store(in: UnsafeMutableRawBufferPointer(buffer))
            count = Self.byteCount
        }
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String { Hex.encode(bytes) }

    package static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    package static func < (left: Digest, right: Digest) -> Bool { left.words < right.words }

    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension Digest: CustomStringConvertible {
    /// `sha256:` and 64 hexadecimal digits, as OCI and in-toto people write it.
    package var description: String { "sha256:\(hex)" }
}
