/// Writes messages in Protocol Buffers' wire format, so that the same values always give the same bytes.
///
/// The caller adds fields in the order of their numbers; fields with proto3's default value are left out. That is what
/// Python's `SerializeToString(deterministic=True)` gives for messages without maps.
package struct ProtobufWriter {
    /// The message so far.
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Adds an integer or Boolean field (wire type 0).
    package mutating func add(_ field: Int, varint value: UInt64) {
        guard value != 0 else { return }
        write(UInt64(field) << 3)
        write(value)
    }

    /// Adds a string field (wire type 2).
    package mutating func add(_ field: Int, _ text: String) {
        guard !text.utf8.isEmpty else { return }
        addHeader(field, count: text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    /// Adds a bytes field (wire type 2).
    package mutating func add(_ field: Int, bytes value: [UInt8]) {
        guard !value.isEmpty else { return }
        addHeader(field, count: value.count)
        bytes.append(contentsOf: value)
    }

    /// Adds a message field (wire type 2), present even when the message is empty.
    package mutating func add(_ field: Int, message: ProtobufWriter) {
        addHeader(field, count: message.bytes.count)
        bytes.append(contentsOf: message.bytes)
    }

    private mutating func addHeader(_ field: Int, count: Int) {
        write(UInt64(field) << 3 | 2)
        write(UInt64(count))
    }

    private mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
