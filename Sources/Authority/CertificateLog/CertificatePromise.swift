package import Bytes
package import Keys
internal import Sigstore

/// What a certificate log says of a certificate that is about to be issued: that it is kept at this place since this
/// moment (RFC 6962 section 3.2; C2SP static-ct-api for the place).
package struct CertificatePromise: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// A whole certificate in DER.
        case certificate([UInt8])
        /// A certificate to be, and the digest of its issuer's key.
        case precertificate(issuerKeyHash: Digest, toBeSigned: [UInt8])
    }

    package let index: UInt64
    package let milliseconds: UInt64
    package let content: Content

    package init(index: UInt64, milliseconds: UInt64, content: Content) {
        self.index = index
        self.milliseconds = milliseconds
        self.content = content
    }

    package init(index: UInt64, milliseconds: UInt64, issuerKeyHash: Digest, toBeSigned: [UInt8]) {
        self.init(
            index: index, milliseconds: milliseconds,
            content: .precertificate(issuerKeyHash: issuerKeyHash, toBeSigned: toBeSigned))
    }

    /// CtExtensions with the leaf's index in 40 bits.
    package var extensions: [UInt8] { [0, 0, 5] + TLSWriting.number(index, byteCount: 5) }

    /// TimestampedEntry.
    package var timestampedEntry: [UInt8] {
        let entry: [UInt8]
        switch content {
        case .certificate(let der): entry = [0, 0] + TLSWriting.vector(der, lengthBytes: 3)
        case .precertificate(let hash, let toBeSigned):
            entry = [0, 1] + hash.bytes + TLSWriting.vector(toBeSigned, lengthBytes: 3)
        }
        return TLSWriting.number(milliseconds, byteCount: 8) + entry + TLSWriting.vector(extensions, lengthBytes: 2)
    }

    /// MerkleTreeLeaf: what the tree's leaf is a hash of.
    package var leafInput: [UInt8] { [0, 0] + timestampedEntry }

    /// The SignedCertificateTimestamp of the log with this key.
    package func signed(by signer: any Signer) async throws(KeyError) -> [UInt8] {
        // Version 1, certificate_timestamp.
        let signature = try await TLSSignature.make([0, 0] + timestampedEntry, by: signer)
        return [0] + signer.publicKey.id.bytes + TLSWriting.number(milliseconds, byteCount: 8)
            + TLSWriting.vector(extensions, lengthBytes: 2) + signature
    }
}

/// `digitally-signed` of TLS 1.2 (RFC 5246 section 4.7).
enum TLSSignature {
    /// The algorithms and the signature over `bytes`.
    static func make(_ bytes: [UInt8], by signer: any Signer) async throws(KeyError) -> [UInt8] {
        let algorithms: [UInt8]
        switch signer.publicKey.algorithm {
        case .ecdsaP256: algorithms = [4, 3]
        case .rsa where signer.padding == .pkcs1v15: algorithms = [4, 1]
        default:
            throw KeyError(
                .unsupported, "certificate logs sign with ECDSA P-256 or RSA (RFC 6962 section 2.1.4), not with others")
        }
        return algorithms + TLSWriting.vector(try await signer.sign(.bytes(bytes)), lengthBytes: 2)
    }
}
