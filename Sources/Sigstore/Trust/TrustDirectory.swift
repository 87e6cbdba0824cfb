package import Bytes
internal import Host
package import SystemPackage
internal import TUF
package import Wire

/// The folder that says whom this user trusts: files of a TUF repository, or files that somebody brought.
///
/// `docs/formats/trust-directory.md` describes it. Nothing in it is secret; whoever can write to it decides whom the
/// user trusts.
package struct TrustDirectory: Sendable {
    package let path: FilePath

    package init(_ path: FilePath) { self.path = path }

    /// The folder of the user whose environment this is: `$MARTLET_TRUST_DIR`, else `martlet/trust` in
    /// `$XDG_DATA_HOME` or `~/.local/share`.
    package init(environment: [String: String]) throws(SigstoreError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let own = value("MARTLET_TRUST_DIR") {
            self.init(FilePath(own))
        } else if let data = value("XDG_DATA_HOME"), data.hasPrefix("/") {
            self.init(FilePath(data).appending("martlet").appending("trust"))
        } else if let home = value("HOME") {
            self.init(FilePath(home).appending(".local").appending("share").appending("martlet").appending("trust"))
        } else {
            throw SigstoreError(.absent, "no folder for trust is known: HOME is not set; give --trust-dir")
        }
    }

    /// Where updates come from.
    package struct Settings: Hashable, Sendable {
        /// An address or a folder.
        package var mirror: String
        /// The paths of the targets to keep, beside those that every Sigstore repository has.
        package var targets: [String] = []

        package init(mirror: String, targets: [String] = []) {
            self.mirror = mirror
            self.targets = targets
        }

        init(parsing bytes: [UInt8]) throws(SigstoreError) {
            guard let json = try? JSON(parsing: bytes), json["format"]?.stringValue == "martlet-trust-1",
                let mirror = json["mirror"]?.stringValue
            else {
                throw SigstoreError(
                    .malformed, "the settings of the trust folder can't be read; run `martlet trust init` again")
            }
            self.init(mirror: mirror, targets: json["targets"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        }

        var json: JSON {
            ["format": "martlet-trust-1", "mirror": .string(mirror), "targets": .array(targets.map { .string($0) })]
        }
    }

    /// The targets of a Sigstore repository, by what they are.
    package enum Target {
        package static let trustedRoot = "trusted_root.json"
        package static let signingConfig = "signing_config.v0.2.json"
    }

    private var anchorFile: FilePath { path.appending("anchor.root.json") }
    private var settingsFile: FilePath { path.appending("settings.json") }
    private var importedFile: FilePath { path.appending("imported.json") }
    private var metadataFolder: FilePath { path.appending("tuf") }

    /// The most bytes of a file that is read here.
    static let greatestByteCount = 16 << 20

    // MARK: Setting up

    /// Begins to trust the repository at `settings.mirror`, on the word of `root`, whatever was trusted before.
    ///
    /// Gives the root's version. The root must be signed by its own keys; it may have expired.
    package func initialize(root: [UInt8], settings: Settings) throws(SigstoreError) -> Int {
        let trusted = try SigstoreError.mappingUpdate { () throws(TUFError) in try TrustedMetadata(root: root) }
        try attempt {
            try Files.createDirectories(path)
            try? Files.removeTree(metadataFolder)
            try? Files.remove(importedFile)
            try Files.write(root, to: anchorFile, durable: true)
            try Files.write(settings.json.bytes(indented: true) + [0x0A], to: settingsFile, durable: true)
        }
        return trusted.root.role.version
    }

    /// Where new trust is set up, so that what is trusted now goes only when its mirror has answered.
    package var successor: TrustDirectory { TrustDirectory(path.appending("next")) }

    /// Begins to trust what `successor` does, and forgets what was trusted before.
    ///
    /// Killed half-way, it leaves a folder that trusts nobody: the anchor goes first and comes last.
    package func adoptSuccessor() throws(SigstoreError) {
        let successor = successor
        try attempt {
            for file in [anchorFile, importedFile] where try Files.exists(file) { try Files.remove(file) }
            try Files.removeTree(metadataFolder)
            if try Files.exists(successor.metadataFolder) {
                try Files.rename(successor.metadataFolder, to: metadataFolder)
            }
            try Files.rename(successor.settingsFile, to: settingsFile)
            try Files.rename(successor.anchorFile, to: anchorFile)
            try Files.removeTree(successor.path)
        }
    }

    /// Whether there is anything here to overwrite.
    package func isInitialized() throws(SigstoreError) -> Bool {
        try attempt { try Files.exists(anchorFile) || Files.exists(importedFile) }
    }

    /// Trusts what is in a file that somebody brought: a trusted root, or a client trust configuration.
    package func importFile(_ bytes: [UInt8]) throws(SigstoreError) -> TrustMaterial {
        let config = try ClientTrustConfig(parsing: bytes)
        try attempt {
            try Files.createDirectories(path)
            try Files.write(bytes, to: importedFile, durable: true)
        }
        return TrustMaterial(config: config, bytes: bytes, source: .file(importedFile.string))
    }

    // MARK: Updating and reading

    /// Brings the files up to date from the mirror, or from `folder`, a copy of it that was carried here.
    package func update(
        from folder: FilePath? = nil, client: HTTPClient, at now: Timestamp
    ) async throws(SigstoreError) -> TrustMaterial {
        let settings = try settings()
        let source: any MetadataSource
        if let folder {
            source = FolderSource(folder)
        } else if settings.mirror.hasPrefix("https://") || settings.mirror.hasPrefix("http://") {
            do {
                let mirror = try HTTPURL(settings.mirror)
                source = HTTPMetadataSource(client, metadata: mirror, targets: try mirror.appending("targets"))
            } catch {
                throw SigstoreError(.malformed, error.message)
            }
        } else {
            source = FolderSource(FilePath(settings.mirror))
        }
        let material = try await load(.refresh, source, settings, at: now)
        // What was brought by hand is older than what has just been fetched.
        try attempt { try Files.remove(importedFile) }
        return material
    }

    /// What is trusted now, without asking anybody. What has expired is told by `TrustMaterial.expired(at:)`.
    package func load(at now: Timestamp) async throws(SigstoreError) -> TrustMaterial {
        if let bytes = try read(importedFile) {
            return TrustMaterial(
                config: try ClientTrustConfig(parsing: bytes), bytes: bytes, source: .file(importedFile.string))
        }
        return try await load(.stored, FolderSource(metadataFolder), try settings(), at: now)
    }

    /// The bytes of one target, without asking anybody.
    package func target(_ name: String, at now: Timestamp) async throws(SigstoreError) -> [UInt8] {
        let updater = try updater(FolderSource(metadataFolder))
        let result = try await SigstoreError.mappingUpdate { () async throws(TUFError) in
            try await updater.run(.stored, targets: [name], at: now)
        }
        guard let bytes = result.files[name] else {
            throw SigstoreError(.absent, "the repository does not vouch for \(name.safeForTerminal)")
        }
        return bytes
    }

    private func load(
        _ mode: Updater.Mode, _ source: any MetadataSource, _ settings: Settings, at now: Timestamp
    ) async throws(SigstoreError) -> TrustMaterial {
        let updater = try updater(source)
        let paths = [Target.trustedRoot, Target.signingConfig] + settings.targets
        let result = try await SigstoreError.mappingUpdate { () async throws(TUFError) in
            try await updater.run(mode, targets: paths, at: now)
        }
        guard let root = result.files[Target.trustedRoot] else {
            throw SigstoreError(
                .absent,
                "the repository does not vouch for \(Target.trustedRoot); is \(settings.mirror) a Sigstore mirror?"
            )
        }
        return TrustMaterial(
            config: ClientTrustConfig(
                trustedRoot: try TrustedRoot(parsing: root),
                signingConfig: try result.files[Target.signingConfig].map { (bytes) throws(SigstoreError) in
                    try SigningConfig(parsing: bytes)
                }),
            bytes: root, source: .repository(settings.mirror, result.states))
    }

    private func updater(_ source: any MetadataSource) throws(SigstoreError) -> Updater {
        guard let anchor = try read(anchorFile) else { throw absence }
        return Updater(anchor: anchor, store: FolderStore(metadataFolder), source: source)
    }

    package func settings() throws(SigstoreError) -> Settings {
        guard let bytes = try read(settingsFile) else { throw absence }
        return try Settings(parsing: bytes)
    }

    /// Changes where updates come from.
    package func write(_ settings: Settings) throws(SigstoreError) {
        try attempt { try Files.write(settings.json.bytes(indented: true) + [0x0A], to: settingsFile, durable: true) }
    }

    private var absence: SigstoreError {
        SigstoreError(
            .absent,
            "nothing is trusted yet: \(path) has no root; run `martlet trust init` or `martlet trust import`, or give --trusted-root"
        )
    }

    private func read(_ file: FilePath) throws(SigstoreError) -> [UInt8]? {
        do {
            return try Files.read(file, limit: Self.greatestByteCount)
        } catch let error as HostError where error.code == .notFound {
            return nil
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }

    private func attempt<Result>(_ body: () throws -> Result) throws(SigstoreError) -> Result {
        do {
            return try body()
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }
}

extension SigstoreError {
    /// What an update found wrong, as an error of this module.
    init(_ error: TUFError) {
        let code: Code =
            switch error.code {
            case .expired: .expired
            case .absent: .absent
            case .unreachable, .storage: .unreachable
            default: .refused
            }
        self.init(code, "the trust metadata is not accepted: \(error)")
    }

    static func mappingUpdate<Value>(_ body: () throws(TUFError) -> Value) throws(SigstoreError) -> Value {
        do {
            return try body()
        } catch {
            throw SigstoreError(error)
        }
    }

    static func mappingUpdate<Value>(
        _ body: () async throws(TUFError) -> Value
    ) async throws(SigstoreError) -> Value {
        do {
            return try await body()
        } catch {
            throw SigstoreError(error)
        }
    }
}
