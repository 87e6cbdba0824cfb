package import Bytes
internal import Synchronization

/// Decides which tokens are believed, and whom they name.
package final class TokenVerifier: Sendable {
    /// How often one token may be used. Certificates don't need more than one use, and clients that sign many files
    /// with one token need many.
    package enum Reuse: Hashable, Sendable {
        case untilExpiry
        case once
    }

    private let issuers: [TrustedIssuer]
    private let keys: IssuerKeys
    private let reuse: Reuse
    /// Guards the digests of used tokens with the moments after which they are of no use; no other lock is taken.
    private let used = Mutex<[Digest: Timestamp]>([:])

    /// By how many seconds clocks may differ.
    private static let leeway: Int64 = 30
    /// The longest life of a token, in seconds: one that is good for years is a password.
    private static let greatestLife: Int64 = 86400 * 2
    private static let greatestUsedCount = 1 << 17

    package init(_ issuers: [TrustedIssuer], keys: IssuerKeys, reuse: Reuse = .untilExpiry) {
        self.issuers = issuers
        self.keys = keys
        self.reuse = reuse
    }

    /// What the authority's configuration says to clients.
    package var configuration: JSON { ["issuers": .array(issuers.map(\.publicJSON))] }

    /// Checks a token and gives whom it names.
    package func identity(in text: String, at now: Timestamp) async throws(AuthorityError) -> CertifiedIdentity {
        let verified = try await verify(text, at: now)
        let identity = try verified.issuer.identity(of: verified.token)
        if reuse == .once { try spend(verified.token, at: now) }
        return identity
    }

    struct Verified {
        let token: WebToken
        let issuer: TrustedIssuer
    }

    func verify(_ text: String, at now: Timestamp) async throws(AuthorityError) -> Verified {
        let token = try WebToken(text)
        guard let name = token.text("iss"), let issuer = issuers.first(where: { $0.accepts(name) }) else {
            throw AuthorityError(
                .unauthenticated,
                "tokens of \(token.text("iss")?.prefix(200).description.safeForTerminal ?? "nobody") are not trusted here"
            )
        }
        try check(token, issuer, at: now)
        try await checkSignature(token, name, issuer, at: now)
        return Verified(token: token, issuer: issuer)
    }

    /// Audience and times (RFC 7519 section 4.1, OpenID Connect Core section 3.1.3.7).
    private func check(_ token: WebToken, _ issuer: TrustedIssuer, at now: Timestamp) throws(AuthorityError) {
        let audiences = token.audiences
        guard audiences.contains(where: { $0.hasSameBytes(as: issuer.audience) }) else {
            throw AuthorityError(
                .unauthenticated,
                "the token is meant for \(audiences.prefix(4).joined(separator: ", ").prefix(200).description.safeForTerminal), not for \(issuer.audience.safeForTerminal)"
            )
        }
        guard let expires = try token.moment("exp") else {
            throw AuthorityError(.unauthenticated, "the token does not say until when it is good")
        }
        guard now.seconds < expires.seconds + Self.leeway else {
            throw AuthorityError(.unauthenticated, "the token was good until \(expires); get a new one")
        }
        if let start = try token.moment("nbf"), now.seconds < start.seconds - Self.leeway {
            throw AuthorityError(.unauthenticated, "the token is good from \(start) on; check the clock")
        }
        if let issued = try token.moment("iat") {
            guard now.seconds >= issued.seconds - Self.leeway else {
                throw AuthorityError(.unauthenticated, "the token was issued at \(issued), which is to come")
            }
            guard expires.seconds - issued.seconds <= Self.greatestLife else {
                throw AuthorityError(.unauthenticated, "the token is good for longer than two days")
            }
        } else if expires.seconds - now.seconds > Self.greatestLife {
            throw AuthorityError(.unauthenticated, "the token is good for longer than two days")
        }
    }

    private func checkSignature(
        _ token: WebToken, _ name: String, _ issuer: TrustedIssuer, at now: Timestamp
    ) async throws(AuthorityError) {
        var failure = AuthorityError(.unauthenticated, "the issuer has no key that the token can be signed with")
        for isSecondTry in [false, true] {
            let set = try await keys.keys(of: name, from: issuer.keys, at: now, isSecondTry: isSecondTry)
            for entry in set.candidates(for: token).prefix(8) {
                do {
                    try await TokenSignature.check(token, by: entry.key)
                    return
                } catch {
                    failure = error
                }
            }
        }
        throw failure
    }

    /// Refuses a token that was used before.
    private func spend(_ token: WebToken, at now: Timestamp) throws(AuthorityError) {
        guard let expires = try token.moment("exp"),
            let end = Timestamp(seconds: expires.seconds + Self.leeway)
        else { return }
        // The signature is left out: for ECDSA another one over the same claims is easily had by whoever has the first.
        let signed = token.text.split(separator: ".").prefix(2).joined(separator: ".")
        let digest = Digest.of(signed)
        let outcome = used.withLock { used -> AuthorityError? in
            if used[digest] != nil {
                return AuthorityError(.unauthenticated, "the token was used before, and is good for one certificate")
            }
            if used.count >= Self.greatestUsedCount { used = used.filter { $0.value > now } }
            guard used.count < Self.greatestUsedCount else {
                return AuthorityError(.limit, "too many tokens are in use; try again later")
            }
            used[digest] = end
            return nil
        }
        if let outcome { throw outcome }
    }
}
