internal import Crypto

/// A hash function that a signature, a log entry or a timestamp may name (FIPS 180-4).
///
/// SHA-1 is not among them: it is broken, and what names it is refused.
package enum HashAlgorithm: String, Hashable, Sendable, CaseIterable {
    case sha256, sha384, sha512

    /// The number of bytes in a digest.
    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The digest of `bytes`.
    package func digest(of bytes: [UInt8]) -> MessageDigest {
        var hasher = MessageHasher(self)
        hasher.update(bytes)
        return hasher.finalize()
    }
}

/// The digest of a message by the hash function that it names.
///
/// Where everything is SHA-256, as in martlet's own stores, there is `Digest`.
package struct MessageDigest: Hashable, Sendable, CustomStringConvertible {
    package let algorithm: HashAlgorithm
    /// As many bytes as the algorithm gives.
    package let bytes: [UInt8]

    /// Takes exactly as many bytes as `algorithm` gives; `nil` for any other count.
    package init?(_ algorithm: HashAlgorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads `sha256:` and 64 lower-case hexadecimal digits, and the like; `nil` for anything else.
    package init?(description text: String) {
        for algorithm in HashAlgorithm.allCases where text.hasPrefix(algorithm.rawValue + ":") {
            guard let bytes = Hex.decode(text.dropFirst(algorithm.rawValue.count + 1)) else { return nil }
            self.init(algorithm, bytes: bytes)
            return
        }
        return nil
    }

    /// The same digest in martlet's own type.
    package init(_ digest: Digest) {
        algorithm = .sha256
        bytes = digest.bytes
    }

    /// Lower-case hexadecimal digits.
    package var hex: String { Hex.encode(bytes) }

    /// The algorithm's name, a colon and the hexadecimal digits.
    package var description: String { "\(algorithm.rawValue):\(hex)" }
}

/// A hash function over bytes that arrive in pieces.
package struct MessageHasher {
    private enum State {
        case sha256(SHA256)
        case sha384(SHA384)
        case sha512(SHA512)
    }

    package let algorithm: HashAlgorithm
    private var state: State

    package init(_ algorithm: HashAlgorithm) {
        self.algorithm = algorithm
        state =
            switch algorithm {
            case .sha256: .sha256(SHA256())
            case .sha384: .sha384(SHA384())
            case .sha512: .sha512(SHA512())
            }
    }

    /// Adds the bytes of `span` to the message.
    package mutating func update(_ span: RawSpan) {
        unsafe span.withUnsafeBytes { bytes in
            switch state {
            case .sha256(var hash):
                unsafe hash.update(bufferPointer: bytes)
                state = .sha256(hash)
            case .sha384(var hash):
                unsafe hash.update(bufferPointer: bytes)
                state = .sha384(hash)
            case .sha512(var hash):
                unsafe hash.update(bufferPointer: bytes)
                state = .sha512(hash)
            }
        }
    }

    /// Adds bytes to the message.
    package mutating func update(_ bytes: [UInt8]) { update(unsafe bytes.span.bytes) }

    /// The digest of everything added so far.
    package consuming func finalize() -> MessageDigest {
        let bytes: [UInt8] =
            switch state {
            case .sha256(let hash): Array(hash.finalize())
            case .sha384(let hash): Array(hash.finalize())
            case .sha512(let hash): Array(hash.finalize())
            }
        guard let digest = MessageDigest(algorithm, bytes: bytes) else {
            preconditionFailure("\(algorithm) gives \(algorithm.byteCount) bytes")
        }
        return digest
    }
}
