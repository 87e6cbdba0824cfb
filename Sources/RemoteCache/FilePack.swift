internal import Bytes
internal import Host

/// Many small contents as one blob, so that an artifact of a thousand files does not take a thousand requests.
///
/// A zstd stream of one protocol buffer message, whose field 1 is repeated and holds the contents. They have no names:
/// whoever unpacks them knows by their digests what they are.
enum FilePack {
    /// Larger files are blobs of their own, which other results share.
    static let greatestFile = 64 << 10
    /// Larger directories are blobs too.
    static let greatestDirectory = 1 << 20
    /// A pack is ended when it has as many bytes of content.
    static let fullSize = 8 << 20
    /// The most bytes that a pack may unpack to.
    static let greatestContent = 16 << 20

    /// Packs contents of more than no bytes: what is empty needs nobody to bring it.
    static func pack(_ contents: [[UInt8]]) throws -> (packed: [UInt8], contentSize: Int) {
        var writer = ProtobufWriter()
        for content in contents { writer.add(1, bytes: content) }
        let message = writer.bytes
        return (try Compression.zstd.compress(message), message.count)
    }

    /// The contents of a pack that unpacks to `contentSize` bytes.
    static func contents(_ packed: [UInt8], contentSize: Int) throws(RemoteCacheError) -> [ArraySlice<UInt8>] {
        do {
            let decompressor = try Decompressor(ByteReader(packed), limit: contentSize)
            guard decompressor.compression == .zstd else {
                throw RemoteCacheError(.malformed, "a pack is no zstd stream")
            }
            let message = try decompressor.reader.read(contentSize + 1)
            guard message.count == contentSize else {
                throw RemoteCacheError(
                    .malformed, "a pack holds \(message.count) bytes where \(contentSize) are named")
            }
            var reader = ProtobufReader(message[...])
            var out: [ArraySlice<UInt8>] = []
            while let (field, value) = try reader.next() {
                guard field == 1, case .bytes(let content) = value else {
                    throw RemoteCacheError(.malformed, "a pack has a field \(field), which is not known")
                }
                out.append(content)
            }
            return out
        } catch let error as RemoteCacheError {
            throw error
        } catch {
            throw RemoteCacheError(.malformed, "a pack can't be read: \(error)")
        }
    }
}
