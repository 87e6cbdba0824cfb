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

    /// Takes 64 lower-case hexadecimal digits; `nil` for anything else, upper case included.
    package init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 32 bytes, in order.
    package var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Self.byteCount)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: 56, through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return out
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
