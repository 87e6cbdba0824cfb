internal import Bytes

/// Whole numbers of fixed width, the greatest byte first.
extension [UInt8] {
    mutating func append(number: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func append(number: UInt32) {
        for shift in stride(from: UInt32(24), through: 0, by: -8) { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func append(number: UInt16) {
        append(UInt8(truncatingIfNeeded: number >> 8))
        append(UInt8(truncatingIfNeeded: number))
    }
}

/// Reads fields one after the other; everything behind the end is `damaged`.
struct FieldReader {
    private let bytes: [UInt8]
    private(set) var offset: Int
    private let end: Int

    init(_ bytes: [UInt8], from offset: Int = 0, to end: Int? = nil) {
        self.bytes = bytes
        self.offset = offset
        self.end = Swift.min(end ?? bytes.count, bytes.count)
    }

    var isAtEnd: Bool { offset >= end }

    mutating func number(_ width: Int) throws(TileLogError) -> UInt64 {
        let start = try advance(width)
        var value: UInt64 = 0
        for index in start..<(start + width) { value = value << 8 | UInt64(bytes[index]) }
        return value
    }

    mutating func integer(_ width: Int) throws(TileLogError) -> Int { Int(clamping: try number(width)) }

    mutating func digest() throws(TileLogError) -> Digest {
        let start = try advance(Digest.byteCount)
        guard let digest = Digest(bytes, at: start) else { throw Self.tooShort }
        return digest
    }

    mutating func bytes(_ count: Int) throws(TileLogError) -> [UInt8] {
        let start = try advance(count)
        return Array(bytes[start..<(start + count)])
    }

    private mutating func advance(_ count: Int) throws(TileLogError) -> Int {
        guard count >= 0, count <= end - offset else { throw Self.tooShort }
        defer { offset += count }
        return offset
    }

    private static let tooShort = TileLogError(.damaged, "a record ends before its last field")
}
