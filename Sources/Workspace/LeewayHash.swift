internal import Bytes

/// Leeway's keyed hash of a file's content (specs/build.md section 4): 32 bytes of HighwayHash-256.
package struct LeewayHash: Hashable, Sendable {
    private var words: SIMD4<UInt64>

    /// All zero: of no file.
    package init() { words = .zero }

    /// Takes the bytes of `source` from `offset` on; what is missing counts as zero.
    init(_ source: [UInt8], at offset: Int = 0) {
        words = .zero
        guard offset >= 0, offset + 32 <= source.count else { return }
        for lane in 0..<4 {
            var word: UInt64 = 0
            for byte in 0..<8 { word |= UInt64(source[offset + 8 * lane + byte]) << UInt64(8 * byte) }
            words[lane] = word
        }
    }

    /// The 32 bytes, in order.
    var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(32)
        for lane in 0..<4 {
            for byte in 0..<8 { out.append(UInt8(truncatingIfNeeded: words[lane] >> UInt64(8 * byte))) }
        }
        return out
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String { Hex.encode(bytes) }
}
