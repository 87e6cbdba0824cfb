internal import Bytes

/// Says of almost all prefixes that a run does not have that it does not have them, without a look at the disk.
///
/// A blocked Bloom filter: a prefix chooses one block of 64 bytes by its upper bits, and one bit in each of the block's
/// eight words by its lower ones. Prefixes are of digests, so they need no hash of their own. With twelve bits for each
/// prefix, one of 250 that are not there passes.
struct PrefixFilter: Sendable {
    private static let wordsPerBlock = 8
    private static let bitsPerPrefix = 12

    /// Its bits: eight words for each block.
    private(set) var words: [UInt64]
    private var blockCount: UInt64 { UInt64(words.count / Self.wordsPerBlock) }

    /// The number of words for so many prefixes.
    static func wordCount(prefixes count: Int) -> Int {
        wordsPerBlock * Swift.max(1, (count * bitsPerPrefix + 64 * wordsPerBlock - 1) / (64 * wordsPerBlock))
    }

    /// An empty filter with room for `count` prefixes.
    init(count: Int) { words = [UInt64](repeating: 0, count: Self.wordCount(prefixes: count)) }

    /// Takes words as they were written, whole blocks of them.
    init(words: [UInt64]) {
        precondition(!words.isEmpty && words.count % Self.wordsPerBlock == 0, "a filter has whole blocks")
        self.words = words
    }

    mutating func insert(_ prefix: UInt64) {
        let start = block(prefix)
        for place in 0..<Self.wordsPerBlock { words[start + place] |= Self.bit(prefix, place) }
    }

    /// `false` only for what was never inserted.
    func mayContain(_ prefix: UInt64) -> Bool {
        let start = block(prefix)
        for place in 0..<Self.wordsPerBlock where words[start + place] & Self.bit(prefix, place) == 0 { return false }
        return true
    }

    private func block(_ prefix: UInt64) -> Int {
        Int(prefix.multipliedFullWidth(by: blockCount).high) * Self.wordsPerBlock
    }

    private static func bit(_ prefix: UInt64, _ place: Int) -> UInt64 {
        1 << (prefix >> UInt64(6 * place) & 63)
    }
}
