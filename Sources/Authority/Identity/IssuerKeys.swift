internal import Bytes
internal import Sigstore
package import Wire

/// Where the keys of an issuer are.
package enum IssuerKeySource: Sendable {
    /// What the issuer's discovery document names (OpenID Connect Discovery section 4).
    case discovery
    /// An address that is known, for issuers whose discovery can't be reached from here.
    case address(String)
    /// Keys that are known, for closed networks.
    case known(WebKeySet)
    /// An issuer in this process.
    case inside(@Sendable () -> WebKeySet)
}

/// The keys of issuers, fetched and remembered for a while.
package actor IssuerKeys {
    private struct Remembered {
        var keys: WebKeySet
        var fetched: Timestamp
    }

    private let transport: any HTTPTransport
    private var remembered: [String: Remembered] = [:]
    /// When an issuer was last asked, so that tokens with made-up key ids don't make us ask again and again.
    private var asked: [String: Timestamp] = [:]

    /// How long keys are used without asking again, in seconds.
    private static let freshness: Int64 = 600
    /// How long they are used when the issuer can't be reached.
    private static let patience: Int64 = 3600
    private static let pause: Int64 = 15
    private static let documentLimit = 64 << 10

    package init(transport: any HTTPTransport) { self.transport = transport }

    /// The issuer's keys. With `isSecondTry`, no key fitted: the issuer may have new ones.
    func keys(
        of issuer: String, from source: IssuerKeySource, at now: Timestamp, isSecondTry: Bool = false
    ) async throws(AuthorityError) -> WebKeySet {
        switch source {
        case .known(let keys): return keys
        case .inside(let keys): return keys()
        case .discovery, .address: break
        }
        let known = remembered[issuer]
        if let known, now.seconds - known.fetched.seconds < (isSecondTry ? Self.pause : Self.freshness) {
            return known.keys
        }
        if let last = asked[issuer], (0..<Self.pause).contains(now.seconds - last.seconds), known == nil || isSecondTry
        {
            if let known { return known.keys }
            throw AuthorityError(
                .unreachable, "the keys of \(issuer.safeForTerminal) could not be had a moment ago; try again later")
        }
        asked[issuer] = now
        do {
            let keys = try await fetch(issuer, source)
            remembered[issuer] = Remembered(keys: keys, fetched: now)
            return keys
        } catch {
            if let known, now.seconds - known.fetched.seconds < Self.patience { return known.keys }
            throw error
        }
    }

    private func fetch(_ issuer: String, _ source: IssuerKeySource) async throws(AuthorityError) -> WebKeySet {
        var address = ""
        switch source {
        case .address(let text): address = text
        default:
            let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
            let bytes = try await get(base + "/.well-known/openid-configuration", Self.documentLimit)
            guard let document = try? JSON(parsing: bytes, limits: JSONLimits(byteCount: bytes.count, depth: 16)),
                let named = document["issuer"]?.stringValue, let keys = document["jwks_uri"]?.stringValue
            else {
                throw AuthorityError(.unreachable, "the discovery document of \(issuer.safeForTerminal) can't be read")
            }
            // Whoever answers must be who was asked, or one issuer could speak for another (section 4.3).
            guard named.hasSameBytes(as: issuer) else {
                throw AuthorityError(
                    .unauthenticated,
                    "the issuer \(issuer.safeForTerminal) says that it is \(named.safeForTerminal)")
            }
            address = keys
        }
        return try WebKeySet(parsing: try await get(address, WebKeySet.greatestByteCount))
    }

    private func get(_ address: String, _ limit: Int) async throws(AuthorityError) -> [UInt8] {
        do {
            let url = try HTTPURL(address)
            guard url.isConfidential else {
                throw AuthorityError(.refused, "\(url.shown) is not encrypted; keys are fetched over https")
            }
            var request = HTTPRequest(.get, url, fields: ["Accept": "application/json"])
            request.staysAtOrigin = true
            return try await transport.fetch(request, limit: limit, deadline: .seconds(10)).success()
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw AuthorityError(.unreachable, "the issuer's keys can't be fetched: \(error)")
        }
    }
}
