package import Bytes
internal import Host
package import Keys
internal import Sigstore
package import SystemPackage

/// Makes the keys and certificates of an authority, and new ones when the time has come. It needs no network, and is meant
/// to run where the root's key is.
package struct KeyCeremony: Sendable {
    /// What to make.
    package struct Plan: Sendable {
        package var organization: String
        /// The root's key; `nil` for a new one, `root.key` in the directory, which is to be taken away from there.
        package var rootKey: KeyReference?
        /// The keys that sign every day; `nil` for new files. Keys in tokens are made before, with `martlet key generate`.
        package var issuerKey: KeyReference?
        package var timestampKey: KeyReference?
        package var rootYears: Int64 = 10
        package var issuerYears: Int64 = 3

        package init(organization: String) { self.organization = organization }
    }

    private let directory: FilePath
    private let secrets: SecretSource
    private let passphrase: Secret?

    /// New key files are encrypted with `passphrase`; without one, their modes alone protect them. Others are opened with
    /// `secrets`.
    package init(_ directory: FilePath, secrets: SecretSource, passphrase: Secret?) {
        self.directory = directory
        self.secrets = secrets
        self.passphrase = passphrase
    }

    private static let root = "root"

    /// Makes an authority in the directory, where there is none.
    package func make(_ plan: Plan, at now: Timestamp) async throws(AuthorityError) -> AuthorityFiles {
        guard try AuthorityFiles(directory) == nil else {
            throw AuthorityError(.refused, "there is an authority in \(directory); renew it, or give another directory")
        }
        guard !plan.organization.isEmpty, plan.organization.utf8.count <= 64 else {
            throw AuthorityError(.malformed, "the organisation's name has between 1 and 64 bytes")
        }
        do {
            try Files.createDirectories(directory, mode: 0o700)
        } catch {
            throw AuthorityError(.unreachable, "\(error)")
        }
        let start = try Self.moment(now.seconds)
        let rootSigner = try await signer(plan.rootKey, new: Self.root, .ecdsaP384).signer
        let root = try await CertificateIssuer.root(
            rootSigner, organization: plan.organization, commonName: "\(plan.organization) root", from: start,
            to: try Self.moment(now.seconds + plan.rootYears * Self.year))
        try write([root.certificate.pem], "root.pem")
        let issuer = try await issuer(plan.issuerKey, root, plan, number: 1, from: start)
        let timestamper = try await timestamper(plan.timestampKey, root, plan, number: 1, from: start)
        let logKey = try await signer(nil, new: "certificate-log", .ecdsaP256).name
        let files = AuthorityFiles(
            directory: directory, organization: plan.organization, issuer: issuer, timestamper: timestamper,
            logKey: logKey, logSince: start)
        try files.write()
        return files
    }

    /// Gives the authority new keys below the same root. What the old ones signed stays good.
    package func renew(_ plan: Plan, at now: Timestamp) async throws(AuthorityError) -> AuthorityFiles {
        guard var files = try AuthorityFiles(directory) else {
            throw AuthorityError(
                .absent, "there is no authority in \(directory); make one with `martlet authority init`")
        }
        let start = try Self.moment(now.seconds)
        let signer: any Signer
        do {
            let reference = plan.rootKey ?? .file(directory.appending("\(Self.root).key"))
            signer = try await reference.signer(KeyReference.Options(secrets: secrets))
        } catch {
            throw AuthorityError(.unreachable, "the root's key: \(error)")
        }
        let root = try CertificateIssuer(signer, chain: try files.chain("root.pem"))
        let number = files.retiredIssuers.count + 2
        var plan = plan
        plan.organization = files.organization
        let issuer = try await issuer(plan.issuerKey, root, plan, number: number, from: start)
        let timestamper = try await timestamper(plan.timestampKey, root, plan, number: number, from: start)
        // The old issuer may have issued up to this moment, and its certificates sign for ten minutes more.
        let until = try Self.moment(now.seconds + 3600)
        files.retiredIssuers.append(.init(chain: files.issuer.chain, since: files.issuer.since, until: until))
        files.retiredTimestampers.append(
            .init(chain: files.timestamper.chain, since: files.timestamper.since, until: until))
        files.issuer = issuer
        files.timestamper = timestamper
        try files.write()
        return files
    }

    // MARK: Parts

    private static let year: Int64 = 365 * 86400

    private static func moment(_ seconds: Int64) throws(AuthorityError) -> Timestamp {
        guard let moment = Timestamp(seconds: seconds) else {
            throw AuthorityError(.malformed, "the certificates would be valid in years beyond 9999")
        }
        return moment
    }

    private func issuer(
        _ reference: KeyReference?, _ root: CertificateIssuer, _ plan: Plan, number: Int, from start: Timestamp
    ) async throws(AuthorityError) -> AuthorityFiles.Identity {
        let name = "issuer-\(number)"
        let (signer, key) = try await signer(reference, new: name, .ecdsaP384)
        let chain = try await root.intermediate(
            signer.publicKey, organization: plan.organization, commonName: "\(plan.organization) issuer \(number)",
            purpose: .codeSigning, from: start, to: try end(plan, root, start))
        try write(chain.map(\.pem), name + ".pem")
        return AuthorityFiles.Identity(key: key, chain: name + ".pem", since: start)
    }

    private func timestamper(
        _ reference: KeyReference?, _ root: CertificateIssuer, _ plan: Plan, number: Int, from start: Timestamp
    ) async throws(AuthorityError) -> AuthorityFiles.Identity {
        let name = "timestamps-\(number)"
        let (signer, key) = try await signer(reference, new: name, .ecdsaP256)
        let own = try await root.issue(
            CertificateTemplate.timestamper(
                plan.organization, commonName: "\(plan.organization) timestamps \(number)", key: signer.publicKey,
                issuerKeyID: root.keyID, from: start, to: try end(plan, root, start)))
        try write([own.pem] + root.chain.map(\.pem), name + ".pem")
        return AuthorityFiles.Identity(key: key, chain: name + ".pem", since: start)
    }

    private func end(_ plan: Plan, _ root: CertificateIssuer, _ start: Timestamp) throws(AuthorityError) -> Timestamp {
        min(try Self.moment(start.seconds + plan.issuerYears * Self.year), root.certificate.notAfter)
    }

    /// The key of `reference`, or a new one in a file called `name`.
    private func signer(
        _ reference: KeyReference?, new name: String, _ algorithm: KeyAlgorithm
    ) async throws(AuthorityError) -> (signer: any Signer, name: String) {
        do {
            if let reference {
                return (try await reference.signer(KeyReference.Options(secrets: secrets)), reference.description)
            }
            let key = try PrivateKey.generate(algorithm)
            let text = try PrivateKeyText.text(
                of: key, in: passphrase == nil ? .pkcs8 : .encryptedPKCS8, passphrase: passphrase)
            try KeyFiles.write(text, to: directory.appending(name + ".key"))
            return (PrivateKeySigner(key), name + ".key")
        } catch {
            throw AuthorityError(.unreachable, "\(error)")
        }
    }

    private func write(_ blocks: [String], _ name: String) throws(AuthorityError) {
        do {
            try Files.write(Array(blocks.joined().utf8), to: directory.appending(name), durable: true)
        } catch {
            throw AuthorityError(.unreachable, "\(error)")
        }
    }
}
