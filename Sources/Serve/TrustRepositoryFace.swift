internal import Authority
internal import Bytes
internal import Host
internal import Hummingbird
internal import Keys
internal import Logging
internal import ServiceLifecycle
internal import Sigstore
internal import SystemPackage

extension FaceKind {
    /// What clients trust. Settings: docs/formats/authority.md.
    package static let trust = FaceKind(
        name: "trust", summary: "Trust repository (TUF) with trusted root and signing configuration"
    ) { site, settings in
        try settings.check(known: [])
        let directory = try site.directory("trust")
        let signers = try await FileThreads.run { try TrustRepositoryFace.signers(directory) }
        let face = TrustRepositoryFace(
            site: site, repository: TrustRepository(directory.appending("repository")), signers: signers)
        try await face.update()
        return face
    }
}

/// A TUF repository below `/tuf`, kept fresh, and its content as files of their own below `/trust`.
struct TrustRepositoryFace: Face {
    let name = "trust"
    let site: Site
    let repository: TrustRepository
    let signers: TrustRepository.Signers

    /// How often the repository is looked at.
    private static let interval: Duration = .seconds(900)

    var notices: [FaceNotice] {
        [
            FaceNotice("Trust", at: site.url + "/tuf"),
            FaceNotice(
                "Trust in one file", at: site.url + "/trust/config.json",
                command: "curl -fsO \(site.url)/trust/config.json && martlet trust import config.json"),
        ]
    }

    /// The repository's keys. A second file of a role, `root-2.key`, is its successor; the others sign new roots too.
    static func signers(_ directory: FilePath) throws -> TrustRepository.Signers {
        try Files.createDirectories(directory.appending("keys"), mode: 0o700)
        func keys(_ role: String) throws -> [PrivateKeySigner] {
            var found: [(number: Int, key: PrivateKey)] = []
            let folder = directory.appending("keys")
            for name in try Files.list(folder) where name.hasPrefix(role + "-") && name.hasSuffix(".key") {
                guard let number = Int(name.dropFirst(role.count + 1).dropLast(4)) else { continue }
                let reference = KeyReference.file(folder.appending(name))
                found.append((number, try reference.privateKey(AuthoritySite.secrets)))
            }
            if found.isEmpty {
                let key = try PrivateKey.generate(.ed25519)
                let passphrase = AuthoritySite.passphrase
                let text = try PrivateKeyText.text(
                    of: key, in: passphrase == nil ? .pkcs8 : .encryptedPKCS8, passphrase: passphrase)
                try KeyFiles.write(text, to: folder.appending("\(role)-1.key"))
                found = [(1, key)]
            }
            return found.sorted { $0.number > $1.number }.map { PrivateKeySigner($0.key) }
        }
        let (root, targets, online) = (try keys("root"), try keys("targets"), try keys("online"))
        return TrustRepository.Signers(
            root: Array(root.prefix(1)), formerRoot: Array(root.dropFirst()), targets: targets[0], online: online[0])
    }

    /// What the server's faces have to say, together.
    func config() async throws -> ClientTrustConfig {
        var (root, signing) = (TrustedRoot(), SigningConfig())
        var parts: [TrustContribution] = []
        for case let face as any TrustedFace in site.faces { parts.append(try await face.contribution()) }
        if let log = site.face(LogFace.self) { parts.append(try await contribution(of: log)) }
        for part in parts {
            root.logs += part.root.logs
            root.certificateLogs += part.root.certificateLogs
            root.certificateAuthorities += part.root.certificateAuthorities
            root.timestampAuthorities += part.root.timestampAuthorities
            signing.certificateAuthorities += part.signing.certificateAuthorities
            signing.tokenIssuers += part.signing.tokenIssuers
            signing.logs += part.signing.logs
            signing.timestampAuthorities += part.signing.timestampAuthorities
        }
        return ClientTrustConfig(trustedRoot: root, signingConfig: signing)
    }

    /// The log's two keys: clients of version 1 know it by one, those of version 2 by the other.
    private func contribution(of log: LogFace) async throws -> TrustContribution {
        let identity = log.service.identity
        let file = site.data.appending("log/promise.key")
        let made = try await FileThreads.run { try Files.status(file)?.modified }
        guard let made, let start = Timestamp(seconds: made / 1_000_000_000) else {
            throw ServeError(.damaged, "\(file) is missing; restore it from the backup")
        }
        let period = ValidityPeriod(start: start)
        var out = TrustContribution()
        for (key, version) in [(identity.checkpointKey, 2), (identity.promiseKey.publicKey, 1)] {
            out.root.logs.append(
                try TrustedRoot.Log(url: site.url, key: key, origin: identity.origin, period: period))
            out.signing.logs.append(
                .init(url: site.url, majorAPIVersion: version, period: period, operator: identity.origin))
        }
        return out
    }

    func update() async throws {
        let config = try await config()
        var files = ["trusted_root.json": config.trustedRoot.json.bytes(indented: true)]
        files["signing_config.v0.2.json"] = config.signingConfig?.json.bytes(indented: true)
        let changed = try await repository.update(files, signers: signers, at: try AuthoritySite.now())
        if !changed.isEmpty {
            site.logger(name).info(
                "trust repository renewed", metadata: ["roles": .string(changed.joined(separator: ", "))])
        }
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: Self.interval)
                do {
                    try await update()
                } catch {
                    // Its metadata are good for a day more, and the next try may succeed.
                    site.logger(name).error("the trust repository was not renewed", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    func addRoutes(to routes: Routes) {
        routes.get("/tuf/root.json") { _, _ in try await file { try repository.root() } }
        routes.get("/tuf/targets/:name") { _, context in
            let name = try context.parameters.require("name")
            return try await file { try repository.file("targets/" + name) }
        }
        routes.get("/tuf/:name") { _, context in
            let name = try context.parameters.require("name")
            return try await file { try repository.file(name) }
        }
        routes.get("/trust/config.json") { _, _ in Response.json(try await config().json) }
        routes.get("/trust/trusted_root.json") { _, _ in Response.json(try await config().trustedRoot.json) }
        routes.get("/trust/signing_config.json") { _, _ in
            Response.json(try await config().signingConfig?.json ?? .null)
        }
    }

    private func file(_ read: @escaping @Sendable () throws -> [UInt8]?) async throws -> Response {
        guard let bytes = try await FileThreads.run(read) else {
            throw Refusal(.notFound, "the trust repository has no such file")
        }
        return Response.bytes(bytes, type: "application/json", headers: [.cacheControl: "no-cache"])
    }
}
