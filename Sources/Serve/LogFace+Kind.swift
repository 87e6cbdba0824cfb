internal import Bytes
internal import Host
internal import Keys
internal import Ledger
internal import Sigstore
internal import SystemPackage
internal import TileLog
internal import Wire

extension FaceKind {
    /// The transparency log. Settings: docs/transparency-log.md.
    package static let log = FaceKind(name: "log", summary: "Transparency log: Rekor v1 and v2, tiles") {
        site, settings in
        try settings.check(known: ["origin", "duplicates", "rawEntries", "attestations", "witnesses", "witnessSeconds"])
        let directory = try site.directory("log")
        let files = try await FileThreads.run { [setting = try settings.string("origin")] in
            try LogFiles(in: directory, origin: setting, default: ServiceKeys.host(of: site.url))
        }
        let origin = files.origin
        let identity = LogService.Identity(
            origin: origin, promiseKey: files.promise, checkpointKey: files.checkpoint.publicKey)
        let duplicates: LogService.Duplicates
        switch try settings.string("duplicates") {
        case nil, "entry": duplicates = .entry
        case "conflict": duplicates = .conflict
        default: throw ServeError(.configuration, "services.log.duplicates has to be entry or conflict")
        }
        let keepsAttestations = try settings.bool("attestations") ?? true
        let takesRawEntries = try settings.bool("rawEntries") ?? false
        let witnesses = try await Witnesses(settings, log: files.signers.map(\.key))
        let log: TransparencyLog
        do {
            var logSettings = LogSettings()
            // Before the first signature: a copy of the log that is older than what witnesses saw would fork it.
            logSettings.knownCheckpoints = try await witnesses?.client.knownCheckpoints(origin: origin) ?? []
            log = try await files.open(logSettings)
        } catch {
            await witnesses?.transport.close()
            throw error
        }
        let service = LogService(
            identity: identity, store: log,
            attestations: keepsAttestations ? files.attestations : nil,
            duplicates: duplicates, witnessing: witnesses.map { Witnessing(store: log, client: $0.client) })
        return LogFace(service, takesRawEntries: takesRawEntries, site: site) {
            await log.close()
            await witnesses?.transport.close()
        }
    }

    /// The witness. Settings: docs/transparency-log.md.
    package static let witness = FaceKind(name: "witness", summary: "Witness of other transparency logs") {
        site, settings in
        try settings.check(known: ["name", "logs"])
        let directory = try site.directory("witness")
        let name = try await FileThreads.run { [setting = try settings.string("name")] in
            try ServiceKeys.name(
                in: directory, setting: setting, default: ServiceKeys.host(of: site.url) + "/witness")
        }
        let key = try await FileThreads.run { try ServiceKeys.key("witness", .ed25519, in: directory) }
        var logs: [String: Witness.Log] = [:]
        for text in try settings.strings("logs") ?? [] {
            let key = try NoteKey(verifierKey: text)
            guard key.kind == .text, let origin = key.name else {
                throw ServeError(.configuration, "services.witness.logs has a key that is not a log's: \(text)")
            }
            // Several keys may sign for one log.
            logs[origin] = Witness.Log(origin: origin, keys: (logs[origin]?.keys ?? []) + [key])
        }
        let store = try WitnessStore(
            Witness(keys: [try WitnessKey(name: name, key: key)]), logs: Array(logs.values),
            directory: directory.appending("logs")
        ) { UInt64(clamping: Clocks.nowNanoseconds() / 1_000_000_000) }
        try await store.open()
        return WitnessFace(store, site: site)
    }
}

/// The witnesses of a log, as its settings name them.
private struct Witnesses {
    let client: WitnessClient
    let transport: HTTPClient

    /// `nil` where the settings name no policy.
    init?(_ settings: FaceSettings, log: [NoteKey]) async throws {
        guard let file = try settings.string("witnesses") else { return nil }
        let policy = try LogPolicy(parsing: await FileThreads.run { try Files.read(FilePath(file), limit: 1 << 20) })
        let seconds = try settings.int("witnessSeconds", in: 1...60) ?? 5
        transport = HTTPClient(WireSettings(userAgent: "martlet", environment: ProcessEnvironment.variables))
        client = WitnessClient(policy: policy, log: log, transport: transport, timeLimit: .seconds(seconds))
    }
}

/// Names and keys that a service makes when it starts for the first time, and keeps.
enum ServiceKeys {
    /// The key in `NAME.key`, made where there is none.
    static func key(_ name: String, _ algorithm: KeyAlgorithm, in directory: FilePath) throws -> PrivateKey {
        let path = directory.appending("\(name).key")
        if try !Files.exists(path) {
            let text = try PrivateKeyText.text(of: PrivateKey.generate(algorithm), in: .pkcs8, passphrase: nil)
            try KeyFiles.write(text, to: path)
        }
        return try PrivateKeyText(Secret(Files.read(path, limit: PrivateKeyText.greatestByteCount))).open()
    }

    /// The name in the file `name`, written where there is none. It is part of signatures, so it never changes.
    static func name(in directory: FilePath, setting: String?, default name: String) throws -> String {
        let path = directory.appending("name")
        if try Files.exists(path) {
            let kept = try Files.readText(path, limit: 4096)
            if let setting, !setting.hasSameBytes(as: kept) {
                throw ServeError(
                    .configuration,
                    "this service has signed as \(kept); it can't be called \(setting), use another data directory")
            }
            return kept
        }
        let name = setting ?? name
        guard !name.isEmpty, name.utf8.count <= 255, !name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x2B }) else {
            throw ServeError(.configuration, "the name \(name) of the service must have no space and no plus sign")
        }
        try Files.write(Array(name.utf8), to: path, durable: true)
        return name
    }

    /// An address without its scheme, as checkpoints name logs.
    static func host(of url: String) -> String {
        guard let start = url.firstRange(of: "://") else { return url }
        return String(url[start.upperBound...])
    }
}
