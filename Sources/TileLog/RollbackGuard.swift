internal import Bytes
internal import Ledger

/// Refuses to go on with a log that is older than what others have seen of it.
enum RollbackGuard {
    /// `root` gives the root of this log's tree of some size, at most `size`.
    static func check(
        _ known: [Checkpoint], origin: String, size: UInt64, _ root: (UInt64) throws -> Digest
    ) throws {
        for checkpoint in known {
            guard checkpoint.origin.utf8.elementsEqual(origin.utf8) else {
                throw TileLogError(
                    .malformed,
                    "a known checkpoint is of the log \(checkpoint.origin.safeForTerminal), not of \(origin)")
            }
            guard checkpoint.size <= size else {
                throw TileLogError(
                    .rolledBack,
                    "a checkpoint of \(checkpoint.size) entries is known, and this copy of the log has \(size); signing would fork the log, so fetch the missing entries from a mirror or restore the newest copy"
                )
            }
            let own = try root(checkpoint.size)
            guard own == checkpoint.root else {
                throw TileLogError(
                    .rolledBack,
                    "a known checkpoint of \(checkpoint.size) entries has the root \(checkpoint.root.hex), and this log's is \(own.hex); the log has forked, so keep both as evidence and start a new one"
                )
            }
        }
    }
}
