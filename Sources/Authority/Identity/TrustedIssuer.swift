package import Bytes

/// An issuer of tokens that are believed, and how its claims become a certificate's (fulcio, docs/oidc.md).
package struct TrustedIssuer: Sendable {
    /// What the issuer's tokens stand for.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case email
        case gitHub = "github-workflow"
        case gitLab = "gitlab-pipeline"
        case buildkite = "buildkite-job"
        case kubernetes
        case spiffe
        case uri
        case username
        /// Templates that the configuration has.
        case provider = "ci-provider"
        /// An identity issuer of martlet: people by their addresses, builds with the claims under their names in
        /// certificates, other programs by their URIs.
        case martlet
    }

    /// The issuer's name as tokens have it. A `*` stands for one label of letters, digits, `-` and `_`.
    package var url: String
    package var kind: Kind
    package var audience: String
    package var keys: IssuerKeySource
    /// For `.spiffe`.
    package var trustDomain: String?
    /// For `.uri` and `.username`: where the subjects are at home.
    package var subjectDomain: String?
    /// Whether addresses that the issuer did not verify are believed.
    package var skipsEmailVerification: Bool
    /// A claim, its levels parted by dots, that names the issuer behind a federating one.
    package var issuerClaim: String?
    package var templates: ClaimTemplates?

    package static let defaultAudience = "sigstore"

    package init(
        _ url: String, _ kind: Kind, audience: String = defaultAudience, keys: IssuerKeySource = .discovery,
        trustDomain: String? = nil, subjectDomain: String? = nil, skipsEmailVerification: Bool = false,
        issuerClaim: String? = nil, templates: ClaimTemplates? = nil
    ) {
        self.url = url
        self.kind = kind
        self.audience = audience
        self.keys = keys
        self.trustDomain = trustDomain
        self.subjectDomain = subjectDomain
        self.skipsEmailVerification = skipsEmailVerification
        self.issuerClaim = issuerClaim
        self.templates = templates
    }

    /// Whether tokens of the issuer `name` are this one's.
    func accepts(_ name: String) -> Bool {
        guard url.utf8.contains(UInt8(ascii: "*")) else { return url.hasSameBytes(as: name) }
        let pattern = url.split(separator: "/", omittingEmptySubsequences: false)
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard pattern.count == parts.count else { return false }
        return zip(pattern, parts).allSatisfy { Self.matches($0, $1) }
    }

    /// Whether the labels of `part` are those of `pattern`, of which each may be a `*`.
    private static func matches(_ pattern: Substring, _ part: Substring) -> Bool {
        let wanted = pattern.split(separator: ".", omittingEmptySubsequences: false)
        let labels = part.split(separator: ".", omittingEmptySubsequences: false)
        guard wanted.count == labels.count else { return false }
        return zip(wanted, labels).allSatisfy { wanted, label in
            guard wanted == "*" else { return String(wanted).hasSameBytes(as: String(label)) }
            return !label.isEmpty
                && label.utf8.allSatisfy {
                    0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x2D || $0 == 0x5F
                }
        }
    }

    /// The claim that a proof of possession is over.
    package var challengeClaim: String { kind == .email ? "email" : "sub" }

    /// An element of the answer to `GET /api/v2/configuration`.
    var publicJSON: JSON {
        var object = JSONObject()
        object[url.utf8.contains(UInt8(ascii: "*")) ? "wildcardIssuerUrl" : "issuerUrl"] = .string(url)
        object["audience"] = .string(audience)
        object["challengeClaim"] = .string(challengeClaim)
        object["spiffeTrustDomain"] = .string(trustDomain ?? "")
        object["issuerType"] = .string(kind.rawValue)
        object["subjectDomain"] = .string(subjectDomain ?? "")
        object["skipEmailVerification"] = .bool(skipsEmailVerification)
        return .object(object)
    }
}

extension TrustedIssuer {
    /// Reads issuers as the authority's configuration has them: a list of objects with the members of Fulcio's answer to
    /// `GET /api/v2/configuration`, and `jwksUri` or `jwks`, `issuerClaim`, `templates`.
    package static func list(_ json: JSON) throws(AuthorityError) -> [TrustedIssuer] {
        guard let list = json.arrayValue, list.count <= 256 else {
            throw AuthorityError(.malformed, "the issuers should be a list of at most 256")
        }
        var out: [TrustedIssuer] = []
        for (index, element) in list.enumerated() { out.append(try TrustedIssuer(element, at: "issuers[\(index)]")) }
        return out
    }

    private static let members: Set<String> = [
        "issuerUrl", "wildcardIssuerUrl", "issuerType", "audience", "spiffeTrustDomain", "subjectDomain",
        "skipEmailVerification", "issuerClaim", "jwksUri", "jwks", "templates", "challengeClaim",
    ]

    private init(_ json: JSON, at place: String) throws(AuthorityError) {
        guard let object = json.objectValue else { throw AuthorityError(.malformed, "\(place) should be an object") }
        // A misspelt restriction would be no restriction.
        if let unknown = object.keys.first(where: { !Self.members.contains($0) }) {
            throw AuthorityError(.malformed, "\(place).\(unknown.safeForTerminal) is not known")
        }
        func text(_ name: String) throws(AuthorityError) -> String? {
            guard let value = object[name], !value.isNull else { return nil }
            guard let text = value.stringValue else {
                throw AuthorityError(.malformed, "\(place).\(name) should be a string")
            }
            return text.isEmpty ? nil : text
        }
        let (exact, wildcard) = (try text("issuerUrl"), try text("wildcardIssuerUrl"))
        guard let url = exact ?? wildcard else {
            throw AuthorityError(.malformed, "\(place).issuerUrl is missing")
        }
        guard let kind = try Kind(rawValue: text("issuerType") ?? "") else {
            throw AuthorityError(
                .malformed,
                "\(place).issuerType should be one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        var keys = IssuerKeySource.discovery
        if let known = object["jwks"] {
            keys = .known(try WebKeySet(parsing: known.bytes()))
        } else if let address = try text("jwksUri") {
            keys = .address(address)
        }
        self.init(
            url, kind, audience: try text("audience") ?? Self.defaultAudience, keys: keys,
            trustDomain: try text("spiffeTrustDomain"), subjectDomain: try text("subjectDomain"),
            skipsEmailVerification: object["skipEmailVerification"]?.boolValue ?? false,
            issuerClaim: try text("issuerClaim"),
            templates: try object["templates"].map { (json) throws(AuthorityError) in try ClaimTemplates(json) })
        switch kind {
        case .spiffe where trustDomain == nil:
            throw AuthorityError(.malformed, "\(place) needs a spiffeTrustDomain")
        case .uri where subjectDomain == nil, .username where subjectDomain == nil:
            throw AuthorityError(.malformed, "\(place) needs a subjectDomain")
        case .provider where templates == nil: throw AuthorityError(.malformed, "\(place) needs templates")
        default: break
        }
    }
}
