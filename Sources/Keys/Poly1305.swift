/// The one-time authenticator Poly1305 (RFC 8439 section 2.5).
enum Poly1305 {
    private static let mask: UInt64 = 0x3FF_FFFF

    /// The 16 bytes that authenticate `message` under a 32-byte key that is used for nothing else.
    ///
    /// Numbers are in five limbs of 26 bits. No branch and no index depends on key or message.
    static func tag(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        precondition(key.count == 32)
        // The first half of the key, with the bits cleared that section 2.5 clears.
        let clamp: [UInt8] = [255, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15]
        let r = limbs(zip(key[..<16], clamp).map { $0 & $1 } + [0])
        var sum = [UInt64](repeating: 0, count: 5)
        var start = 0
        while start < message.count {
            let end = min(start + 16, message.count)
            var block = Array(message[start..<end]) + [1]
            block += [UInt8](repeating: 0, count: 17 - block.count)
            let added = limbs(block)
            for index in 0..<5 { sum[index] += added[index] }
            sum = product(sum, r)
            start = end
        }
        return reduced(sum, plus: Array(key[16...]))
    }

    /// The limbs of 17 bytes, the lowest first.
    private static func limbs(_ bytes: [UInt8]) -> [UInt64] {
        (0..<5).map { limb in
            let bit = 26 * limb
            // Five bytes from the one that holds the limb's first bit; there are none behind the seventeenth.
            let word = (0..<5).reduce(UInt64(0)) { word, index in
                let at = bit / 8 + index
                return at < 17 ? word | UInt64(bytes[at]) << (8 * UInt64(index)) : word
            }
            return word >> UInt64(bit % 8) & mask
        }
    }

    /// The product modulo 2^130 - 5, its limbs at most a little over 26 bits: what passes 2^130 comes back times 5.
    private static func product(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var out = [UInt64](repeating: 0, count: 5)
        for i in 0..<5 {
            for j in 0..<5 { out[(i + j) % 5] += a[i] * b[j] * (i + j < 5 ? 1 : 5) }
        }
        carry(&out)
        return out
    }

    private static func carry(_ limbs: inout [UInt64]) {
        for index in 0..<4 {
            limbs[index + 1] += limbs[index] >> 26
            limbs[index] &= mask
        }
        limbs[0] += (limbs[4] >> 26) * 5
        limbs[4] &= mask
        limbs[1] += limbs[0] >> 26
        limbs[0] &= mask
    }

    /// The number fully reduced, and the key's second half added to it modulo 2^128.
    private static func reduced(_ limbs: [UInt64], plus addend: [UInt8]) -> [UInt8] {
        var number = limbs
        for _ in 0..<2 { carry(&number) }
        // number - (2^130 - 5), which is the number to take unless it is negative.
        var less = number
        less[0] += 5
        for index in 0..<4 {
            less[index + 1] += less[index] >> 26
            less[index] &= mask
        }
        let takesLess = 0 &- (less[4] >> 26 & 1)
        less[4] &= mask
        for index in 0..<5 { number[index] = number[index] & ~takesLess | less[index] & takesLess }

        var out: [UInt8] = []
        var carried: UInt64 = 0
        for index in 0..<16 {
            let limb = 8 * index / 26
            let shift = UInt64(8 * index % 26)
            var byte = number[limb] >> shift
            if shift > 18 { byte |= number[limb + 1] << (26 - shift) }
            carried += (byte & 0xFF) + UInt64(addend[index])
            out.append(UInt8(truncatingIfNeeded: carried))
            carried >>= 8
        }
        return out
    }
}
