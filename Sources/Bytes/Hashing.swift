internal import Crypto

/// SHA-256 over bytes that arrive in pieces (FIPS 180-4).
package struct SHA256Hasher {
    private var state = SHA256()

    package init() {}

    /// Adds the bytes of `span` to the message.
    package mutating func update(_ span: RawSpan) {
        unsafe span.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: [UInt8]) { update(unsafe bytes.span.bytes) }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: ArraySlice<UInt8>) { update(unsafe bytes.span.bytes) }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let array = Array(bytes)
        update(unsafe array.span.bytes)
    }

    /// The digest of everything added so far.
    package consuming func finalize() -> Digest {
        Digest(state.finalize())
    }
}

extension Digest {
    fileprivate init(_ digest: SHA256Digest) {
        self = unsafe digest.withUnsafeBytes { unsafe Digest(RawSpan(_unsafeBytes: $0)) }
    }

    /// The SHA-256 digest of one byte and `span`: a leaf of a Merkle tree (RFC 6962 section 2.1).
    package static func of(_ first: UInt8, then span: RawSpan) -> Digest {
        var state = SHA256()
        unsafe withUnsafeBytes(of: first) { unsafe state.update(bufferPointer: $0) }
        unsafe span.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
        return Digest(state.finalize())
    }

    /// The SHA-256 digest of one byte and `bytes`.
    package static func of(_ first: UInt8, then bytes: [UInt8]) -> Digest { of(first, then: unsafe bytes.span.bytes) }

    /// The SHA-256 digest of one byte and two digests: a node of a Merkle tree. Trees make millions of them.
    package static func of(_ first: UInt8, then left: Digest, _ right: Digest) -> Digest {
        unsafe withUnsafeTemporaryAllocation(byteCount: 1 + 2 * byteCount, alignment: 8) { buffer in
            unsafe buffer[0] = first
            unsafe left.store(in: UnsafeMutableRawBufferPointer(rebasing: buffer[1...]))
            unsafe right.store(in: UnsafeMutableRawBufferPointer(rebasing: buffer[(1 + byteCount)...]))
            var state = SHA256()
            unsafe state.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            return Digest(state.finalize())
        }
    }

    /// The SHA-256 digest of `span`.
    package static func of(_ span: RawSpan) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update(span)
        return hasher.finalize()
    }

    /// The SHA-256 digest of `bytes`.
    package static func of(_ bytes: [UInt8]) -> Digest { of(unsafe bytes.span.bytes) }

    /// The SHA-256 digest of the UTF-8 bytes of `text`.
    package static func of(_ text: String) -> Digest { of(Array(text.utf8)) }
}

/// SHA-1 over bytes that arrive in pieces (FIPS 180-4).
///
/// Only for formats that name things so: git objects and the Leeway version. Nothing is ever trusted because its
/// SHA-1 matches.
package struct SHA1Hasher {
    private var state = Insecure.SHA1()

    package init() {}

    /// Adds the bytes of `span` to the message.
    package mutating func update(_ span: RawSpan) {
        unsafe span.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: [UInt8]) { update(unsafe bytes.span.bytes) }

    /// The 20 bytes of the digest of everything added so far.
    package consuming func finalize() -> [UInt8] { Array(state.finalize()) }
}
