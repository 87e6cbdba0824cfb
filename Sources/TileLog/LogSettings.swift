package import Bytes
package import Ledger

/// What may differ from one log to another. The numbers of `Layout` are fixed when a log is made.
package struct LogSettings: Sendable {
    /// The hash of the leaf that stored bytes stand for. Only a log whose entries are not its leaves needs another than
    /// RFC 6962's.
    package var leafHash: @Sendable ([UInt8]) throws -> Digest = { MerkleTree.leafHash($0) }
    /// Checkpoints of this log that others have, such as witnesses. The log does not sign while one of them is ahead of
    /// it, for then its directory is an old copy, and whatever it signed would be a fork.
    package var knownCheckpoints: [Checkpoint] = []
    /// Below this many free bytes nothing is added.
    package var reservedByteCount: UInt64 = 64 << 20
    /// The most entries and bytes that wait to be added; more are refused with `.busy`.
    package var greatestWaitingCount = 65_536
    package var greatestWaitingByteCount = 64 << 20
    /// The most entries of one record.
    package var greatestBatchCount = 8192
    /// The most entries that are in memory because they are not yet in a pack, or not yet in the index.
    package var greatestBacklog = 131_072
    /// How many entries the index is behind at most when nothing else forces it.
    package var indexBatchCount = 16_384
    /// The least number of pairs by which a merge within the index goes on.
    package var indexMergeCount = 32_768
    /// Makes the index anew from the log.
    package var rebuildsIndex = false
    /// How a new log is laid out on its disk.
    package var layout = Layout()

    package init() {}

    /// The sizes of a log's files.
    package struct Layout: Hashable, Sendable {
        /// What the disk writes as one: a multiple of 512. Records of the write-ahead log begin at multiples of it.
        package var blockByteCount = 4096
        /// The bytes of one file of the write-ahead log, a multiple of the block.
        package var segmentByteCount = 8 << 20
        /// The number of these files, at least 2.
        package var segmentCount = 4
        /// The bundles in one pack: a power of two, at most 256.
        package var packBundleCount = 256

        package init() {}

        /// The most bytes of one record.
        var greatestRecordByteCount: Int { min(1 << 20, segmentByteCount / 8) }

        /// The bytes that each of the 256 entries of a bundle may take when each comes alone. The bundle that is not yet
        /// full must fit into the write-ahead log beside the segment that is about to be written.
        private var entryShare: Int {
            (segmentCount - 1) * (segmentByteCount - greatestRecordByteCount) / 256 / blockByteCount * blockByteCount
        }

        /// The longest entry, with its keys, of a log whose notes have at most `noteByteCount` bytes.
        func greatestEntryByteCount(noteByteCount: Int) -> Int {
            min(entryShare, greatestRecordByteCount) - LogRecord.headerByteCount - noteByteCount
        }

        var isValid: Bool {
            (512...65_536).contains(blockByteCount) && blockByteCount % 512 == 0
                && segmentByteCount % blockByteCount == 0 && segmentByteCount >= 16 * blockByteCount
                && segmentByteCount <= 1 << 30 && (2...64).contains(segmentCount) && entryShare >= blockByteCount
                && (1...256).contains(packBundleCount) && packBundleCount & (packBundleCount - 1) == 0
        }
    }
}
