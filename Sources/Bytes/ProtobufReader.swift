/// Reads the fields of one message in Protocol Buffers' wire format, one after the other.
///
/// Strict: varints in their shortest form, no groups. What a field means and which may repeat is the caller's to decide.
package struct ProtobufReader {
    /// One field's value as the wire has it.
    package enum Value: Hashable, Sendable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// A string, bytes or a message.
        case bytes(ArraySlice<UInt8>)
    }

    private let bytes: ArraySlice<UInt8>
    /// Where the next field starts, as an index of the slice.
    package private(set) var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field's number and value; `nil` at the end of the message.
    package mutating func next() throws(ParseError) -> (field: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let start = position
        let tag = try varint()
        guard tag >> 3 >= 1, tag >> 3 < 1 << 29 else { throw ParseError("no valid field number", at: start) }
        let field = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (field, .varint(try varint()))
        case 1: return (field, .fixed64(try fixed(8)))
        case 5: return (field, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
        case 2:
            let count = try varint()
            guard count <= UInt64(bytes.endIndex - position) else {
                throw ParseError("a field of \(count) bytes reaches over the end of its message", at: start)
            }
            let end = position + Int(count)
            defer { position = end }
            return (field, .bytes(bytes[position..<end]))
        default: throw ParseError("wire type \(tag & 7) is not supported", at: start)
        }
    }

    private mutating func varint() throws(ParseError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { throw ParseError("an integer of more than 64 bits", at: start) }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 {
                guard byte != 0 || shift == 0 else {
                    throw ParseError("an integer that is not in its shortest form", at: start)
                }
                return value
            }
            shift += 7
        }
        throw ParseError("the message ends inside an integer", at: start)
    }

    private mutating func fixed(_ count: Int) throws(ParseError) -> UInt64 {
        guard bytes.endIndex - position >= count else {
            throw ParseError("the message ends inside an integer", at: position)
        }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[position + index]) }
        position += count
        return value
    }
}
