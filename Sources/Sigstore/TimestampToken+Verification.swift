internal import Bytes
internal import Keys
internal import SwiftASN1
internal import X509

/// Why a timestamp does not count.
enum TimestampRefusal: Error {
    /// No authority of the trusted root has the certificate that the timestamp is signed with.
    case unknownAuthority
    /// The authority is known and something is wrong.
    case wrong(SigstoreError)
}

extension TimestampToken {
    /// Checks that one of the authorities stated that `signature` existed, and gives that authority.
    func verify(
        _ signature: [UInt8], by authorities: [TrustedRoot.Authority], links: LinkCache
    ) throws(TimestampRefusal) -> TrustedRoot.Authority {
        guard imprint == imprint.algorithm.digest(of: signature) else {
            throw .wrong(SigstoreError(.malformed, "the timestamp is for other bytes than this signature"))
        }
        var refusal = TimestampRefusal.unknownAuthority
        for authority in authorities {
            guard let certificate = signingCertificate(of: authority, links: links) else { continue }
            do {
                try verify(certificate, authority, links)
                return authority
            } catch {
                refusal = .wrong(error)
            }
        }
        throw refusal
    }

    /// The authority's certificate that the token names: the trusted root's own, or, where the trusted root has the
    /// issuers alone, one in the token.
    private func signingCertificate(of authority: TrustedRoot.Authority, links: LinkCache) -> Certificate? {
        if let own = authority.chain.first(where: { !$0.isAuthority }) { return isNamed(own) ? own : nil }
        return certificates.first { certificate in
            isNamed(certificate)
                && (try? CertificateChain.find(from: certificate, authority: authority, at: [], links: links)) != nil
        }
    }

    private func isNamed(_ certificate: Certificate) -> Bool {
        switch signer.identifier {
        case .issuerAndSerial(let issuer, let serial):
            return certificate.issuerBytes == issuer[...] && certificate.serialNumber == serial
        case .subjectKeyIdentifier(let identifier):
            guard let own = try? certificate.parsed.extensions.subjectKeyIdentifier else { return false }
            return own.keyIdentifier == identifier[...]
        }
    }

    private func verify(
        _ certificate: Certificate, _ authority: TrustedRoot.Authority, _ links: LinkCache
    ) throws(SigstoreError) {
        let isBound =
            switch signer.certificateDigest {
            case .digest(let digest): digest == digest.algorithm.digest(of: certificate.der)
            case .sha1(let bytes): bytes == Self.sha1(certificate.der)
            }
        guard isBound else {
            throw SigstoreError(.malformed, "the timestamp names another certificate than the authority's")
        }
        // A token that brings certificates brings its signer's, and that is the authority's own or an impostor's.
        guard certificates.isEmpty || certificates.contains(certificate) else {
            throw SigstoreError(.malformed, "the certificate in the timestamp is not the trusted root's")
        }
        guard signer.digestAlgorithm.digest(of: content.bytes).bytes == signer.messageDigest else {
            throw SigstoreError(.malformed, "the timestamp's content is not what its attributes hold the digest of")
        }
        try certificate.checkTimestamping()
        _ = try CertificateChain.find(from: certificate, authority: authority, at: [time], links: links)
        do {
            let hash = try certificate.key.get().algorithm == .ed25519 ? nil : signer.signatureHash
            try certificate.key.get().verify(
                signer.signature, of: .bytes(signer.signedBytes), hash: hash, padding: signer.padding)
        } catch {
            throw SigstoreError(.malformed, "the timestamp: \(error)")
        }
    }

    private static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var hasher = SHA1Hasher()
        hasher.update(bytes)
        return hasher.finalize()
    }
}
