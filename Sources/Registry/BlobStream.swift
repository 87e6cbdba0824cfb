internal import Bytes

/// The content of a descriptor in pieces. Reading it to the end checks size and digest: whoever got `nil` from `next`
/// has had the right bytes, and not before.
package struct BlobStream {
    /// Gives the next bytes, at least one; `nil` at the end.
    package typealias Source = () async throws -> [UInt8]?

    package let descriptor: Descriptor
    /// What is read, for messages.
    private let place: String
    private let source: Source
    private var hasher: MessageHasher?
    /// The bytes that have been read so far.
    package private(set) var count: Int

    package init(_ descriptor: Descriptor, _ place: String, source: @escaping Source) {
        self.init(descriptor, place, after: MessageHasher(descriptor.digest.algorithm), count: 0, source: source)
    }

    /// Continues a content of which `count` bytes went through `hasher` before.
    init(
        _ descriptor: Descriptor, _ place: String, after hasher: MessageHasher, count: Int, source: @escaping Source
    ) {
        self.descriptor = descriptor
        self.place = place
        self.source = source
        self.hasher = hasher
        self.count = count
    }

    /// A content that is at hand.
    package init(_ descriptor: Descriptor, _ place: String, bytes: [UInt8]) {
        var rest: [UInt8]? = bytes.isEmpty ? nil : bytes
        self.init(descriptor, place) {
            defer { rest = nil }
            return rest
        }
    }

    /// The next bytes; `nil` at the end of content that is right.
    package mutating func next() async throws -> [UInt8]? {
        guard let piece = try await source() else {
            guard var hasher else { return nil }
            self.hasher = nil
            guard count == descriptor.size else {
                throw RegistryError(
                    .mismatch,
                    "\(place) ends after \(count) bytes where \(descriptor.size) are named; it was damaged or replaced")
            }
            hasher.update([])
            let found = hasher.finalize()
            guard found == descriptor.digest else {
                throw RegistryError(
                    .mismatch,
                    "\(place) has the digest \(found) where \(descriptor.digest) is named; it was damaged or replaced")
            }
            return nil
        }
        count += piece.count
        guard count <= descriptor.size else {
            throw RegistryError(
                .mismatch, "\(place) is longer than the \(descriptor.size) bytes that are named; it was replaced")
        }
        hasher?.update(piece)
        return piece
    }

    /// The whole content, which has been checked; `.limit` where more than `limit` bytes are named.
    package consuming func bytes(limit: Int) async throws -> [UInt8] {
        guard descriptor.size <= limit else {
            throw RegistryError(
                .limit, "\(place) has \(descriptor.size) bytes; the limit is \(limit)")
        }
        var out = try await next() ?? []
        out.reserveCapacity(descriptor.size)
        while let piece = try await next() { out += piece }
        return out
    }
}
