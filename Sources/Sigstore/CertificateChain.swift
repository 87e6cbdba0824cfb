internal import Bytes
internal import Synchronization
internal import X509

/// Certificates from a signer's to one that the trusted root holds, each signed by the next.
struct CertificateChain: Sendable {
    /// The signer's first, the trust anchor last.
    let certificates: [Certificate]

    /// The issuer of the signer's certificate.
    var issuer: Certificate { certificates.count > 1 ? certificates[1] : certificates[0] }

    /// The longest chain that is tried.
    static let greatestLength = 6

    /// Finds the way from `leaf` to an authority's trust anchor with every certificate and the authority valid at each
    /// of `moments`.
    ///
    /// Authorities' own chains are the only material: what a bundle brings along is not believed. An anchor need not
    /// be self-signed. `links` remembers which issuers signed which certificates.
    static func find(
        from leaf: Certificate, authority: TrustedRoot.Authority, at moments: [Timestamp], links: LinkCache
    ) throws(SigstoreError) -> CertificateChain {
        for moment in moments where !authority.period.contains(moment) {
            throw SigstoreError(
                .malformed,
                "the authority \(authority.uri) is trusted from \(authority.period), and \(moment) is outside")
        }
        var path = [leaf]
        while path.count <= greatestLength {
            let last = path[path.count - 1]
            if path.count > 1 || authority.chain.count == 1 && authority.chain[0] == leaf, last == authority.chain.last
            {
                try check(path, at: moments)
                return CertificateChain(certificates: path)
            }
            let issuers = authority.chain.filter { $0.subjectBytes == last.issuerBytes && !path.contains($0) }
            guard !issuers.isEmpty else {
                throw SigstoreError(
                    .malformed,
                    "\(authority.uri) did not issue the certificate of \(last.subject.isEmpty ? "the signer" : last.subject); its issuer is \(last.issuer)"
                )
            }
            var failure: SigstoreError?
            for issuer in issuers {
                do {
                    try links.check(last, issuedBy: issuer)
                    path.append(issuer)
                    failure = nil
                    break
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
        throw SigstoreError(.malformed, "the chain of certificates is longer than \(greatestLength)")
    }

    private static func check(_ path: [Certificate], at moments: [Timestamp]) throws(SigstoreError) {
        for (index, certificate) in path.enumerated() {
            let name = index == 0 ? "the signer's certificate" : "the certificate of \(certificate.subject)"
            for moment in moments where !certificate.isValid(at: moment) {
                throw SigstoreError(
                    .malformed,
                    "\(name) is valid from \(certificate.notBefore) to \(certificate.notAfter); it was used at \(moment)"
                )
            }
            guard index > 0 else { continue }
            guard certificate.isAuthority else {
                throw SigstoreError(.malformed, "\(name) issued another one and is not that of an authority")
            }
            if let usage = try? certificate.parsed.extensions.keyUsage, !usage.keyCertSign {
                throw SigstoreError(.malformed, "\(name) is not for signing certificates")
            }
            // `index - 1` authorities stand between this one and the signer.
            if let limit = certificate.pathLength, index - 1 > limit {
                throw SigstoreError(
                    .malformed, "\(name) allows \(limit) authorities below it, and there are \(index - 1)")
            }
        }
    }
}

/// Which certificates are known to be signed by which: an elliptic-curve check costs more than all else together, and
/// a batch has few issuers.
package final class LinkCache: Sendable {
    private struct Link: Hashable {
        let certificate: Digest
        let issuer: Digest
    }

    /// The most links that are kept; beyond it the memory starts anew.
    private static let limit = 10_000

    /// Guards the set alone; no other lock is taken while it is held.
    private let known = Mutex<Set<Link>>([])

    package init() {}

    func check(_ certificate: Certificate, issuedBy issuer: Certificate) throws(SigstoreError) {
        let link = Link(certificate: certificate.fingerprint, issuer: issuer.fingerprint)
        if known.withLock({ $0.contains(link) }) { return }
        try certificate.checkSignature(of: issuer)
        known.withLock { known in
            if known.count >= Self.limit { known.removeAll() }
            known.insert(link)
        }
    }
}
