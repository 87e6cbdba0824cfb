package import Bytes
package import Keys
package import Sigstore

/// Who issues certificates: a key, and the chain that names it as an authority.
package struct CertificateIssuer: Sendable {
    private let signer: any Signer
    /// Its own certificate first, the root last.
    package let chain: [Certificate]

    /// Takes the chain of `signer`'s key. Refused where key, chain and purpose do not fit each other.
    package init(_ signer: any Signer, chain: [Certificate]) throws(AuthorityError) {
        guard let own = chain.first, chain.count <= 8 else {
            throw AuthorityError(.damaged, "an issuer needs a chain of certificates, its own first")
        }
        guard own.keyBytes == signer.publicKey.der else {
            throw AuthorityError(
                .damaged, "the certificate of \(own.subject.safeForTerminal) is for another key than the issuer's")
        }
        for certificate in chain where !certificate.isAuthority {
            throw AuthorityError(.damaged, "\(certificate.subject.safeForTerminal) is no certificate authority")
        }
        for (certificate, issuer) in zip(chain, chain.dropFirst()) {
            do {
                try certificate.checkSignature(of: issuer)
            } catch {
                throw AuthorityError(.damaged, "the issuer's chain does not hold: \(error)")
            }
        }
        self.signer = signer
        self.chain = chain
    }

    /// An authority that vouches for itself.
    package static func root(
        _ signer: any Signer, organization: String, commonName: String, from start: Timestamp, to end: Timestamp
    ) async throws(AuthorityError) -> CertificateIssuer {
        let template = CertificateTemplate.root(
            organization, commonName: commonName, key: signer.publicKey, from: start, to: end)
        let der = try await Self.sign(template, signer, name: template.subject)
        return try CertificateIssuer(signer, chain: [try Self.read(der)])
    }

    /// The chain of an authority below this one.
    package func intermediate(
        _ key: PublicKey, organization: String, commonName: String, purpose: CertificateExtension.Purpose?,
        from start: Timestamp, to end: Timestamp
    ) async throws(AuthorityError) -> [Certificate] {
        let template = CertificateTemplate.intermediate(
            organization, commonName: commonName, purpose: purpose, key: key, issuerKeyID: keyID, from: start, to: end)
        return [try await issue(template)] + chain
    }

    package var certificate: Certificate { chain[0] }

    /// How certificates that this one issues name its key.
    package var keyID: [UInt8] {
        certificate.subjectKeyIdentifier ?? CertificateExtension.keyID(signer.publicKey)
    }

    package var algorithm: KeyAlgorithm { signer.publicKey.algorithm }

    /// The certificate of `template`.
    package func issue(_ template: CertificateTemplate) async throws(AuthorityError) -> Certificate {
        try Self.read(try await Self.sign(template, signer, name: Array(certificate.subjectBytes)))
    }

    /// What is signed where this issuer signs `template`.
    package func toBeSigned(_ template: CertificateTemplate) throws(AuthorityError) -> [UInt8] {
        do {
            return try template.toBeSigned(issuer: Array(certificate.subjectBytes), algorithm: algorithm)
        } catch {
            throw AuthorityError(.unsupported, "\(error)")
        }
    }

    private static func sign(
        _ template: CertificateTemplate, _ signer: any Signer, name: [UInt8]
    ) async throws(AuthorityError) -> [UInt8] {
        do {
            let algorithm = signer.publicKey.algorithm
            let toBeSigned = try template.toBeSigned(issuer: name, algorithm: algorithm)
            return try CertificateTemplate.certificate(
                toBeSigned, signature: try await signer.sign(.bytes(toBeSigned)), algorithm: algorithm)
        } catch {
            throw AuthorityError(.unreachable, "the authority's key does not sign: \(error)")
        }
    }

    /// What was written is read again, as others will.
    private static func read(_ der: [UInt8]) throws(AuthorityError) -> Certificate {
        do {
            return try Certificate(der: der)
        } catch {
            throw AuthorityError(.malformed, "the certificate would not be readable: \(error)")
        }
    }
}
