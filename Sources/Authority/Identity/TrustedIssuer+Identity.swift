internal import Bytes
internal import Sigstore

extension TrustedIssuer {
    /// Whom `token` names in a certificate. Its signature, audience and times have been checked.
    func identity(of token: WebToken) throws(AuthorityError) -> CertifiedIdentity {
        var identity = try named(token)
        let issuer = try federated(token)
        identity.claims += [CertifiedIdentity.Claim(1, issuer), CertifiedIdentity.Claim(8, issuer)]
        if let subject = token.text("sub") { identity.claims.append(CertifiedIdentity.Claim(24, subject)) }
        identity.claims.sort { $0.number < $1.number }
        return identity
    }

    /// The issuer for the certificate: the token's, or the one behind it.
    private func federated(_ token: WebToken) throws(AuthorityError) -> String {
        guard let issuerClaim else { return token.text("iss") ?? url }
        var value: JSON? = .object(token.claims)
        for level in issuerClaim.drop(while: { $0 == "$" || $0 == "." }).split(separator: ".") {
            value = value?[String(level)]
        }
        guard let text = value?.stringValue, !text.isEmpty else {
            throw AuthorityError(.refused, "the token has no claim \(issuerClaim.safeForTerminal)")
        }
        return text
    }

    private func named(_ token: WebToken) throws(AuthorityError) -> CertifiedIdentity {
        switch kind {
        case .email: return try person(token)
        case .gitHub: return try ClaimTemplates.gitHub(server("https://github.com")).identity(of: token)
        case .gitLab:
            let prefix = token.text("ref_type") == "tag" ? "refs/tags/" : "refs/heads/"
            return try ClaimTemplates.gitLab(url, reference: prefix + "{ref}").identity(of: token)
        case .buildkite: return try ClaimTemplates.buildkite("https://buildkite.com").identity(of: token)
        case .kubernetes: return try ClaimTemplates.kubernetes.identity(of: token)
        case .martlet:
            if token.claims["email"] != nil { return try person(token) }
            if token.claims["build_signer_uri"] != nil { return try ClaimTemplates.build.identity(of: token) }
            guard let subject = token.text("sub"), Self.origin(subject) != nil else {
                throw AuthorityError(.refused, "the token's subject is no URI")
            }
            return CertifiedIdentity(name: .uri(subject), claims: [], challenge: subject)
        case .provider:
            guard let templates else { throw AuthorityError(.damaged, "the issuer \(url) has no templates") }
            return try templates.identity(of: token)
        case .spiffe, .uri, .username: return try subject(token)
        }
    }

    /// Where GitHub's repositories are: an enterprise's issuer is `https://HOST/_services/token`.
    private func server(_ usual: String) -> String {
        guard url.hasSuffix("/_services/token") else { return usual }
        return String(url.dropLast("/_services/token".count))
    }

    private func person(_ token: WebToken) throws(AuthorityError) -> CertifiedIdentity {
        guard let email = token.text("email"), Self.isAddress(email) else {
            throw AuthorityError(.refused, "the token has no e-mail address")
        }
        let isVerified = token.claims["email_verified"].map { $0.boolValue ?? ($0.stringValue == "true") } ?? false
        guard isVerified || skipsEmailVerification else {
            throw AuthorityError(
                .refused, "the issuer does not say that \(email.safeForTerminal) is the owner's address")
        }
        return CertifiedIdentity(name: .email(email), claims: [], challenge: email)
    }

    /// One `@` with something on both sides, and nothing that a certificate can't hold.
    private static func isAddress(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 320
            && text.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: ";") }
    }

    private func subject(_ token: WebToken) throws(AuthorityError) -> CertifiedIdentity {
        guard let subject = token.text("sub"), !subject.isEmpty else {
            throw AuthorityError(.refused, "the token has no subject")
        }
        func refused(_ why: String) -> AuthorityError {
            AuthorityError(.refused, "the subject \(subject.prefix(200).description.safeForTerminal) \(why)")
        }
        switch kind {
        case .spiffe:
            let prefix = "spiffe://\(trustDomain ?? "")/"
            guard subject.hasPrefix(prefix), subject.utf8.count > prefix.utf8.count,
                !subject.contains("//\(trustDomain ?? "")//"), !subject.hasSuffix("/")
            else { throw refused("is not of the trust domain \(trustDomain?.safeForTerminal ?? "")") }
            return CertifiedIdentity(name: .uri(subject), claims: [], challenge: subject)
        case .uri:
            let domain = subjectDomain ?? ""
            guard Self.origin(subject) == Self.origin(domain), Self.origin(domain) != nil else {
                throw refused("is not below \(domain.safeForTerminal)")
            }
            return CertifiedIdentity(name: .uri(subject), claims: [], challenge: subject)
        default:
            guard !subject.contains("@"), !subject.contains("!"), subject.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
            else { throw refused("is no user's name") }
            return CertifiedIdentity(
                name: .otherName("\(subject)!\(subjectDomain ?? "")"), claims: [], challenge: subject)
        }
    }

    /// Scheme and host of an address, the latter without user and port tricks.
    private static func origin(_ address: String) -> String? {
        guard let mark = address.firstRange(of: "://") else { return nil }
        let host = address[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !host.isEmpty, !host.contains("@"), !host.contains("\\") else { return nil }
        return address[..<mark.lowerBound].lowercased() + "://" + host.lowercased()
    }
}
