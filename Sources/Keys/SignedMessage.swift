package import Bytes

/// What a signature is over: the bytes themselves, or their digest where only that is at hand.
package enum SignedMessage: Hashable, Sendable {
    case bytes([UInt8])
    case digest(MessageDigest)

    /// The digest by `hash`, computed where the bytes are here; refused where the digest is by another function.
    package func digest(by hash: HashAlgorithm) throws(KeyError) -> MessageDigest {
        switch self {
        case .bytes(let bytes): return hash.digest(of: bytes)
        case .digest(let digest):
            guard digest.algorithm == hash else {
                throw KeyError(
                    .unsupported,
                    "the signature is over a \(hash.rawValue) digest, and what is at hand is \(digest.algorithm.rawValue); give the file in place of its digest"
                )
            }
            return digest
        }
    }

    /// The bytes; refused where only a digest is here, which algorithms that hash in their own way can't use.
    func wholeBytes(for algorithm: KeyAlgorithm) throws(KeyError) -> [UInt8] {
        guard case .bytes(let bytes) = self else {
            throw KeyError(
                .unsupported, "a signature by \(algorithm) covers the whole file; give the file in place of its digest")
        }
        return bytes
    }
}
