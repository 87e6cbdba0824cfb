internal import Bytes

/// What the index is told of one entry.
struct IndexRow: Sendable {
    let index: UInt64
    let identity: Digest
    /// The leaf hash where it is not the identity.
    let leafHash: Digest?
    let keys: [UInt64]

    /// What the index keeps of it.
    var addition: IndexAddition {
        IndexAddition(identityPrefix: identity.prefix, leafPrefix: leafHash?.prefix, index: index, keys: keys)
    }
}

/// The newest entries: what the index is told of them, and what finds them until it has been told.
struct UnindexedEntries: Sendable {
    /// Entries that the index gets as one.
    private struct Part {
        var rows: [IndexRow] = []
        var identities: [Digest: UInt64] = [:]
        /// By leaf hashes that are no identities.
        var leaves: [Digest: UInt64] = [:]
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
            if let leafHash = row.leafHash { parts[last].leaves[leafHash] = row.index }
            for key in row.keys.isEmpty ? [] : Set(row.keys) { parts[last].keys[key, default: []].append(row.index) }
        }
    }

    /// The entry with this identity.
    func index(of identity: Digest) -> UInt64? {
        for part in parts { if let index = part.identities[identity] { return index } }
        return nil
    }

    /// The entry with this leaf hash, where its identity is another.
    func index(ofLeafHash hash: Digest) -> UInt64? {
        for part in parts { if let index = part.leaves[hash] { return index } }
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
