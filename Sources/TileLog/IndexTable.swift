internal import Bytes

/// A prefix of an identity or key, and an entry that has it.
struct IndexPair: Hashable, Comparable, Sendable {
    let prefix: UInt64
    let entry: UInt64

    static func < (left: IndexPair, right: IndexPair) -> Bool {
        left.prefix != right.prefix ? left.prefix < right.prefix : left.entry < right.entry
    }
}

/// Sorted pairs in pages of a file, each with a digest: one read finds a pair, and no damaged byte is believed.
struct IndexTable: Sendable {
    static let pageByteCount = 4096
    static let pairsPerPage = 255
    private static let contentByteCount = 16 * pairsPerPage

    /// Where its first page begins.
    let offset: Int
    let count: Int
    /// The first pair of each page.
    let fences: [IndexPair]

    static func pageCount(pairs count: Int) -> Int { (count + pairsPerPage - 1) / pairsPerPage }

    /// The bytes of a page: up to 255 pairs, zeros, and the half of a digest.
    static func encodePage(_ pairs: ArraySlice<IndexPair>) -> [UInt8] {
        var words: [UInt64] = []
        words.reserveCapacity(2 * pairsPerPage)
        for pair in pairs {
            words.append(pair.prefix)
            words.append(pair.entry)
        }
        words += [UInt64](repeating: 0, count: 2 * (pairsPerPage - pairs.count))
        var bytes = [UInt8](bigEndian: words)
        bytes += Digest.of(bytes).bytes[..<(pageByteCount - contentByteCount)]
        return bytes
    }

    /// The pairs of the pages from `page` on, at most `limit` pages; `nil` where one of them is not as it was written.
    func pairs(from page: Int, limit: Int = 1, in file: any LogFile) throws -> [IndexPair]? {
        let pages = page..<min(page + limit, fences.count)
        let bytes = try file.read(
            pages.count * Self.pageByteCount, at: offset + pages.lowerBound * Self.pageByteCount)
        guard bytes.count == pages.count * Self.pageByteCount else { return nil }
        var pairs: [IndexPair] = []
        pairs.reserveCapacity(pages.count * Self.pairsPerPage)
        for (place, page) in pages.enumerated() {
            let start = place * Self.pageByteCount
            let end = start + Self.contentByteCount
            var hasher = SHA256Hasher()
            hasher.update(bytes[start..<end])
            let digest = hasher.finalize().bytes
            guard bytes[end..<(start + Self.pageByteCount)].elementsEqual(digest[..<(Self.pageByteCount - end + start)])
            else { return nil }
            let first = pairs.count
            for pair in 0..<min(Self.pairsPerPage, count - page * Self.pairsPerPage) {
                pairs.append(
                    IndexPair(
                        prefix: bytes.bigEndianWord(at: start + 16 * pair),
                        entry: bytes.bigEndianWord(at: start + 16 * pair + 8)))
            }
            // A page of another place has its own digest too.
            guard pairs[first] == fences[page] else { return nil }
        }
        return pairs
    }

    /// The entries with this prefix from `start` on, in order, at most `limit`; `nil` where a page is damaged.
    func entries(_ prefix: UInt64, from start: UInt64, limit: Int, in file: any LogFile) throws -> [UInt64]? {
        let wanted = IndexPair(prefix: prefix, entry: start)
        // The last page that begins at or before what is wanted; the first where none does.
        var page = max(0, fences.partitioningIndex { $0 > wanted } - 1)
        var found: [UInt64] = []
        while page < fences.count, fences[page].prefix <= prefix, found.count < limit {
            guard let pairs = try pairs(from: page, in: file) else { return nil }
            for pair in pairs[pairs.partitioningIndex { $0 >= wanted }...] {
                guard pair.prefix == prefix, found.count < limit else { return found }
                found.append(pair.entry)
            }
            page += 1
        }
        return found
    }
}

extension [IndexPair] {
    /// The place of the first for which `predicate` holds, where it holds for all that follow.
    fileprivate func partitioningIndex(where predicate: (IndexPair) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = low + (high - low) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
