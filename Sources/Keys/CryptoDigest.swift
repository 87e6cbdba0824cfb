internal import Bytes
internal import Crypto

/// A digest as the library's own type.
///
/// The library takes any `Digest` for ECDSA, but ends the process on a foreign one for RSA, and it can't be asked to
/// make its own type from bytes. So the bytes go into a value of that type.
enum CryptoDigest {
    case sha256(SHA256Digest)
    case sha384(SHA384Digest)
    case sha512(SHA512Digest)

    func isValid(_ check: (any Crypto.Digest) -> Bool) -> Bool {
        switch self {
        case .sha256(let digest): check(digest)
        case .sha384(let digest): check(digest)
        case .sha512(let digest): check(digest)
        }
    }

    func map<Result>(_ transform: (any Crypto.Digest) throws -> Result) rethrows -> Result {
        switch self {
        case .sha256(let digest): try transform(digest)
        case .sha384(let digest): try transform(digest)
        case .sha512(let digest): try transform(digest)
        }
    }
}

extension MessageDigest {
    /// This digest as the library's type.
    func cryptoDigest() throws(KeyError) -> CryptoDigest {
        switch algorithm {
        case .sha256: .sha256(try filled(SHA256.hash(data: [UInt8]())))
        case .sha384: .sha384(try filled(SHA384.hash(data: [UInt8]())))
        case .sha512: .sha512(try filled(SHA512.hash(data: [UInt8]())))
        }
    }

    /// Writes the bytes over those of `template`, and reads them back through the type's own door: should its layout
    /// ever change, the answer is an error and never a digest of other bytes.
    private func filled<D: Crypto.Digest>(_ template: D) throws(KeyError) -> D {
        var digest = template
        unsafe withUnsafeMutableBytes(of: &digest) { room in
            if room.count == bytes.count { unsafe room.copyBytes(from: bytes) }
        }
        guard digest.elementsEqual(bytes) else {
            throw KeyError(
                .unsupported, "this build of the cryptographic library takes no \(algorithm.rawValue) digests")
        }
        return digest
    }
}
