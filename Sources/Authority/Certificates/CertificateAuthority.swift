package import Bytes
package import Keys
package import Sigstore

/// Whoever promises to keep certificates where all can see them (RFC 6962).
package protocol CertificateRecorder: Sendable {
    /// The serialized SCT for a certificate that `chain`'s first is about to issue. `precertificate` is the poisoned
    /// form, `toBeSigned` the TBSCertificate without poison and promises.
    func promise(
        precertificate: [UInt8], toBeSigned: [UInt8], chain: [Certificate], at now: Timestamp
    ) async throws(AuthorityError) -> [UInt8]
}

/// Issues certificates of ten minutes to whoever shows a token and has a key (fulcio, docs/how-certificate-issuing-works).
package struct CertificateAuthority: Sendable {
    private let issuer: CertificateIssuer
    private let recorder: (any CertificateRecorder)?
    /// Seconds from a certificate's beginning to its end.
    package let lifetime: Int64
    /// Chains of issuers that no longer issue, and are trusted for what they issued.
    private let retired: [[Certificate]]

    package init(
        _ issuer: CertificateIssuer, recorder: (any CertificateRecorder)?, lifetime: Int64 = 600,
        retired: [[Certificate]] = []
    ) {
        self.issuer = issuer
        self.recorder = recorder
        self.lifetime = lifetime
        self.retired = retired
    }

    /// The chains under which certificates are issued or were.
    package var trustBundle: [[Certificate]] { [issuer.chain] + retired }

    /// Whether the certificates carry promises of a log.
    package var hasLog: Bool { recorder != nil }

    /// The key that a request is for, in one of the ways to ask.
    package enum KeyProof: Sendable {
        /// A PKCS #10 request in PEM.
        case request(pem: [UInt8])
        /// A key, and its signature over the token's challenge.
        case signature(PublicKey, [UInt8])
    }

    /// A certificate for `identity` and the proven key, with those of its issuers behind it.
    package func certify(
        _ identity: CertifiedIdentity, _ proof: KeyProof, at now: Timestamp
    ) async throws(AuthorityError) -> [Certificate] {
        let key: PublicKey
        switch proof {
        case .request(let pem): key = try CertificateRequest.verifiedKey(pem: pem)
        case .signature(let own, let signature):
            try CertifiedKey.check(own)
            try CertifiedKey.checkProof(signature, of: identity.challenge, by: own)
            key = own
        }
        try check(identity)
        guard let start = Timestamp(seconds: now.seconds), let end = Timestamp(seconds: now.seconds + lifetime) else {
            throw AuthorityError(.refused, "no certificate is issued in the year 9999")
        }
        // A signer's certificate that outlives its issuer's can't be verified to its end.
        guard let last = issuer.chain.map(\.notAfter).min(), end <= last,
            let first = issuer.chain.map(\.notBefore).max(), first <= start
        else {
            throw AuthorityError(
                .refused,
                "the authority's own certificate is good until \(issuer.certificate.notAfter); it must be renewed")
        }
        var template = CertificateTemplate.signer(
            identity, key: key, issuerKeyID: issuer.keyID, from: start, to: end)
        if let recorder {
            var poisoned = template
            poisoned.extensions.append(.poison)
            let precertificate = try await issuer.issue(poisoned)
            let promise = try await recorder.promise(
                precertificate: precertificate.der, toBeSigned: try issuer.toBeSigned(template), chain: issuer.chain,
                at: now)
            template.extensions.append(.promises([promise]))
        }
        return [try await issuer.issue(template)] + issuer.chain
    }

    /// The most bytes of a name or claim: what a token may say is not without end in a certificate.
    private static let greatestTextLength = 4096

    private func check(_ identity: CertifiedIdentity) throws(AuthorityError) {
        let texts = [identity.name.text] + identity.claims.map(\.text)
        guard texts.allSatisfy({ $0.utf8.count <= Self.greatestTextLength }) else {
            throw AuthorityError(.limit, "the token says more than \(Self.greatestTextLength) bytes in one claim")
        }
        guard !identity.name.text.isEmpty else { throw AuthorityError(.refused, "the token names nobody") }
        switch identity.name {
        case .email(let text), .uri(let text):
            // IA5String; a control character would be read as something else further on.
            guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
                throw AuthorityError(.refused, "the token's subject has characters that no address has")
            }
        case .otherName: break
        }
    }
}
