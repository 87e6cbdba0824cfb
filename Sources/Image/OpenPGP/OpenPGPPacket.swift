internal import Bytes

/// One packet of OpenPGP (RFC 9580 section 4): a type and its content.
struct OpenPGPPacket: Hashable, Sendable {
    /// The types that matter here (section 5).
    enum Kind: Hashable, Sendable {
        case signature, publicKey, publicSubkey, userID, userAttribute
        /// Marker, trust and padding packets mean nothing to a verifier.
        case ignored
        case other(UInt8)

        init(_ number: UInt8) {
            switch number {
            case 2: self = .signature
            case 6: self = .publicKey
            case 14: self = .publicSubkey
            case 13: self = .userID
            case 17: self = .userAttribute
            case 10, 12, 21: self = .ignored
            default: self = .other(number)
            }
        }
    }

    var kind: Kind
    var content: ArraySlice<UInt8>

    /// More packets than a keyring of a distribution has, by far.
    static let countLimit = 100_000

    /// All packets of `bytes`, in order. Partial and indeterminate lengths are refused: only streams of data need them.
    static func all(in bytes: ArraySlice<UInt8>) throws(ParseError) -> [OpenPGPPacket] {
        var packets: [OpenPGPPacket] = []
        var reader = OctetReader(bytes)
        while !reader.isAtEnd {
            guard packets.count < countLimit else { throw reader.error("there are more than \(countLimit) packets") }
            let tag = try reader.byte()
            guard tag & 0x80 != 0 else { throw reader.error("a packet begins with a byte that no packet begins with") }
            let length: Int
            let type: UInt8
            if tag & 0x40 != 0 {
                type = tag & 0x3F
                length = try newLength(&reader)
            } else {
                type = tag >> 2 & 0x0F
                guard tag & 3 != 3 else { throw reader.error("a packet without a length is not accepted") }
                length = try reader.number([1, 2, 4][Int(tag & 3)])
            }
            packets.append(OpenPGPPacket(kind: Kind(type), content: try reader.take(length)))
        }
        return packets
    }

    /// Section 4.2.1.
    private static func newLength(_ reader: inout OctetReader) throws(ParseError) -> Int {
        let first = try reader.byte()
        switch first {
        case 0..<192: return Int(first)
        case 192..<224: return (Int(first) - 192) << 8 + Int(try reader.byte()) + 192
        case 255: return try reader.number(4)
        default: throw reader.error("a packet in parts is not accepted")
        }
    }
}

/// Big-endian numbers and pieces of a sequence of bytes, read in order and bounds-checked.
struct OctetReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }
    var remaining: ArraySlice<UInt8> { rest }
    /// The index of the next byte in the array that is read.
    var position: Int { rest.startIndex }

    func error(_ message: String) -> ParseError { ParseError(message, at: rest.startIndex) }

    mutating func byte() throws(ParseError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw error("the data ends too early") }
        return byte
    }

    /// A number of up to four bytes.
    mutating func number(_ count: Int) throws(ParseError) -> Int {
        var value = 0
        for byte in try take(count) { value = value << 8 | Int(byte) }
        return value
    }

    mutating func take(_ count: Int) throws(ParseError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw error("the data ends too early") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// A multiprecision integer (section 3.2) without leading zeros.
    mutating func integer() throws(ParseError) -> [UInt8] {
        let bits = try number(2)
        guard bits <= 16384 else { throw error("a number of \(bits) bits is longer than any key has") }
        let bytes = try take((bits + 7) / 8)
        return Array(bytes.drop { $0 == 0 })
    }
}
