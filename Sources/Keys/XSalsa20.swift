/// The stream cipher XSalsa20 (Bernstein, "Extending the Salsa20 nonce").
enum XSalsa20 {
    /// The first `count` bytes of the stream of a 32-byte key and a 24-byte nonce.
    static func stream(count: Int, key: [UInt8], nonce: [UInt8]) -> [UInt8] {
        let subkey = derive(key: key, nonce: Array(nonce[..<16]))
        var out: [UInt8] = []
        out.reserveCapacity(count + 63)
        var counter: UInt64 = 0
        while out.count < count {
            let position = (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * $0)) }
            let input = state(key: subkey, input: Array(nonce[16...]) + position)
            let output = rounds(input)
            for index in 0..<16 { append(output[index] &+ input[index], to: &out) }
            counter += 1
        }
        return Array(out[..<count])
    }

    /// HSalsa20: a key from a key and 16 bytes of nonce.
    static func derive(key: [UInt8], nonce: [UInt8]) -> [UInt8] {
        let output = rounds(state(key: key, input: nonce))
        var out: [UInt8] = []
        for index in [0, 5, 10, 15, 6, 7, 8, 9] { append(output[index], to: &out) }
        return out
    }

    /// Salsa20's matrix: `expand 32-byte k` on the diagonal, between it the key and 16 bytes of nonce and counter.
    private static func state(key: [UInt8], input: [UInt8]) -> [UInt32] {
        func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << (8 * UInt32($1)) }
        }
        return [
            0x6170_7865, word(key, 0), word(key, 1), word(key, 2),
            word(key, 3), 0x3320_646E, word(input, 0), word(input, 1),
            word(input, 2), word(input, 3), 0x7962_2D32, word(key, 4),
            word(key, 5), word(key, 6), word(key, 7), 0x6B20_6574,
        ]
    }

    /// Ten double rounds, without the final addition of the input.
    private static func rounds(_ input: [UInt32]) -> [UInt32] {
        var x = input
        func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
            func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
            x[b] ^= rotate(x[a] &+ x[d], 7)
            x[c] ^= rotate(x[b] &+ x[a], 9)
            x[d] ^= rotate(x[c] &+ x[b], 13)
            x[a] ^= rotate(x[d] &+ x[c], 18)
        }
        for _ in 0..<10 {
            quarter(0, 4, 8, 12)
            quarter(5, 9, 13, 1)
            quarter(10, 14, 2, 6)
            quarter(15, 3, 7, 11)
            quarter(0, 1, 2, 3)
            quarter(5, 6, 7, 4)
            quarter(10, 11, 8, 9)
            quarter(15, 12, 13, 14)
        }
        return x
    }

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
}
