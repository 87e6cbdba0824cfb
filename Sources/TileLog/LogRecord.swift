internal import Bytes

/// One batch in the write-ahead log: its entries and the note over the tree with them.
struct LogRecord: Sendable {
    static let headerByteCount = 128
    private static let magic: UInt64 = 0x4D4C_5741_4C30_3031  // MLWAL001

    /// The number of the segment file's use, from 1; stale records of an earlier use have a smaller one.
    var segment: UInt64
    /// Records are numbered from 0 without gaps.
    var number: UInt64
    /// The digest of the record before; what stands there makes records a chain.
    var previous: Digest
    var firstIndex: UInt64
    var time: UInt64
    var isFrozen: Bool
    var note: String
    var entries: [LogEntry]

    /// One past the last entry.
    var endIndex: UInt64 { firstIndex + UInt64(entries.count) }

    /// Records start at multiples of `block`, so that writing one never touches what is before it.
    static func aligned(_ count: Int, _ block: Int) -> Int { (count + block - 1) / block * block }

    /// The bytes on the disk, padded with zeros, and the digest that the next record names.
    func encode(block: Int) -> (bytes: [UInt8], digest: Digest) {
        let bodyByteCount = entries.reduce(note.utf8.count) {
            $0 + 5 + ($1.identity == nil ? 0 : Digest.byteCount) + 8 * $1.keys.count + $1.bytes.count
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.aligned(Self.headerByteCount + bodyByteCount, block))
        bytes.append(number: Self.magic)
        bytes.append(number: segment)
        bytes.append(number: number)
        bytes.append(number: firstIndex)
        bytes.append(number: time)
        bytes.append(number: UInt32(entries.count))
        bytes.append(number: UInt32(note.utf8.count))
        bytes.append(number: UInt32(bodyByteCount))
        bytes.append(number: UInt32(isFrozen ? 1 : 0))
        bytes += [UInt8](repeating: 0, count: 8)
        bytes += previous.bytes
        // The digest of what is before it and behind it.
        bytes += [UInt8](repeating: 0, count: Digest.byteCount)
        bytes += note.utf8
        for entry in entries {
            bytes.append(number: UInt16(entry.bytes.count))
            bytes.append(number: UInt16(entry.keys.count))
            bytes.append(entry.identity == nil ? 0 : 1)
            if let identity = entry.identity { bytes += identity.bytes }
            for key in entry.keys { bytes.append(number: key) }
            bytes += entry.bytes
        }
        let digestOffset = Self.headerByteCount - Digest.byteCount
        var hasher = SHA256Hasher()
        hasher.update(bytes[..<digestOffset])
        hasher.update(bytes[Self.headerByteCount...])
        let digest = hasher.finalize()
        bytes.replaceSubrange(digestOffset..<Self.headerByteCount, with: digest.bytes)
        bytes += [UInt8](repeating: 0, count: Self.aligned(bytes.count, block) - bytes.count)
        return (bytes, digest)
    }

    /// The lengths that a header names; `nil` where there is no header of a record.
    struct Header {
        let segment: UInt64
        let number: UInt64
        let bodyByteCount: Int

        init?(_ bytes: [UInt8]) {
            var reader = FieldReader(bytes)
            guard bytes.count >= LogRecord.headerByteCount, let magic = try? reader.number(8), magic == LogRecord.magic,
                let segment = try? reader.number(8), let number = try? reader.number(8),
                (try? reader.number(8)) != nil, (try? reader.number(8)) != nil, (try? reader.number(8)) != nil,
                let count = try? reader.integer(4)
            else { return nil }
            self.segment = segment
            self.number = number
            bodyByteCount = count
        }

        /// The bytes of the record with its padding.
        func byteCount(block: Int) -> Int { LogRecord.aligned(LogRecord.headerByteCount + bodyByteCount, block) }
    }

    /// Reads a record with its padding; throws where a single bit is not as it was written.
    static func parse(
        _ bytes: [UInt8], block: Int, leafHash: ([UInt8]) throws -> Digest
    ) throws -> (record: LogRecord, digest: Digest) {
        guard let header = Header(bytes), header.byteCount(block: block) == bytes.count else {
            throw TileLogError(.damaged, "there is no record of the write-ahead log")
        }
        let end = headerByteCount + header.bodyByteCount
        var hasher = SHA256Hasher()
        hasher.update(bytes[..<(headerByteCount - Digest.byteCount)])
        hasher.update(bytes[headerByteCount..<end])
        let digest = hasher.finalize()
        guard digest == Digest(bytes, at: headerByteCount - Digest.byteCount),
            bytes[end...].allSatisfy({ $0 == 0 })
        else { throw TileLogError(.damaged, "record \(header.number) of the write-ahead log has another digest") }
        var reader = FieldReader(bytes, from: 24, to: end)
        let firstIndex = try reader.number(8)
        let time = try reader.number(8)
        let count = try reader.integer(4)
        let noteByteCount = try reader.integer(4)
        _ = try reader.number(4)
        let flags = try reader.number(4)
        _ = try reader.number(8)
        let previous = try reader.digest()
        _ = try reader.digest()
        let note = String(decoding: try reader.bytes(noteByteCount), as: UTF8.self)
        var entries: [LogEntry] = []
        entries.reserveCapacity(min(count, header.bodyByteCount / 5))
        for _ in 0..<count {
            let byteCount = try reader.integer(2)
            let keyCount = try reader.integer(2)
            let identity = try reader.number(1) == 1 ? try reader.digest() : nil
            var keys: [UInt64] = []
            for _ in 0..<keyCount { keys.append(try reader.number(8)) }
            let content = try reader.bytes(byteCount)
            entries.append(
                LogEntry(
                    bytes: content, leafHash: try leafHash(content), identity: identity, keys: keys, time: time))
        }
        guard reader.isAtEnd else {
            throw TileLogError(.damaged, "record \(header.number) of the write-ahead log holds more than its entries")
        }
        let record = LogRecord(
            segment: header.segment, number: header.number, previous: previous, firstIndex: firstIndex, time: time,
            isFrozen: flags & 1 == 1, note: note, entries: entries)
        return (record, digest)
    }
}
