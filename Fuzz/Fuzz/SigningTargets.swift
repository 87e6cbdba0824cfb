internal import Bytes
internal import Wire

@testable internal import Sigstore

extension FuzzTarget {
    /// Reading identity tokens: whatever claims they make. Inputs are taken as a token, and as the claims of one.
    static let identityToken = FuzzTarget(name: "identity-token") { input in
        var texts = [String(decoding: input, as: UTF8.self)]
        let claims = Base64.encode(input).filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        texts.append("e30.\(String(claims)).AA")
        for text in texts {
            guard let token = try? IdentityToken(text) else { continue }
            require(!token.challenge.isEmpty, "a token names somebody")
            require(!"\(token)".contains(text), "a token does not print itself")
            _ = try? token.check(at: token.expires)
        }
    }

    /// Reading signing configurations: what is written reads back, and choosing services ends.
    static let signingConfig = FuzzTarget(name: "signing-config") { input in
        if let config = try? ClientTrustConfig(parsing: input) {
            require((try? ClientTrustConfig(parsing: config.json.bytes())) != nil, "a configuration reads back")
        }
        guard let config = try? SigningConfig(parsing: input) else { return }
        require((try? SigningConfig(config.json)) == config, "a signing configuration reads back")
        guard let now = Timestamp("2026-01-01T00:00:00Z") else { return }
        _ = try? config.certificateAuthority(at: now, versions: [1, 2])
        if let logs = try? config.logs(at: now, versions: [1, 2]) {
            require(Set(logs.map(\.majorAPIVersion)).count <= 1, "versions are not mixed")
            require(Set(logs.map(\.operator)).count == logs.count, "one log of each operator")
        }
        _ = try? config.timestampAuthorities(at: now, versions: [1])
    }

    /// Reading what services answer.
    static let serviceAnswer = FuzzTarget(name: "service-answer") { input in
        if let certificates = try? CertificateAuthorityClient.certificates(in: input) {
            require(!certificates.isEmpty, "an answer without certificates is refused")
        }
        for entry in [try? LogClient.entryV1(input), try? LogClient.entryV2(input)].compactMap(\.self) {
            require(entry.logIndex >= 0, "indices count")
            require(!entry.canonicalizedBody.isEmpty, "an entry has a body")
        }
        _ = try? ServiceDescription(parsing: String(decoding: input, as: UTF8.self))
    }

    /// Reading addresses: what is taken is taken again, and what it refers to stays on the web.
    static let address = FuzzTarget(name: "address") { input in
        let text = String(decoding: input, as: UTF8.self)
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if let url = try? HTTPURL(parts[0]) {
            require((try? HTTPURL(url.text)) == url, "an address has one form")
            require(!url.target.utf8.contains { $0 <= 0x20 || $0 == 0x7F }, "nothing in an address ends a line")
            if parts.count > 1, let next = try? url.resolving(parts[1]) {
                require((try? HTTPURL(next.text)) == next, "what an address refers to is one")
            }
        }
        _ = try? ProxySettings(environment: ["http_proxy": text, "no_proxy": text]).proxy(
            for: try HTTPURL("http://example.org/"))
    }
}
