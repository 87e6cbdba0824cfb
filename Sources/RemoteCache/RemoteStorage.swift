package import Bytes
package import Host

/// A place where results are kept for many machines: blobs by their digests, and entries by namespace and key.
///
/// Nothing that comes from it is believed: blobs are hashed, entries are signed.
package protocol RemoteStorage: Sendable {
    /// The place, for messages.
    var shown: String { get }

    /// An entry; `nil` where there definitely is none.
    func entry(_ name: EntryName) async throws -> [UInt8]?

    /// Puts an entry in place of an earlier one. All of `blobs`, which it names, are there.
    func putEntry(_ bytes: [UInt8], as name: EntryName, naming blobs: [BlobName]) async throws

    /// The content of a blob from `offset` on; `nil` where there definitely is none.
    func open(_ blob: BlobName, from offset: Int) async throws -> IncomingBlob?

    /// Whether a blob of this name and size is there.
    func has(_ blob: BlobName) async throws -> Bool

    /// Puts a blob, in place of one whose bytes were wrong.
    func put(_ blob: BlobName, _ content: BlobContent) async throws

    /// Ends all connections.
    func close() async
}

/// What an entry is asked for by.
package struct EntryName: Hashable, Sendable {
    package var namespace: Namespace
    /// The package key.
    package var key: Digest

    package init(_ namespace: Namespace, _ key: Digest) {
        self.namespace = namespace
        self.key = key
    }
}

/// A blob by what it is, and how large.
package struct BlobName: Hashable, Sendable {
    package var digest: Digest
    /// In bytes.
    package var size: Int

    package init(_ digest: Digest, size: Int) {
        self.digest = digest
        self.size = size
    }
}

/// A blob on its way here.
package struct IncomingBlob {
    /// Where in the blob the bytes begin: as asked for, or 0 where the place ignores the wish.
    package var start: Int
    /// The next bytes; `nil` at the end.
    package var next: () async throws -> [UInt8]?

    package init(start: Int, next: @escaping () async throws -> [UInt8]?) {
        self.start = start
        self.next = next
    }
}

/// A blob on its way there.
package enum BlobContent: Sendable {
    case bytes([UInt8])
    /// Opens it anew each time.
    case file(@Sendable () throws -> OpenFile)

    /// How many bytes of a file are read at once.
    private static let piece = 1 << 18

    /// Gives the bytes in pieces; `nil` at the end.
    var pieces: @Sendable () throws -> [UInt8]? {
        let position = Position()
        switch self {
        case .bytes(let bytes): return { position.isFirst() && !bytes.isEmpty ? bytes : nil }
        case .file(let open): return { try position.read(Self.piece, open) }
        }
    }

    /// The bytes in pieces.
    var stream: AsyncThrowingStream<[UInt8], any Error> {
        let pieces = pieces
        return AsyncThrowingStream { try pieces() }
    }
}
