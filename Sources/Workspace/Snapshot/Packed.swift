internal import Bytes

/// Writes values one after the other, with nothing in between: the reader knows what comes.
struct PackedWriter {
    var bytes: [UInt8] = []

    mutating func add(fixed value: some FixedWidthInteger & UnsignedInteger) {
        for byte in 0..<(value.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    mutating func add(_ value: Int) {
        var rest = UInt64(bitPattern: Int64(value))
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func add(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func add(_ value: String) {
        add(value.utf8.count)
        bytes += value.utf8
    }

    mutating func add(_ value: [UInt8]) {
        add(value.count)
        bytes += value
    }

    mutating func add(_ value: Digest) { bytes += value.bytes }

    mutating func add<Element>(_ values: [Element], _ add: (inout PackedWriter, Element) -> Void) {
        self.add(values.count)
        for value in values { add(&self, value) }
    }

    mutating func add(_ values: [String]) { add(values) { $0.add($1) } }

    mutating func add(_ values: [[String]]) { add(values) { $0.add($1) } }

    mutating func add(_ values: [String: String]) {
        add(values.sorted { $0.key < $1.key }) { writer, entry in
            writer.add(entry.key)
            writer.add(entry.value)
        }
    }

    mutating func add<Value>(_ value: Value?, _ add: (inout PackedWriter, Value) -> Void) {
        self.add(value != nil)
        if let value { add(&self, value) }
    }
}

/// Reads what a `PackedWriter` wrote. Whatever the bytes are, it reads nothing beyond them and takes no more memory than
/// a multiple of them.
struct PackedReader {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ count: Int) throws(ParseError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else { throw ParseError("cut off", at: position) }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    mutating func fixed<Value: FixedWidthInteger & UnsignedInteger>() throws(ParseError) -> Value {
        var value: Value = 0
        for (index, byte) in try take(Value.bitWidth / 8).enumerated() { value |= Value(byte) << Value(8 * index) }
        return value
    }

    mutating func int() throws(ParseError) -> Int {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.count else { throw ParseError("cut off", at: position) }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return Int(Int64(bitPattern: value)) }
        }
        throw ParseError("a number without end", at: position)
    }

    /// A count of things of at least one byte each.
    mutating func count() throws(ParseError) -> Int {
        let start = position
        let count = try int()
        guard count >= 0, count <= bytes.count - position else { throw ParseError("an impossible count", at: start) }
        return count
    }

    mutating func bool() throws(ParseError) -> Bool { try take(1).first != 0 }

    mutating func string() throws(ParseError) -> String { String(decoding: try take(try count()), as: UTF8.self) }

    mutating func blob() throws(ParseError) -> [UInt8] { Array(try take(try count())) }

    mutating func digest() throws(ParseError) -> Digest {
        let start = position
        guard try take(Digest.byteCount).count == Digest.byteCount, let digest = Digest(bytes, at: start) else {
            throw ParseError("a digest is cut off", at: start)
        }
        return digest
    }

    mutating func array<Element>(
        _ element: (inout PackedReader) throws(ParseError) -> Element
    ) throws(ParseError) -> [Element] {
        let count = try count()
        var out: [Element] = []
        out.reserveCapacity(min(count, 4096))
        for _ in 0..<count { out.append(try element(&self)) }
        return out
    }

    mutating func strings() throws(ParseError) -> [String] {
        try array { (reader) throws(ParseError) in try reader.string() }
    }

    mutating func commands() throws(ParseError) -> [[String]] {
        try array { (reader) throws(ParseError) in try reader.strings() }
    }

    mutating func table() throws(ParseError) -> [String: String] {
        let count = try count()
        var out: [String: String] = [:]
        out.reserveCapacity(min(count, 4096))
        for _ in 0..<count {
            let key = try string()
            out[key] = try string()
        }
        return out
    }

    mutating func optional<Value>(
        _ value: (inout PackedReader) throws(ParseError) -> Value
    ) throws(ParseError) -> Value? {
        try bool() ? try value(&self) : nil
    }

    /// A value of an enumeration by its raw text.
    mutating func choice<Value: RawRepresentable<String>>() throws(ParseError) -> Value {
        let start = position
        guard let value = Value(rawValue: try string()) else { throw ParseError("an unknown choice", at: start) }
        return value
    }
}
