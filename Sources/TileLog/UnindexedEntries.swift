internal import Bytes

/// What the index is told of one entry.
struct IndexRow: Sendable {
    let index: UInt64
    let identity: Digest
    let keys: [UInt64]
}

/// The newest entries: what the index is told of them, and what finds them until it has been told.
struct UnindexedEntries: Sendable {
    /// Entries that the index gets as one.
    private struct Part {
        var rows: [IndexRow] = []
        var identities: [Digest: UInt64] = [:]
        var keys: [UInt64: [UInt64]] = [:]
    }

    /// The oldest first. New entries join the last.
    private var parts = [Part()]

    init() {}

    /// All rows, in order.
    var rows: [IndexRow] { parts.flatMap(\.rows) }

    mutating func add(_ rows: [IndexRow]) {
        let last = parts.count - 1
        parts[last].rows += rows
        for row in rows {
            // The oldest of several that were imported counts.
            if let older = parts[last].identities.updateValue(row.index, forKey: row.identity) {
                parts[last].identities[row.identity] = older
            }
            for key in row.keys.isEmpty ? [] : Set(row.keys) { parts[last].keys[key, default: []].append(row.index) }
        }
    }

    /// The entry with this identity.
    func index(of identity: Digest) -> UInt64? {
        for part in parts { if let index = part.identities[identity] { return index } }
        return nil
    }

    /// The entries with this key, in order.
    func indexes(key: UInt64) -> [UInt64] { parts.flatMap { $0.keys[key] ?? [] } }

    /// All rows by parts. What comes from now on is in a part of its own, so that those can be forgotten as a whole: one by
    /// one, forgetting would cost more than remembering did.
    mutating func take() -> [[IndexRow]] {
        if parts.last?.rows.isEmpty == false { parts.append(Part()) }
        return parts.dropLast().map(\.rows)
    }

    /// Forgets the first `count` parts that `take` gave; the number of their last entry.
    mutating func forget(parts count: Int) -> UInt64? {
        let last = parts[..<count].last?.rows.last?.index
        parts.removeFirst(count)
        return last
    }
}
