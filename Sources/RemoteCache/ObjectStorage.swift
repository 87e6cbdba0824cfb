internal import Bytes

/// A place that keeps contents by names with slashes: a directory, a web server, a bucket.
protocol ObjectPlace: Sendable {
    var shown: String { get }

    /// A whole object of at most `limit` bytes; `nil` where there definitely is none.
    func read(_ name: String, limit: Int) async throws -> [UInt8]?
    /// An object from `offset` on; `nil` where there definitely is none.
    func open(_ name: String, from offset: Int, size: Int) async throws -> IncomingBlob?
    /// How large an object is, where that is known; `nil` where there definitely is none.
    func size(_ name: String) async throws -> ObjectSize?
    /// Puts an object, in place of an earlier one, whole or not at all.
    func write(_ name: String, _ content: BlobContent, _ blob: BlobName) async throws
    func close() async
}

enum ObjectSize: Hashable, Sendable { case unknown, bytes(Int) }

/// A remote cache in a place of objects: `v1/blobs/ab/cdef…` and `v1/entries/NAMESPACE/ab/cdef…`, the namespace with `~`
/// for each slash.
struct ObjectStorage<Place: ObjectPlace>: RemoteStorage {
    let place: Place

    var shown: String { place.shown }

    static func name(_ blob: BlobName) -> String {
        let hex = blob.digest.hex
        return "v1/blobs/\(hex.prefix(2))/\(hex.dropFirst(2))"
    }

    static func name(_ entry: EntryName) -> String {
        let hex = entry.key.hex
        return "v1/entries/\(entry.namespace.fileName)/\(hex.prefix(2))/\(hex.dropFirst(2))"
    }

    func entry(_ name: EntryName) async throws -> [UInt8]? {
        try await place.read(Self.name(name), limit: CacheEntry.greatestByteCount)
    }

    func putEntry(_ bytes: [UInt8], as name: EntryName, naming blobs: [BlobName]) async throws {
        try await place.write(Self.name(name), .bytes(bytes), BlobName(.of(bytes), size: bytes.count))
    }

    func open(_ blob: BlobName, from offset: Int) async throws -> IncomingBlob? {
        try await place.open(Self.name(blob), from: offset, size: blob.size)
    }

    func has(_ blob: BlobName) async throws -> Bool {
        switch try await place.size(Self.name(blob)) {
        case nil: false
        case .unknown: true
        case .bytes(let size): size == blob.size
        }
    }

    func put(_ blob: BlobName, _ content: BlobContent) async throws {
        try await place.write(Self.name(blob), content, blob)
    }

    func close() async { await place.close() }
}
