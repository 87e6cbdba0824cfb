/// Entries as a log of tiles serves them: each behind its length (C2SP tlog-tiles).
package enum EntryBundle {
    /// The most bytes that an entry can have.
    package static let greatestEntryByteCount = 65_535

    /// The bytes of a bundle of `entries`, none of which may be longer than the greatest.
    package static func encode(_ entries: some Collection<[UInt8]>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.reduce(0) { $0 + 2 + $1.count })
        for entry in entries {
            precondition(entry.count <= greatestEntryByteCount, "an entry of \(entry.count) bytes")
            bytes.append(UInt8(entry.count >> 8))
            bytes.append(UInt8(entry.count & 0xFF))
            bytes += entry
        }
        return bytes
    }

    /// The entries of so many bytes as somebody sent, at most `limit`.
    package static func parse(_ bytes: [UInt8], limit: Int) throws(LedgerError) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        var offset = 0
        while offset < bytes.count {
            guard entries.count < limit else {
                throw LedgerError(.limit, "there are more than \(limit) entries; send the others apart")
            }
            guard bytes.count - offset >= 2 else {
                throw LedgerError(.malformed, "entry \(entries.count) has no whole length")
            }
            let end = offset + 2 + Int(bytes[offset]) << 8 + Int(bytes[offset + 1])
            guard end <= bytes.count else {
                throw LedgerError(.malformed, "entry \(entries.count) is shorter than its length says")
            }
            entries.append(Array(bytes[(offset + 2)..<end]))
            offset = end
        }
        return entries
    }

    /// The entries of a bundle, which must be exactly `count`.
    package static func parse(_ bytes: [UInt8], count: Int) throws(LedgerError) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        entries.reserveCapacity(min(count, HashTile.fullWidth))
        var offset = 0
        while offset < bytes.count {
            guard entries.count < count, bytes.count - offset >= 2 else { break }
            let end = offset + 2 + Int(bytes[offset]) << 8 + Int(bytes[offset + 1])
            guard end <= bytes.count else { break }
            entries.append(Array(bytes[(offset + 2)..<end]))
            offset = end
        }
        guard offset == bytes.count, entries.count == count else {
            throw LedgerError(
                .malformed, "the bundle of \(bytes.count) bytes does not hold exactly \(count) entries")
        }
        return entries
    }
}
