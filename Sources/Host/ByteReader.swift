/// A stream of bytes that is read in order, from wherever it comes.
package final class ByteReader {
    /// Gives the next bytes, at least one; `nil` at the end.
    package typealias Source = () throws -> [UInt8]?

    private let source: Source
    /// What came from the source last; what is before `start` has been read.
    private var buffer: ArraySlice<UInt8> = []
    private var start = 0
    /// The bytes that have been read so far.
    package private(set) var position = 0

    package init(_ source: @escaping Source) { self.source = source }

    /// Reads `bytes`.
    package convenience init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Reads `bytes`, where they are.
    package convenience init(_ bytes: ArraySlice<UInt8>) {
        self.init { nil }
        buffer = bytes
        start = bytes.startIndex
    }

    /// Reads the file from its current position.
    package convenience init(_ file: consuming OpenFile) {
        let box = Box(file)
        self.init {
            let bytes = try box.file.read(1 << 17)
            return bytes.isEmpty ? nil : bytes
        }
    }

    /// A closure can't hold a value that can't be copied, so a reference does.
    private final class Box {
        let file: OpenFile
        init(_ file: consuming OpenFile) { self.file = file }
    }

    private func fill() throws -> Bool {
        if start < buffer.endIndex { return true }
        guard let next = try source() else { return false }
        buffer = next[...]
        start = 0
        return true
    }

    /// The next bytes, at most `limit` and at least one; `nil` at the end.
    package func next(limit: Int) throws -> ArraySlice<UInt8>? {
        guard try fill() else { return nil }
        let end = start + min(buffer.endIndex - start, limit)
        defer {
            position += end - start
            start = end
        }
        return buffer[start..<end]
    }

    /// The next `count` bytes, fewer only at the end.
    package func read(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, let part = try next(limit: count - bytes.count) { bytes += part }
        return bytes
    }

    /// Passes over `count` bytes; `false` when the stream ends before.
    package func skip(_ count: Int) throws -> Bool {
        var left = count
        while left > 0 {
            guard let part = try next(limit: left) else { return false }
            left -= part.count
        }
        return true
    }

    /// The next bytes without passing over them; as many as are at hand, up to `count`.
    func peek(_ count: Int) throws -> ArraySlice<UInt8> {
        while buffer.endIndex - start < count {
            guard let more = try source() else { break }
            buffer = (buffer[start...] + more)[...]
            start = buffer.startIndex
        }
        return buffer[start...].prefix(count)
    }

    /// Takes the next piece as it comes from the source; `nil` at the end.
    func nextPiece() throws -> ArraySlice<UInt8>? { try next(limit: .max) }

    /// Gives back the last `count` bytes of what was read last.
    func unread(_ count: Int) {
        precondition(count <= start - buffer.startIndex)
        start -= count
        position -= count
    }
}
