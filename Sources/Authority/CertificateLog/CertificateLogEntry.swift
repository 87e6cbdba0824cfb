package import Bytes
internal import Ledger
internal import Sigstore

/// An entry as a certificate log keeps it (C2SP static-ct-api, TileLeaf): what the tree has a hash of, and what else those
/// who watch the log want to see.
package struct CertificateLogEntry: Hashable, Sendable {
    package var promise: CertificatePromise
    /// The poisoned certificate, where the entry is about one.
    package var precertificate: [UInt8]
    /// SHA-256 digests of the issuers' certificates, the next one first.
    package var chain: [Digest]

    package init(promise: CertificatePromise, precertificate: [UInt8] = [], chain: [Digest]) {
        self.promise = promise
        self.precertificate = precertificate
        self.chain = chain
    }

    package var encoded: [UInt8] {
        var out = promise.timestampedEntry
        if case .precertificate = promise.content { out += TLSWriting.vector(precertificate, lengthBytes: 3) }
        return out + TLSWriting.vector(chain.flatMap(\.bytes), lengthBytes: 2)
    }

    package init(parsing bytes: [UInt8]) throws(AuthorityError) {
        do {
            var reader = TLSReader(bytes, of: "an entry of the certificate log")
            let milliseconds = try reader.number(bytes: 8)
            let content: CertificatePromise.Content
            var precertificate: [UInt8] = []
            switch try reader.number(bytes: 2) {
            case 0: content = .certificate(try reader.vector(lengthBytes: 3))
            case 1:
                guard let hash = Digest(bytes: try reader.take(32)) else {
                    throw SigstoreError(.malformed, "a digest of a wrong length")
                }
                content = .precertificate(issuerKeyHash: hash, toBeSigned: try reader.vector(lengthBytes: 3))
            case let kind: throw SigstoreError(.unsupported, "entries of type \(kind) are not known")
            }
            var extensions = TLSReader(try reader.vector(lengthBytes: 2), of: "the extensions of an entry")
            guard try extensions.number(bytes: 3) == 5 else {
                throw SigstoreError(.malformed, "the entry does not say where it is")
            }
            let index = try extensions.number(bytes: 5)
            try extensions.end()
            if case .precertificate = content { precertificate = try reader.vector(lengthBytes: 3) }
            let fingerprints = try reader.vector(lengthBytes: 2)
            try reader.end()
            guard fingerprints.count % 32 == 0 else {
                throw SigstoreError(.malformed, "fingerprints of a wrong length")
            }
            self.init(
                promise: CertificatePromise(index: index, milliseconds: milliseconds, content: content),
                precertificate: precertificate,
                chain: stride(from: 0, to: fingerprints.count, by: 32).compactMap { Digest(fingerprints, at: $0) })
        } catch {
            throw AuthorityError(.damaged, "\(error)")
        }
    }

    /// The hash of the leaf that stored bytes stand for.
    package static func leafHash(_ bytes: [UInt8]) throws -> Digest {
        MerkleTree.leafHash(try CertificateLogEntry(parsing: bytes).promise.leafInput)
    }

    /// What makes two entries the same: what was submitted, wherever and whenever it came to stand.
    package var identity: Digest {
        var other = self
        other.promise = CertificatePromise(index: 0, milliseconds: 0, content: promise.content)
        return Digest.of(other.encoded)
    }

    /// `extra_data` of get-entries (RFC 6962 section 4.6), with the issuers' certificates.
    package func extraData(_ chain: [[UInt8]]) -> [UInt8] {
        let issuers = TLSWriting.vector(chain.flatMap { TLSWriting.vector($0, lengthBytes: 3) }, lengthBytes: 3)
        guard case .precertificate = promise.content else { return issuers }
        return TLSWriting.vector(precertificate, lengthBytes: 3) + issuers
    }
}
