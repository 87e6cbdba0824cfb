internal import Bytes
internal import Keys
internal import Synchronization

/// What checks a submission's signature: a public key, or a certificate and those above it.
struct SubmittedKey {
    let key: PublicKey
    /// The signer's certificate first; empty for a bare key.
    let certificates: [Certificate]
    /// The digest of the PEM, which names the key.
    let digest: Digest

    /// The longest chain that is read.
    static let greatestChainCount = 10

    /// Reads one `PUBLIC KEY`, or one or more `CERTIFICATE` blocks, each signed by the next.
    init(pem text: [UInt8]) throws(SigstoreError) {
        let blocks: [PEM]
        do {
            blocks = try PEM.blocks(in: text)
        } catch {
            throw SigstoreError(.malformed, "the public key is not PEM: \(error)")
        }
        guard let first = blocks.first else {
            throw SigstoreError(.malformed, "the public key holds no PEM block; send PUBLIC KEY or CERTIFICATE")
        }
        switch first.label {
        case "PUBLIC KEY":
            guard blocks.count == 1 else {
                throw SigstoreError(.malformed, "the public key is one PEM block, not \(blocks.count)")
            }
            try self.init(publicKey: first.bytes)
        case "CERTIFICATE": try self.init(chain: Certificate.list(pem: text))
        default:
            throw SigstoreError(
                .unsupported, "a block \(first.label.debugDescription) is no PUBLIC KEY and no CERTIFICATE")
        }
    }

    init(publicKey der: [UInt8]) throws(SigstoreError) {
        do {
            key = try PublicKey(der: der)
        } catch {
            throw SigstoreError(error.code == .unsupported ? .unsupported : .malformed, "\(error)")
        }
        certificates = []
        digest = Digest.of(key.pem)
    }

    init(chain: [Certificate]) throws(SigstoreError) {
        guard let leaf = chain.first else { throw SigstoreError(.malformed, "the certificate chain is empty") }
        guard chain.count <= Self.greatestChainCount else {
            throw SigstoreError(
                .limit, "a chain of \(chain.count) certificates; at most \(Self.greatestChainCount) are read")
        }
        for (below, above) in zip(chain, chain.dropFirst()) { try below.checkSignature(of: above) }
        switch leaf.key {
        case .success(let found): key = found
        case .failure(let error): throw SigstoreError(.unsupported, "the certificate's key: \(error)")
        }
        certificates = chain
        digest = Digest.of(chain.map(\.pem).joined())
    }

    /// The PEM that is stored: of what was read, in the one form that we write.
    var pem: [UInt8] {
        Array((certificates.isEmpty ? key.pem : certificates.map(\.pem).joined()).utf8)
    }

    /// What the key is found by, with the digest of its PEM as `prefix` has it.
    ///
    /// Rekor writes the digest bare for hashedrekord and with its algorithm's name for the others.
    func searchKeys(prefix: String) -> [String] {
        [prefix + digest.hex] + (certificates.first?.alternativeNames ?? [])
    }

    /// How keys of this algorithm sign a digest by `hash`, among what Sigstore's registry has; `nil` where they don't.
    static func details(_ algorithm: KeyAlgorithm, _ hash: HashAlgorithm) -> KeyDetails? {
        switch (algorithm, hash) {
        case (.ecdsaP384, .sha256): .ecdsaP384SHA256
        case (.ecdsaP521, .sha256): .ecdsaP521SHA256
        default: KeyDetails(defaultFor: algorithm).flatMap { $0.hash == hash ? $0 : nil }
        }
    }

    /// Checks a signature over a digest, by an algorithm of Sigstore's registry.
    func verify(_ signature: [UInt8], of digest: MessageDigest) throws(SigstoreError) {
        guard let details = Self.details(key.algorithm, digest.algorithm) else {
            throw SigstoreError(
                .unsupported,
                "\(key.algorithm) with \(digest.algorithm.rawValue) is not in the algorithm registry for digests; \(Self.taken)"
            )
        }
        do {
            try details.verify(signature, of: .digest(digest), by: key)
        } catch {
            throw SigstoreError(.malformed, "the signature does not verify: \(error)")
        }
    }

    static let taken =
        "taken are ECDSA P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512 and RSA 2048, 3072 and 4096 (PKCS #1 v1.5) with SHA-256"

    /// Whether this key made `signature` over `message`, with its default hash function or, as older clients of Rekor
    /// do with every key, with SHA-256.
    func signed(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        if (try? key.verify(signature, of: .bytes(message))) != nil { return true }
        guard let hash = key.algorithm.defaultHash, hash != .sha256 else { return false }
        return (try? key.verify(signature, of: .bytes(message), hash: .sha256)) != nil
    }
}

/// Keys that were sent before: who signs much sends the same one each time, and to read it costs as much as a good part
/// of checking its signature.
enum KnownKeys {
    private static let greatestCount = 256
    private static let greatestByteCount = 1 << 10
    /// By the bytes that they were read from. Guards the list alone.
    private static let keys = Mutex<[[UInt8]: SubmittedKey]>([:])

    static func key(_ der: [UInt8]) throws(SigstoreError) -> SubmittedKey {
        if let known = keys.withLock({ $0[der] }) { return known }
        let key = try SubmittedKey(publicKey: der)
        guard der.count <= greatestByteCount else { return key }
        keys.withLock { keys in
            if keys.count >= greatestCount { keys.removeAll(keepingCapacity: true) }
            keys[der] = key
        }
        return key
    }
}

extension LogRecord {
    /// What entries by this key or certificate are found by: the digest of its PEM, as each kind of entry writes it.
    package static func searchKeys(forPEM text: [UInt8]) throws(SigstoreError) -> [String] {
        let digest = try SubmittedKey(pem: text).digest.hex
        return [digest, "sha256:\(digest)"]
    }
}
