internal import Bytes

/// What a log's directory says of itself, written once.
struct LogIdentity: Hashable, Sendable {
    let origin: String
    let layout: LogSettings.Layout
    /// Makes what the index keeps of search keys unpredictable.
    let salt: [UInt8]

    static let fileName = "log"
    private static let magic = Array("martlet log 1\n".utf8)

    /// A magic word, the four sizes, the salt, the origin, and a digest of all this.
    var encoded: [UInt8] {
        var bytes = Self.magic
        bytes.append(number: UInt32(layout.blockByteCount))
        bytes.append(number: UInt32(layout.segmentByteCount))
        bytes.append(number: UInt32(layout.segmentCount))
        bytes.append(number: UInt32(layout.packBundleCount))
        bytes += salt
        bytes += Array(origin.utf8)
        return bytes + Digest.of(bytes).bytes
    }

    init(origin: String, layout: LogSettings.Layout, salt: [UInt8]) {
        self.origin = origin
        self.layout = layout
        self.salt = salt
    }

    init(parsing bytes: [UInt8]) throws(TileLogError) {
        let end = bytes.count - Digest.byteCount
        guard end > Self.magic.count, bytes.starts(with: Self.magic),
            Digest(bytes, at: end) == Digest.of(Array(bytes[..<end]))
        else { throw TileLogError(.damaged, "the file “log” is not what a log says of itself; restore it") }
        var reader = FieldReader(bytes, from: Self.magic.count, to: end)
        var layout = LogSettings.Layout()
        layout.blockByteCount = try reader.integer(4)
        layout.segmentByteCount = try reader.integer(4)
        layout.segmentCount = try reader.integer(4)
        layout.packBundleCount = try reader.integer(4)
        salt = try reader.bytes(16)
        guard let text = String(validating: try reader.bytes(end - reader.offset), as: UTF8.self), !text.isEmpty,
            layout.isValid
        else { throw TileLogError(.damaged, "the file “log” names no origin or impossible sizes; restore it") }
        self.layout = layout
        origin = text
    }
}
