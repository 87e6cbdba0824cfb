package import Bytes
internal import Host
package import Keys
package import Sigstore
package import SystemPackage

/// An authority's directory: which keys it has, where they are, and whom it believes (docs/formats/authority.md).
package struct AuthorityFiles: Sendable {
    /// A key with the chain that names it, and since when it is used.
    package struct Identity: Hashable, Sendable {
        /// A file in the directory, or a reference such as `pkcs11:…`.
        package var key: String
        /// A PEM file in the directory: its own certificate first, the root last.
        package var chain: String
        package var since: Timestamp
    }

    /// A chain that is trusted for what it did up to a moment.
    package struct Retired: Hashable, Sendable {
        package var chain: String
        package var since: Timestamp
        package var until: Timestamp
    }

    package let directory: FilePath
    package var organization: String
    package var issuer: Identity
    package var timestamper: Identity
    package var retiredIssuers: [Retired] = []
    package var retiredTimestampers: [Retired] = []
    /// The key of the certificate log, and since when it is used.
    package var logKey: String
    package var logSince: Timestamp
    /// Whose tokens are believed, as `TrustedIssuer.list` reads them.
    package var issuers: JSON = []
    package var tokenUse: TokenVerifier.Reuse = .untilExpiry

    package static let name = "authority.json"
    /// Where users and clients of the identity issuer are.
    package var users: FilePath { directory.appending("users.json") }

    init(
        directory: FilePath, organization: String, issuer: Identity, timestamper: Identity, logKey: String,
        logSince: Timestamp
    ) {
        self.directory = directory
        self.organization = organization
        self.issuer = issuer
        self.timestamper = timestamper
        self.logKey = logKey
        self.logSince = logSince
    }

    /// Reads the directory; `nil` where there is no authority in it.
    package init?(_ directory: FilePath) throws(AuthorityError) {
        let path = directory.appending(Self.name)
        let json: JSON
        do {
            guard try Files.exists(path) else { return nil }
            json = try JSON(parsing: try Files.read(path, limit: 4 << 20))
        } catch {
            throw AuthorityError(.damaged, "\(path): \(error)")
        }
        func wrong(_ what: String) -> AuthorityError { AuthorityError(.malformed, "\(path): \(what)") }
        func moment(_ json: JSON?, _ place: String) throws(AuthorityError) -> Timestamp {
            guard let moment = json?.stringValue.flatMap({ Timestamp($0) }) else {
                throw wrong("\(place) should be a moment")
            }
            return moment
        }
        func identity(_ name: String) throws(AuthorityError) -> Identity {
            guard let key = json[name]?["key"]?.stringValue, let chain = json[name]?["chain"]?.stringValue else {
                throw wrong("\(name) should have a key and a chain")
            }
            return Identity(key: key, chain: chain, since: try moment(json[name]?["since"], "\(name).since"))
        }
        func retired(_ name: String) throws(AuthorityError) -> [Retired] {
            try (json[name]?["retired"]?.arrayValue ?? []).map { (entry) throws(AuthorityError) in
                Retired(
                    chain: entry["chain"]?.stringValue ?? "", since: try moment(entry["since"], "\(name).retired"),
                    until: try moment(entry["until"], "\(name).retired"))
            }
        }
        guard let organization = json["organization"]?.stringValue,
            let logKey = json["certificateLog"]?["key"]?.stringValue
        else { throw wrong("organization and certificateLog.key are needed") }
        self.init(
            directory: directory, organization: organization, issuer: try identity("certificateAuthority"),
            timestamper: try identity("timestampAuthority"), logKey: logKey,
            logSince: try moment(json["certificateLog"]?["since"], "certificateLog.since"))
        retiredIssuers = try retired("certificateAuthority")
        retiredTimestampers = try retired("timestampAuthority")
        issuers = json["issuers"] ?? []
        if json["tokenUse"]?.stringValue == "once" { tokenUse = .once }
    }

    var json: JSON {
        func identity(_ identity: Identity, _ retired: [Retired]) -> JSON {
            [
                "key": .string(identity.key), "chain": .string(identity.chain),
                "since": .string(identity.since.description),
                "retired": .array(
                    retired.map {
                        [
                            "chain": .string($0.chain), "since": .string($0.since.description),
                            "until": .string($0.until.description),
                        ]
                    }),
            ]
        }
        return [
            "organization": .string(organization), "certificateAuthority": identity(issuer, retiredIssuers),
            "timestampAuthority": identity(timestamper, retiredTimestampers),
            "certificateLog": ["key": .string(logKey), "since": .string(logSince.description)],
            "issuers": issuers, "tokenUse": .string(tokenUse == .once ? "once" : "untilExpiry"),
        ]
    }

    package func write() throws(AuthorityError) {
        do {
            try Files.write(
                json.bytes(indented: true) + [0x0A], to: directory.appending(Self.name), mode: 0o600, durable: true)
        } catch {
            throw AuthorityError(.damaged, "\(error)")
        }
    }

    // MARK: Opening

    /// A reference as the settings have it: what has no scheme is a file in the directory.
    func reference(_ text: String) throws(AuthorityError) -> KeyReference {
        do {
            let reference = try KeyReference(text)
            if case .file(let path) = reference, !path.isAbsolute { return .file(directory.pushing(path)) }
            return reference
        } catch {
            throw AuthorityError(.malformed, "\(error)")
        }
    }

    func signer(_ text: String, _ secrets: SecretSource) async throws(AuthorityError) -> any Signer {
        do {
            return try await reference(text).signer(KeyReference.Options(secrets: secrets))
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw AuthorityError(.unreachable, "\(error)")
        }
    }

    /// A chain of the directory.
    package func chain(_ name: String) throws(AuthorityError) -> [Certificate] {
        do {
            return try Certificate.list(pem: try Files.read(directory.appending(name), limit: 1 << 20))
        } catch {
            throw AuthorityError(.damaged, "the chain \(name): \(error)")
        }
    }

    /// The certificate authority, ready to issue.
    package func certificateAuthority(
        _ secrets: SecretSource, recorder: (any CertificateRecorder)?
    ) async throws(AuthorityError) -> CertificateAuthority {
        CertificateAuthority(
            try CertificateIssuer(try await signer(issuer.key, secrets), chain: try chain(issuer.chain)),
            recorder: recorder,
            retired: try retiredIssuers.map { (retired) throws(AuthorityError) in try chain(retired.chain) })
    }

    /// The timestamp authority, ready to sign.
    package func timestampAuthority(_ secrets: SecretSource) async throws(AuthorityError) -> TimestampAuthority {
        try TimestampAuthority(try await signer(timestamper.key, secrets), chain: try chain(timestamper.chain))
    }

    /// The signer of the certificate log.
    package func logSigner(_ secrets: SecretSource) async throws(AuthorityError) -> any Signer {
        try await signer(logKey, secrets)
    }

    /// What others have to know to believe this authority: its chains, each with its time.
    package func trusted(url: String) throws(AuthorityError) -> (
        issuers: [TrustedRoot.Authority], timestampers: [TrustedRoot.Authority]
    ) {
        func authority(
            _ name: String, _ uri: String, _ since: Timestamp, _ until: Timestamp? = nil
        ) throws(AuthorityError) -> TrustedRoot.Authority {
            TrustedRoot.Authority(
                uri: uri, certificates: try chain(name), period: ValidityPeriod(start: since, end: until))
        }
        let stamps = url + "/api/v1/timestamp"
        return (
            try retiredIssuers.map { (old) throws(AuthorityError) in try authority(old.chain, url, old.since, old.until)
            }
                + [try authority(issuer.chain, url, issuer.since)],
            try retiredTimestampers.map { (old) throws(AuthorityError) in
                try authority(old.chain, stamps, old.since, old.until)
            } + [try authority(timestamper.chain, stamps, timestamper.since)]
        )
    }
}
