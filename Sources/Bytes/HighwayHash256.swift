internal import CHighway

/// Keyed HighwayHash with a 256-bit result, over bytes that arrive in pieces.
///
/// Only for the Leeway version (specs/build.md section 4): nothing is ever trusted because its HighwayHash matches.
/// The algorithm is the one of Alakuijala, Cox and Wassenberg, "Fast keyed hash/pseudo-random function using SIMD
/// multiply and permute" (2017), in portable form; `CHighway` has the loop over whole packets for processors with AVX2.
package struct HighwayHash256: Sendable {
    private var state: HighwayState
    /// Bytes that don't yet fill a packet, and how many: at most 31 between calls.
    private var pending = SIMD32<UInt8>()
    private var pendingCount = 0

    /// Takes a key of exactly 32 bytes; `nil` for any other count.
    /// - Parameter isPortable: `true` keeps to the form that any processor has.
    package init?(key: [UInt8], isPortable: Bool = false) {
        guard key.count == 32 else { return nil }
        state = HighwayState(key: unsafe Packet(key.span.bytes, at: 0), isFast: !isPortable && HighwayState.isFast)
    }

    /// Adds the bytes of `span` to the message.
    package mutating func update(_ span: RawSpan) {
        var offset = 0
        if pendingCount > 0 {
            offset = min(32 - pendingCount, span.byteCount)
            keep(span, 0..<offset)
            guard pendingCount == 32 else { return }
            state.update(Packet(pending))
            pendingCount = 0
        }
        offset = state.update(span, from: offset)
        keep(span, offset..<span.byteCount)
    }

    private mutating func keep(_ span: RawSpan, _ range: Range<Int>) {
        for index in range {
            pending[pendingCount] = unsafe span.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            pendingCount += 1
        }
    }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: [UInt8]) { update(unsafe bytes.span.bytes) }

    /// The 32 bytes of the hash of everything added so far.
    package consuming func finalize() -> [UInt8] {
        if pendingCount > 0 { state.updateRemainder(pending, pendingCount) }
        return state.finish()
    }
}

/// The four 64-bit little-endian words of a 32-byte packet.
private struct Packet {
    var a, b, c, d: UInt64

    init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) { (self.a, self.b, self.c, self.d) = (a, b, c, d) }

    init(_ bytes: SIMD32<UInt8>) {
        func word(_ start: Int) -> UInt64 {
            var word: UInt64 = 0
            for index in 0..<8 { word |= UInt64(bytes[start + index]) << UInt64(8 * index) }
            return word
        }
        self.init(word(0), word(8), word(16), word(24))
    }

    /// Reads 32 bytes; `span` must hold them.
    @inline(__always)
    init(_ span: RawSpan, at offset: Int) {
        precondition(offset + 32 <= span.byteCount)
        a = UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
        b = UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 8, as: UInt64.self))
        c = UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 16, as: UInt64.self))
        d = UInt64(littleEndian: unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 24, as: UInt64.self))
    }
}

/// The sixteen words of the hash's state, in the order in which `CHighway` has them.
private struct HighwayState {
    var v0: Packet
    var v1: Packet
    var mul0 = Packet(0xdbe6_d5d5_fe4c_ce2f, 0xa409_3822_299f_31d0, 0x1319_8a2e_0370_7344, 0x243f_6a88_85a3_08d3)
    var mul1 = Packet(0x3bd3_9e10_cb0e_f593, 0xc0ac_f169_b5f1_8a8c, 0xbe54_66cf_34e9_0c6c, 0x4528_21e6_38d0_1377)
    /// Whether whole packets go to `CHighway`.
    let isFast: Bool

    static let isFast: Bool = martlet_highway_is_fast() != 0

    init(key: Packet, isFast: Bool) {
        self.isFast = isFast
        v0 = Packet(mul0.a ^ key.a, mul0.b ^ key.b, mul0.c ^ key.c, mul0.d ^ key.d)
        v1 = Packet(
            mul1.a ^ Self.swapHalves(key.a), mul1.b ^ Self.swapHalves(key.b), mul1.c ^ Self.swapHalves(key.c),
            mul1.d ^ Self.swapHalves(key.d))
    }

    @inline(__always)
    private static func swapHalves(_ word: UInt64) -> UInt64 { word << 32 | word >> 32 }

    @inline(__always)
    private static func mix(
        _ packet: UInt64, _ v0: inout UInt64, _ v1: inout UInt64, _ mul0: inout UInt64, _ mul1: inout UInt64
    ) {
        v1 &+= mul0 &+ packet
        mul0 ^= (v1 & 0xffff_ffff) &* (v0 >> 32)
        v0 &+= mul1
        mul1 ^= (v0 & 0xffff_ffff) &* (v1 >> 32)
    }

    /// Adds the bytes of a pair of words to another pair in the paper's interleaved order.
    @inline(__always)
    private static func zip(_ odd: UInt64, _ even: UInt64, into high: inout UInt64, _ low: inout UInt64) {
        low &+=
            ((even & 0xff00_0000) | (odd & 0xff_0000_0000)) >> 24
            | ((even & 0xff00_0000_0000) | (odd & 0xff_0000_0000_0000)) >> 16
            | (even & 0xff_0000) | (even & 0xff00) << 32 | (odd & 0xff00_0000_0000_0000) >> 8 | even << 56
        high &+=
            ((odd & 0xff00_0000) | (even & 0xff_0000_0000)) >> 24
            | (odd & 0xff_0000) | (odd & 0xff00_0000_0000) >> 16 | (odd & 0xff00) << 24
            | (even & 0xff_0000_0000_0000) >> 8 | (odd & 0xff) << 48 | (even & 0xff00_0000_0000_0000)
    }

    @inline(__always)
    mutating func update(_ packet: Packet) {
        Self.mix(packet.a, &v0.a, &v1.a, &mul0.a, &mul1.a)
        Self.mix(packet.b, &v0.b, &v1.b, &mul0.b, &mul1.b)
        Self.mix(packet.c, &v0.c, &v1.c, &mul0.c, &mul1.c)
        Self.mix(packet.d, &v0.d, &v1.d, &mul0.d, &mul1.d)
        Self.zip(v1.b, v1.a, into: &v0.b, &v0.a)
        Self.zip(v1.d, v1.c, into: &v0.d, &v0.c)
        Self.zip(v0.b, v0.a, into: &v1.b, &v1.a)
        Self.zip(v0.d, v0.c, into: &v1.d, &v1.c)
    }

    /// Takes the whole packets of `span` from `start`, and gives the offset after the last of them.
    mutating func update(_ span: RawSpan, from start: Int) -> Int {
        let packets = (span.byteCount - start) / 32
        guard packets > 0 else { return start }
        if isFast {
            unsafe span.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe withUnsafeMutableBytes(of: &self) { words in
                    guard let state = words.baseAddress else { return }
                    unsafe martlet_highway_update(
                        state.assumingMemoryBound(to: UInt64.self),
                        (base + start).assumingMemoryBound(to: UInt8.self), packets)
                }
            }
            return start + packets * 32
        }
        // The state is copied so that its words stay in registers.
        var state = self
        var offset = start
        while offset + 32 <= span.byteCount {
            state.update(Packet(span, at: offset))
            offset += 32
        }
        self = state
        return offset
    }

    /// Takes the last 1 to 31 bytes of the message.
    mutating func updateRemainder(_ bytes: SIMD32<UInt8>, _ count: Int) {
        precondition(count > 0 && count < 32)
        let length = UInt64(count) << 32 | UInt64(count)
        v0 = Packet(v0.a &+ length, v0.b &+ length, v0.c &+ length, v0.d &+ length)
        func rotate(_ word: UInt64) -> UInt64 {
            func half(_ value: UInt32) -> UInt64 { UInt64(value << UInt32(count) | value >> UInt32(32 - count)) }
            return half(UInt32(truncatingIfNeeded: word)) | half(UInt32(truncatingIfNeeded: word >> 32)) << 32
        }
        v1 = Packet(rotate(v1.a), rotate(v1.b), rotate(v1.c), rotate(v1.d))

        var packet = SIMD32<UInt8>()
        let whole = count & ~3
        let rest = count & 3
        for index in 0..<whole { packet[index] = bytes[index] }
        if count & 16 != 0 {
            for index in 0..<4 { packet[28 + index] = bytes[whole + index + rest - 4] }
        } else if rest != 0 {
            packet[16] = bytes[whole]
            packet[17] = bytes[whole + (rest >> 1)]
            packet[18] = bytes[whole + rest - 1]
        }
        update(Packet(packet))
    }

    mutating func finish() -> [UInt8] {
        for _ in 0..<10 {
            update(
                Packet(
                    Self.swapHalves(v0.c), Self.swapHalves(v0.d), Self.swapHalves(v0.a), Self.swapHalves(v0.b)))
        }
        let low = Self.reduce(v1.b &+ mul1.b, v1.a &+ mul1.a, v0.b &+ mul0.b, v0.a &+ mul0.a)
        let high = Self.reduce(v1.d &+ mul1.d, v1.c &+ mul1.c, v0.d &+ mul0.d, v0.c &+ mul0.c)
        var out: [UInt8] = []
        out.reserveCapacity(32)
        for word in [low.low, low.high, high.low, high.high] {
            for shift in stride(from: 0, to: 64, by: 8) { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return out
    }

    /// Reduces 256 bits modulo x^128 + x^2 + x.
    private static func reduce(_ a3: UInt64, _ a2: UInt64, _ a1: UInt64, _ a0: UInt64) -> (high: UInt64, low: UInt64) {
        let top = a3 & 0x3fff_ffff_ffff_ffff
        return (a1 ^ (top << 1 | a2 >> 63) ^ (top << 2 | a2 >> 62), a0 ^ a2 << 1 ^ a2 << 2)
    }
}
