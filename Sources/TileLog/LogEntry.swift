package import Bytes
package import Ledger

/// A word that an entry is found by: a digest, an e-mail address, the hash of a key.
package struct SearchKey: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { bytes = Array(text.utf8) }

    /// What the log keeps of the key: eight bytes of a hash with the log's own salt, so that nobody can make two keys
    /// that look the same.
    func shortened(salt: [UInt8]) -> UInt64 { Digest.of(salt + bytes).prefix }
}

/// Where and when an entry was put into the log.
package struct EntryPosition: Hashable, Sendable {
    package let index: UInt64
    /// Milliseconds since 1970.
    package let time: UInt64

    package init(index: UInt64, time: UInt64) {
        self.index = index
        self.time = time
    }
}

/// An entry to be added.
package struct NewEntry: Sendable {
    /// Makes the bytes of an entry that says itself where it stands. It runs on the log's own thread, must be quick, and
    /// runs again when the batch has to be made again.
    package typealias Making = @Sendable (EntryPosition) throws -> [UInt8]

    enum Content: Sendable {
        case leaf([UInt8])
        case made(identity: Digest, Making)
    }

    let content: Content
    let keys: [SearchKey]
    /// Whether it is added although the log has it already.
    private(set) var isRepeatable = false

    /// The most keys that one entry is found by.
    package static let greatestKeyCount = 4096

    /// An entry that is the same as every other with these bytes.
    package init(leaf: [UInt8], keys: [SearchKey] = []) {
        content = .leaf(leaf)
        self.keys = keys
    }

    /// An entry of another log, which keeps its place even where that log has the same bytes twice.
    init(imported leaf: [UInt8], keys: [SearchKey] = []) {
        self.init(leaf: leaf, keys: keys)
        isRepeatable = true
    }

    /// An entry that is the same as every other with this identity, whatever its bytes come to be.
    package init(identity: Digest, keys: [SearchKey] = [], make: @escaping Making) {
        content = .made(identity: identity, make)
        self.keys = keys
    }
}

/// A checkpoint with the note that carries its signatures.
package struct SignedCheckpoint: Hashable, Sendable {
    package let checkpoint: Checkpoint
    /// The whole note: text, empty line, signature lines.
    package let note: String
    /// Milliseconds since 1970; never before that of an earlier one.
    package let time: UInt64
}

/// An entry that is in the log, under a checkpoint that is signed and on the disk.
package struct AddedEntry: Hashable, Sendable {
    package let index: UInt64
    package let leafHash: Digest
    /// When it was first added, in milliseconds since 1970.
    package let time: UInt64
    /// Whether the log had the entry before.
    package let isDuplicate: Bool
    package let checkpoint: SignedCheckpoint
    /// The audit path to the checkpoint's root, from the leaf up; empty where none was asked for.
    package let inclusionProof: [Digest]
}

/// Where entries are that are in the log, under a checkpoint that is signed and on the disk.
package struct PlacedEntries: Hashable, Sendable {
    /// In the order in which they were given.
    package let indexes: [UInt64]
    package let checkpoint: SignedCheckpoint
}

/// Where one entry is, under a checkpoint that is signed and on the disk, with what proves it.
package struct CommittedEntry: Sendable {
    package let index: UInt64
    /// Whether the log had the entry before. Its proof has to be read then: `inclusionProof(of:size:)` of the log.
    package let isDuplicate: Bool
    package let checkpoint: SignedCheckpoint
    private let tree: TileTree

    init(_ placement: LogWriter.Placement, checkpoint: SignedCheckpoint, tree: TileTree) {
        index = placement.index
        isDuplicate = if case .known = placement { true } else { false }
        self.checkpoint = checkpoint
        self.tree = tree
    }

    /// The audit path of a new entry to the checkpoint's root. It is computed when it is asked for.
    package func inclusionProof() throws(LedgerError) -> [Digest] { try tree.inclusionProof(of: index) }
}

/// An entry as the log keeps it.
package struct StoredEntry: Hashable, Sendable {
    package let index: UInt64
    package let bytes: [UInt8]
    package let leafHash: Digest
    /// What duplicates are found by: the leaf hash, or what the entry was added under.
    package let identity: Digest
    /// When it was added, in milliseconds since 1970.
    package let time: UInt64
}

/// An entry in memory, with what the index needs.
struct LogEntry: Sendable {
    var bytes: [UInt8]
    var leafHash: Digest
    /// `nil` where it is the leaf hash.
    var identity: Digest?
    /// The shortened search keys.
    var keys: [UInt64]
    var time: UInt64

    /// The most bytes that it takes in a record.
    var recordByteCount: Int { 5 + 32 + keys.count * 8 + bytes.count }
}
